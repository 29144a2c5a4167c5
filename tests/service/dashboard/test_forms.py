"""What the forms begin with."""

from datetime import UTC, datetime

import pytest

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.policies import Head, InputDescription, Lineage, OutputDescription, PolicyCard
from service.dashboard.forms import evaluation_form, suggestions, training_form, upload_fields


def card(shape: tuple[int, ...], actions: int, head: Head = "logits", trained_in: str | None = None) -> PolicyCard:
    """A policy of these spaces."""
    lineage = None
    if trained_in:
        env = EnvironmentSpec(id=trained_in)
        lineage = Lineage(method="atpa", env=env, config={}, steps=1, seed=0, versions={})
    return PolicyCard(
        id="p",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        format="onnx",
        architecture="mlp",
        head=head,
        observation=InputDescription(shape=shape),
        outputs=[OutputDescription(name=head, shape=(actions,))],
        actions=actions,
        parameters=1,
        sha256="",
        canonical_sha256="",
        size=1,
        max_disagreement=0.0,
        lineage=lineage,
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (card((4,), 2), ["CartPole-v1"]),
        (card((2,), 1, "gaussian"), ["MountainCarContinuous-v0"]),
        (card((17,), 6, "gaussian"), ["HalfCheetah-v5", "Walker2d-v5"]),
        (card((17,), 6), []),
        (card((5,), 2), []),
        (card((4,), 2, trained_in="Own-v0"), ["Own-v0", "CartPole-v1"]),
    ],
)
def test_environments_are_proposed_that_the_policy_fits(policy: PolicyCard, expected: list[str]) -> None:
    assert suggestions(policy) == expected


def test_games_are_proposed_by_their_number_of_actions() -> None:
    games = suggestions(card((4, 84, 84), 6))
    assert "PongNoFrameskip-v4" in games
    assert "BoxingNoFrameskip-v4" not in games
    assert suggestions(card((1, 84, 84), 6)) == []


def test_one_environment_is_chosen_and_one_of_many_is_not_guessed() -> None:
    assert evaluation_form(card((4,), 2)).environment == "CartPole-v1"
    assert evaluation_form(card((4, 84, 84), 6)).environment == ""
    assert evaluation_form(card((4, 84, 84), 18, trained_in="BoxingNoFrameskip-v4")).environment == (
        "BoxingNoFrameskip-v4"
    )
    named = card((4, 84, 84), 6).model_copy(update={"name": "PongNoFrameskip-v4-mine"})
    assert evaluation_form(named).environment == "PongNoFrameskip-v4"


def test_the_form_offers_what_can_be_done_to_the_policy() -> None:
    pixels, vectors = evaluation_form(card((4, 84, 84), 6)), evaluation_form(card((4,), 2, "q_values"))
    assert (pixels.epsilon, vectors.epsilon) == ("4", "0.1")
    assert [field.name for field in pixels.environment_options][:2] == ["env.frame_size", "env.frame_stack"]
    assert vectors.environment_options == []
    assert "value" in {attack.kind for attack in vectors.attacks} - {attack.kind for attack in pixels.attacks}
    beside = card((4,), 2).model_copy(update={"outputs": [OutputDescription(name="q_values", shape=(2,))]})
    assert "value" in {attack.kind for attack in evaluation_form(beside).attacks}
    assert pixels.chosen_attacks == {"none", "random", "max", "min", "ce"}
    smallest = pixels.sizes[0]
    assert (smallest.name, smallest.seeds, smallest.episodes_per_seed) == ("smoke", 2, 1)


def test_every_field_of_the_forms_has_a_control() -> None:
    form = training_form(None)
    assert (form.method, form.environment) == ("standard", "CartPole-v1")
    assert {field.name for field in form.options} >= {"config.learning_rate", "config.epsilon_ramp"}
    assert upload_fields()[0].name == "name"
