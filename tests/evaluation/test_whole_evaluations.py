"""From a specification to a report, on CartPole: plan, shards, fold."""

from collections.abc import Callable

import pytest
import torch

from saddlepoint.evaluation import whole
from saddlepoint.evaluation.fold import fold_report
from saddlepoint.evaluation.shards import play_shard
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, Precision
from saddlepoint.schemas.plans import EpisodeResult, Plan, make_plan
from saddlepoint.schemas.policies import InputDescription
from saddlepoint.schemas.reports import RobustnessReport, comparable
from tests.evaluation.episodes import CARD, NOW
from tests.evaluation.networks import balancing_policy, linear_policy, tanh_policy
from tests.evaluation.plans import CARTPOLE

CARTPOLE_CARD = CARD.model_copy(update={"observation": InputDescription(shape=(4,)), "actions": 2})


def evaluate(
    model: bytes,
    *,
    order: Callable[[Plan], list[int]] = lambda plan: list(range(len(plan.shards))),
    precision: Precision = "fp32",
    **fields: object,
) -> RobustnessReport:
    spec = EvaluationSpec.model_validate({"env": "CartPole-v1", "epsilon": 0.2, "precision": precision} | fields)
    record = EvaluationRecord(id="evaluation", owner="me", policy_id="policy", spec=spec, created_at=NOW)
    plan = make_plan(record, CARTPOLE_CARD, CARTPOLE, default_precision="fp32")
    cells = {cell.key: cell.index for cell in plan.cells}
    episodes: dict[int, list[EpisodeResult]] = {cell.index: [] for cell in plan.cells}

    def put(result: EpisodeResult) -> None:
        episodes[cells[result.cell_key]].append(result)

    for index in order(plan):
        shard = plan.shards[index]
        play_shard(plan, shard, model, finished=lambda *_: False, put=put, heartbeat=lambda _: None)
    return fold_report(plan, spec, CARTPOLE_CARD, episodes, wall_time_s=1.0)


def test_a_good_policy_is_found_to_be_fragile() -> None:
    report = evaluate(balancing_policy(), seeds=5, episodes_per_seed=2, max_episode_steps=200)
    assert report.cell("none").mean == 200
    assert report.cell("random").mean > 150
    assert report.cell("ce").mean < 60
    difference = report.cell("ce").difference_ci95
    assert difference is not None
    assert difference[1] < 0
    assert report.worst_case is not None
    assert report.worst_case.normalized is not None
    assert report.worst_case.normalized < 0.3
    assert all(cell.max_linf <= 0.2 for cell in report.cells)
    health = report.cell("ce").health
    assert health is not None
    assert health.loss_rises > 0.99
    assert health.zero_gradient == 0


def test_one_attack_under_two_labels_is_played_once_and_told_twice() -> None:
    spec = EvaluationSpec.model_validate(
        {
            "env": "CartPole-v1",
            "epsilon": 0.2,
            "attacks": ["none", "ce", {"kind": "ce", "label": "x"}],
            "seeds": 3,
            "episodes_per_seed": 2,
            "max_episode_steps": 40,
        }
    )
    report = whole.evaluate(tanh_policy(4, 16, 2, seed=1), CARTPOLE_CARD, spec)
    assert report.cell("ce").episodes == 6
    assert report.cell("ce").returns == report.cell("x").returns


def test_a_bad_policy_is_not_judged() -> None:
    push_the_wrong_way = linear_policy(torch.tensor([[0.0, 0.0, 10.0, 3.0], [0.0, 0.0, -10.0, -3.0]]))
    report = evaluate(push_the_wrong_way, seeds=3, episodes_per_seed=1, attacks=["none", "ce"])
    assert report.cell("none").mean < report.reference.random_policy.mean
    assert "cannot be judged" in report.verdict


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_specification_gives_the_same_report_in_any_order_of_shards(precision: Precision) -> None:
    def report(order: Callable[[Plan], list[int]]) -> RobustnessReport:
        model = tanh_policy(4, 16, 2, seed=1)
        return evaluate(model, precision=precision, order=order, seeds=12, episodes_per_seed=1, max_episode_steps=40)

    first = report(lambda plan: list(range(len(plan.shards))))
    again = report(lambda plan: list(range(len(plan.shards)))[::-1])
    assert comparable(first) == comparable(again)


def test_lower_precision_is_checked_against_fp32_on_the_way() -> None:
    report = evaluate(balancing_policy(), precision="bf16", seeds=4, episodes_per_seed=2, max_episode_steps=20)
    check = report.precision_check
    assert check is not None
    assert check.steps == 4 * 4  # four seeds; max, min, ce and the greedy ce
    assert check.mean_loss == pytest.approx(check.mean_loss_fp32, rel=0.01)
    assert evaluate(balancing_policy(), seeds=1, episodes_per_seed=1, max_episode_steps=20).precision_check is None


def test_the_whole_evaluation_says_what_attacks_do_at_clean_states() -> None:
    spec = EvaluationSpec.model_validate(
        {"env": "CartPole-v1", "epsilon": 0.2, "seeds": 2, "episodes_per_seed": 1, "max_episode_steps": 50}
    )
    reports = [whole.evaluate(balancing_policy(), CARTPOLE_CARD, spec) for _ in range(2)]
    assert comparable(reports[0]) == comparable(reports[1])
    cells = reports[0].cells
    assert {cell.attack: cell.clean_states for cell in cells} == {
        "none": 0,
        "random": 32,
        "max": 32,
        "min": 32,
        "ce": 32,
    }
    flips = {cell.attack: cell.clean_states_flip_rate or 0.0 for cell in cells}
    assert flips["ce"] > flips["random"]
    assert reports[0].greedy_cells[0].clean_states == 32
