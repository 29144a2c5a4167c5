"""Where a report comes from, in words."""

from saddlepoint.evaluation.provenance import environment, policy_facts, text_of


def test_unknown_fields_of_a_card_are_shown_too() -> None:
    facts = {fact.name: fact.value for fact in policy_facts({"parameters": 1234567, "new_field": [1, 2]})}
    assert facts == {"architecture": "1,234,567 parameters", "new field": "1, 2"}


def test_long_lists_are_cut_and_say_so() -> None:
    assert text_of(list(range(62))).endswith("58, 59 and 2 more")


def test_only_games_of_frames_have_options_of_frames() -> None:
    frames = {"frame_size": [84, 84], "frame_stack": 4, "kwargs": {}}
    assert environment({"id": "BoxingNoFrameskip-v4", **frames}) == {"id": "BoxingNoFrameskip-v4", **frames}
    assert environment({"id": "CartPole-v1", **frames}) == {"id": "CartPole-v1"}
    assert environment({"id": "Hopper-v5", "kwargs": {"a": 1}}) == {"id": "Hopper-v5", "kwargs": {"a": 1}}


def test_small_files_have_a_size_too() -> None:
    sizes = [policy_facts({"size": size})[0].value for size in (36_620, 3_389_120)]
    assert sizes == ["35.8 KiB", "3.2 MiB"]
