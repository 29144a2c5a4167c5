import random
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import pytest

from saddlepoint.evaluation.fold import fold_cell, fold_report
from saddlepoint.evaluation.health import attack_health
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.gates import Thresholds, decide
from saddlepoint.schemas.plans import EpisodeResult
from saddlepoint.schemas.reports import RobustnessReport, comparable
from tests.evaluation.episodes import CARD, NOW, plan_of, result, results, spec_of

SPEC = spec_of(attacks=["none", "random", "ce"])
RETURNS = {
    "none": [90.0, 100.0, 80.0, 90.0],
    "random@4": [90.0, 90.0, 80.0, 80.0],
    "ce@4": [10.0, 20.0, -10.0, 0.0],
    "ce@4 (greedy)": [0.0, 0.0, 0.0, 0.0],
    "random policy": [0.0, 1.0, -1.0, 0.0, 0.0],
}


def report_of(
    spec: EvaluationSpec = SPEC,
    returns: Mapping[str, list[float]] = RETURNS,
    measured: Mapping[str, float] = MappingProxyType({}),
) -> RobustnessReport:
    """`measured` goes to every attacked episode."""
    plan = plan_of(spec)
    played = results(plan, returns, **measured)
    return fold_report(plan, spec, CARD, played, wall_time_s=1.0, created_at=NOW)


def test_a_cell_by_hand() -> None:
    plan = plan_of(SPEC)
    episodes = [
        result(seed=1, episode=0, episode_return=4.0, length=30, attacked_steps=30, flips=10, max_linf=3.0),
        result(
            seed=0, episode=1, episode_return=2.0, length=10, attacked_steps=10, flips=5, kl_sum=8.0, truncated=True
        ),
        result(seed=0, episode=0, episode_return=1.0, length=10, actions_digest="other", max_linf=4.0),
    ]
    cell = fold_cell(plan, plan.cells[2], episodes)
    assert (cell.attack, cell.label, cell.epsilon, cell.steps, cell.step_size) == ("ce", "ce", 4.0, 7, 2.0)
    assert (cell.seeds, cell.returns, cell.lengths) == ([0, 0, 1], [1.0, 2.0, 4.0], [10, 10, 30])
    assert cell.mean == pytest.approx(7 / 3)
    assert (cell.median, cell.cvar10) == (2.0, 1.0)
    assert (cell.worst_seed, cell.worst_seed_mean) == (0, 1.5)
    assert (cell.flip_rate, cell.mean_kl, cell.attacked_share) == (15 / 40, 8 / 40, 40 / 50)
    assert (cell.max_linf, cell.truncated, cell.distinct_trajectories) == (4.0, 1, 2)
    assert cell.normalized is None


def test_spaces_that_the_file_states_and_the_environment_has_not_are_told() -> None:
    plan = plan_of(SPEC)
    stated = {"kind": "Box", "shape": [4, 84, 84], "dtype": "float32", "low": 0.0, "high": 1.0}
    card = CARD.model_copy(update={"observation_space": stated})
    report = fold_report(plan, SPEC, card, results(plan, RETURNS), wall_time_s=1.0, created_at=NOW)
    (told,) = set(report.warnings) - set(report_of().warnings)
    assert told.startswith("The policy's file states observations of float32 0 to 1, the environment gives uint8")


def test_a_cell_does_not_depend_on_the_order_of_its_episodes() -> None:
    plan = plan_of(SPEC)
    episodes = results(plan, RETURNS)[2]
    assert fold_cell(plan, plan.cells[2], episodes[::-1]) == fold_cell(plan, plan.cells[2], episodes)


def test_an_unattacked_cell_has_no_measures_of_an_attack() -> None:
    cell = report_of().cell("none")
    assert (cell.flip_rate, cell.mean_kl, cell.mean_tv, cell.health) == (None, None, None, None)
    assert (cell.max_linf, cell.attacked_share) == (0.0, 0.0)


def test_the_report_holds_every_cell_in_the_specs_order_and_the_greedy_ones_apart() -> None:
    report = report_of()
    assert [cell.title for cell in report.cells] == ["none", "random@4", "ce@4"]
    assert [(cell.title, cell.action_mode) for cell in report.greedy_cells] == [("ce@4", "greedy")]
    assert report.reference.random_policy.returns == RETURNS["random policy"]
    assert report.environment_steps == 10 * 21


def test_small_returns_are_not_rounded_away() -> None:
    small = {label: [value / 1000 for value in values] for label, values in RETURNS.items()}
    assert "takes the mean return from 0.09 to 0.005" in report_of(returns=small).verdict


def test_a_policy_that_nothing_attacked_is_not_said_to_hold() -> None:
    report = report_of(spec_of(attacks=["none"]))
    assert report.worst_case is None
    assert report.verdict.startswith("Nothing was attacked")
    assert not decide(report, Thresholds(min_normalized=0.5)).passed


def test_scores_lie_between_the_random_policy_and_the_clean_one() -> None:
    report = report_of()
    assert [cell.normalized for cell in report.cells] == [1.0, pytest.approx(85 / 90), pytest.approx(5 / 90)]
    assert report.greedy_cells[0].normalized == 0


def test_differences_are_paired_and_of_one_action_mode() -> None:
    report = report_of()
    assert report.cell("none").difference_to_clean is None
    assert report.cell("ce").difference_to_clean == -85.0
    assert report.greedy_cells[0].difference_to_clean is None


def test_without_an_unattacked_cell_nothing_is_normalized() -> None:
    spec = spec_of(attacks=["ce"])
    report = report_of(spec)
    assert report.cells[0].normalized is None
    assert report.cells[0].difference_to_clean is None
    assert report.worst_case is not None
    assert report.worst_case.normalized is None
    assert "nothing to compare" in report.verdict


def test_a_policy_that_does_not_beat_the_random_one_is_not_judged() -> None:
    report = report_of(returns=RETURNS | {"none": [0.0, -1.0, 0.0, 1.0]})
    assert report.cell("ce").normalized is None
    assert "cannot be judged" in report.verdict
    assert "layout" in report.warnings[0]
    assert "normalisation" in report.warnings[0]


@pytest.mark.parametrize(
    ("attacked", "words"),
    [(88.0, "holds"), (60.0, "is weakened"), (20.0, "loses most"), (1.0, "is undone")],
)
def test_the_verdict_follows_the_worst_case(attacked: float, words: str) -> None:
    flat = {"none": [90.0] * 4, "random@4": [90.0] * 4, "ce@4": [attacked] * 4, "ce@4 (greedy)": [attacked] * 4}
    report = report_of(returns=RETURNS | flat)
    assert words in report.verdict
    assert "ce, epsilon 4" in report.verdict


def test_that_a_policy_holds_is_not_said_of_a_wide_interval() -> None:
    noisy = {"none": [100.0] * 4, "random@4": [100.0] * 4, "ce@4": [120.0, 70.0, 70.0, 120.0]}
    report = report_of(returns=RETURNS | noisy)
    assert report.verdict.startswith("The policy seems to hold, but too few episodes say so: ")
    assert "95% of its lead is left (at least" in report.verdict


def test_a_policy_that_hardly_beats_a_random_one_is_not_said_to_hold() -> None:
    close = {"none": [3.0] * 4, "random@4": [3.0] * 4, "ce@4": [3.0] * 4, "random policy": [0.0, 9.0, 0.0, 0.0, 0.0]}
    assert report_of(returns=RETURNS | close).verdict.startswith("The policy seems to hold, but too few episodes")


def test_an_attack_that_helps_is_no_worst_case() -> None:
    better = {"none": [90.0] * 4, "random@4": [91.0] * 4, "ce@4": [92.0] * 4, "ce@4 (greedy)": [92.0] * 4}
    assert "no attack found lowers" in report_of(returns=RETURNS | better).verdict


def test_a_worst_case_that_does_not_last_on_other_seeds_is_not_said_to_lower_anything() -> None:
    lucky = {"none": [50.0, 50.0, 60.0, 60.0], "random@4": [90.0] * 4, "ce@4": [70.0, 70.0, 30.0, 30.0]}
    report = report_of(returns=RETURNS | lucky)
    assert report.worst_case is not None
    assert (report.worst_case.label, report.worst_case.mean) == ("ce", 65.0)
    assert "does not lower its mean return of 55" in report.verdict


def test_attack_health_by_hand() -> None:
    health = report_of().cell("ce").health
    assert health is not None
    assert (health.zero_gradient, health.loss_rises, health.mean_loss, health.mean_best_loss) == (0.0, 1.0, 3.0, 3.5)
    assert health.flags == []
    assert health.working


@pytest.mark.parametrize(
    ("field", "value", "words"), [("zero_gradient", 2, "zero everywhere"), ("loss_rises", 5, "rose")]
)
def test_an_unhealthy_attack_is_flagged_and_warned_of(field: str, value: float, words: str) -> None:
    report = report_of(measured={field: value})
    for cell in (report.cell("ce"), report.greedy_cells[0]):
        assert cell.health is not None
        assert [words in flag for flag in cell.health.flags] == [True]
        assert not cell.health.working
    noise = report.cell("random").health
    assert noise is not None
    assert noise.flags == []
    assert sum(words in warning for warning in report.warnings) == 2


def test_random_noise_below_an_attack_is_flagged_as_harmless_and_not_warned_of() -> None:
    report = report_of(returns=RETURNS | {"random@4": [0.0, 1.0, -30.0, -15.0]})
    health = report.cell("ce").health
    assert health is not None
    assert ["harmless" in flag for flag in health.flags] == [True]
    assert health.working
    assert not any("harmless" in warning for warning in report.warnings)


def test_a_score_that_is_owed_to_chance_is_remarked_on() -> None:
    owed = report_of(returns=RETURNS | {"ce@4": [20.0, 21.0, 19.0, 20.0]})
    assert any("owes to chance" in warning for warning in owed.warnings)
    assert not any("owes to chance" in warning for warning in report_of().warnings)


def test_repeated_greedy_trajectories_of_a_deterministic_game_are_warned_of() -> None:
    plan = plan_of(SPEC)
    greedy = next(cell for cell in plan.cells if cell.role == "greedy")
    repeated = [result(seed=seed, actions_digest="same") for seed in range(4)]
    assert "1 of 4 trajectories" in fold_cell(plan, greedy, repeated).warnings[0]
    assert fold_cell(plan, plan.cells[0], repeated).warnings == []


def test_few_episodes_are_warned_of() -> None:
    assert "4 episodes" in report_of().warnings[-1]


def test_weaker_gradients_of_lower_precision_are_warned_of() -> None:
    checked = {"checked_steps": 10, "checked_flips": 5, "checked_flips_fp32": 5, "checked_loss_fp32_sum": 10.0}
    fine, weak = (report_of(measured=checked | {"checked_loss_sum": loss}) for loss in (9.95, 9.5))
    assert fine.precision_check is not None
    assert weak.precision_check is not None
    assert (fine.precision_check.within_tolerance, weak.precision_check.within_tolerance) == (True, False)
    assert (weak.precision_check.mean_loss, weak.precision_check.mean_loss_fp32) == (0.95, 1.0)
    assert any("precision fp32" in warning for warning in weak.warnings)
    assert not any("precision fp32" in warning for warning in fine.warnings)
    assert report_of().precision_check is None


def test_the_report_records_its_protocol_versions_and_statistics() -> None:
    report = report_of()
    assert report.protocol["gradients"] == "fp32"
    assert report.protocol["sticky_actions"] == 0.0
    assert "observation units" in report.protocol["epsilon"]
    assert report.protocol["actions"]["ce@4 (greedy)"] == "greedy"
    assert {"python", "torch", "numpy"} <= set(report.versions)
    assert report.statistics["resamples"] == 10_000


def test_the_same_report_leaves_out_wall_time_timestamps_and_ids() -> None:
    plan = plan_of(SPEC)
    other = plan.model_copy(update={"evaluation_id": "another", "policy_id": "another"})
    card = CARD.model_copy(update={"id": "another", "created_at": NOW + timedelta(days=1)})

    def shuffled(episodes: list[EpisodeResult]) -> list[EpisodeResult]:
        return random.Random(0).sample(episodes, len(episodes))

    played = results(plan, RETURNS)
    first = fold_report(plan, SPEC, CARD, played, wall_time_s=1.0)
    again = fold_report(
        other,
        SPEC.model_copy(update={"policy_id": "another"}),
        card,
        {index: shuffled(episodes) for index, episodes in reversed(played.items())},
        wall_time_s=2.0,
    )
    assert first != again
    assert comparable(first) == comparable(again)
    changed = {index: [e.model_copy(update={"flips": 4}) for e in episodes] for index, episodes in played.items()}
    assert comparable(first) != comparable(fold_report(plan, SPEC, CARD, changed, wall_time_s=1.0))


def test_hints_of_what_helps_take_the_place_of_the_general_advice() -> None:
    plan = plan_of(spec_of(attacks=["none"]))
    found = results(plan, {"none": [1.0], "random policy": [2.0]})
    folded = fold_report(
        plan, spec_of(attacks=["none"]), CARD, found, wall_time_s=1.0, examination=Examination(hints=["Set it."])
    )
    assert folded.warnings[0].endswith("of a random one. Set it.")


def test_the_worst_of_a_set_is_not_blamed_for_a_loss_that_its_members_do_not_climb() -> None:
    worst = ResolvedAttack(kind="worst", epsilon=4.0, steps=7, step_size=2.0, members=("ce", "max", "min"))
    health = attack_health(worst, [result(attacked_steps=10, loss_rises=5, loss_sum=1.0, best_loss_sum=1.0)])
    assert health is not None
    assert (health.loss_rises, health.flags, health.working) == (0.5, [], True)
