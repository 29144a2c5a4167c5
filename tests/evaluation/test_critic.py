"""`value` from an uploaded file that says what its actions are worth to the report."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import TQC
from stable_baselines3 import SAC, TD3
from torch import Tensor

from saddlepoint.evaluation import whole
from saddlepoint.evaluation.acting import Actor, Networks
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.observations import attack_chunk
from saddlepoint.policies import load_network
from saddlepoint.policies.critic import SettledCritic
from saddlepoint.policies.importing import ImportedPolicy
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.policies.reading import read_canonical
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.observation_attacks import ObservationAttackSpec
from saddlepoint.schemas.plans import EpisodeId
from saddlepoint.schemas.reports import RobustnessReport
from tests.attacks.toys import attack, draw
from tests.evaluation.plans import CARTPOLE, NONE, cell, plan
from tests.policies.networks import imported
from tests.policies.onnx_models import Array, model, node
from tests.policies.sb3_models import ACTION, VECTOR, make, zip_of

PUSH = np.array([[-0.5, 0.5], [-1.0, 1.0], [-10.0, 10.0], [-3.0, 3.0]], np.float32)
"""Towards where the pole falls: it stays up for 500 steps."""
LANES = 8


def judged(values: Array) -> ImportedPolicy:
    """The policy that pushes so, by logits, and values of its actions that are another linear function."""
    nodes = [
        node("MatMul", ["observation", "w"], ["logits"]),
        node("MatMul", ["observation", "v"], ["q_values"]),
    ]
    weights = {"w": PUSH, "v": values.astype(np.float32)}
    return imported(model(nodes, weights, outputs=("logits", "q_values")).SerializeToString())


def report_of(policy: ImportedPolicy, *attacks: Any, **fields: Any) -> RobustnessReport:
    given = {"env": "CartPole-v1", "epsilon": 0.2, "seeds": 3, "episodes_per_seed": 2, "max_episode_steps": 100}
    spec = EvaluationSpec.model_validate(given | {"attacks": ["none", *attacks]} | fields)
    return whole.evaluate(policy.model, policy.card, spec)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_theorem_1_holds_for_the_whole_of_an_evaluation(precision: str) -> None:
    report = report_of(judged(2 * PUSH), "ce", "value", precision=precision)
    assert report.cell("value").returns == report.cell("ce").returns
    assert report.cell("value").mean < 60
    health = report.cell("value").health
    assert health is not None
    assert health.loss_rises > 0.95


def test_values_that_know_better_than_the_policy_make_value_harmless_and_ce_not() -> None:
    """They say that pushing against the fall is best: lowering them makes the policy do what it does anyway."""
    report = report_of(judged(-PUSH), "ce", "value", {"kind": "worst", "members": ["ce", "max", "value"]})
    assert report.cell("value").mean > report.cell("ce").mean + 30
    assert report.cell("worst").mean > report.cell("ce").mean + 30  # by the lowest value, not by the highest CE


def attacked_rows(policy: ImportedPolicy, rows: Array, kind: str, epsilon: float) -> dict[str, Array]:
    spec = ObservationAttackSpec.model_validate({"kind": kind, "epsilon": epsilon})
    with np.load(io.BytesIO(attack_chunk(policy.model, policy.card, spec, rows, 0))) as arrays:
        return {name: arrays[name] for name in arrays}


class Counted(PolicyNetwork):
    """Counts how often its critic is asked."""

    asked = 0

    def critic(self, x: Tensor, states: Any = ()) -> SettledCritic | None:
        self.asked += 1
        return super().critic(x, states)


@pytest.mark.parametrize(("kind", "times"), [("value", 1), ("worst", 1), ("ce", 0)])
def test_a_state_is_judged_once_whatever_is_tried_on_it(kind: Any, times: int) -> None:
    network = Counted(read_canonical(judged(PUSH).model))
    tried = attack(kind, 0.2).model_copy(update={"restarts": 3, "members": ("ce", "max") if kind == "worst" else ()})
    planned = plan([cell(0, tried), cell(1, NONE)], [(0, 0, 0)], environment=CARTPOLE, lanes=LANES)
    actor = Actor(Networks(network, load_network(judged(PUSH).model, precision="bf16")), planned, LANES)
    episodes = [Episode(lane=lane, entry=EpisodeId(0, 0, 0), cell=planned.cells[0]) for lane in range(LANES)]
    for episode in episodes:
        episode.length = 8  # where the attack is looked at more closely as well
    actor.assign(episodes)
    actor.act(draw(LANES, 4).numpy(), episodes)
    assert network.asked == times


@pytest.mark.parametrize("algorithm", [SAC, TD3, TQC])
def test_value_lowers_what_the_critic_of_the_library_itself_says_of_the_action_that_is_played(algorithm: Any) -> None:
    model, rows = make(algorithm, "MlpPolicy", VECTOR, ACTION), (draw(64, 4).numpy() * 2 - 1).astype(np.float32)
    found = attacked_rows(imported(zip_of(model)), rows, "value", epsilon=0.05)
    judge: Any = model.policy.critic
    with torch.no_grad():
        action = torch.from_numpy(
            model.policy.scale_action(model.predict(found["observations"], deterministic=True)[0])
        )
        values = judge(torch.from_numpy(rows), action)
    expected = values.mean(dim=(1, 2)) if algorithm is TQC else torch.cat(values, 1).amin(1)
    np.testing.assert_allclose(found["loss"], -expected.numpy(), atol=1e-5)
    assert (found["loss"] > found["clean_loss"]).mean() >= 0.95


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_value_of_numbers_is_evaluated_from_the_zip_to_the_report(precision: str) -> None:
    """In a ball so small that a step is worth what the gradient says: of actions at random some are the worst there."""
    observation = spaces.Box(np.array([-1, -1, -8], np.float32), np.array([1, 1, 8], np.float32))
    policy = imported(zip_of(make(SAC, "MlpPolicy", observation, spaces.Box(-2.0, 2.0, (1,), np.float32))))
    attacks = ["value", {"kind": "worst", "members": ["ce", "value"]}, {"kind": "square", "loss": "value", "steps": 5}]
    report = report_of(policy, *attacks, env="Pendulum-v1", max_episode_steps=12, precision=precision, epsilon=0.02)
    for cell_of in ("value", "worst", "square"):
        assert report.cell(cell_of).max_linf <= 0.02
    health = report.cell("value").health
    assert health is not None
    assert health.loss_rises >= 0.95
    assert health.zero_gradient == 0


def test_observations_that_are_sent_are_attacked_by_value() -> None:
    policy, rows = judged(PUSH), (draw(20, 4).numpy() - 0.5).astype(np.float32)
    by_value, by_ce = (attacked_rows(policy, rows, kind, epsilon=0.1) for kind in ("value", "ce"))
    np.testing.assert_array_equal(by_value["observations"], by_ce["observations"])
    given = torch.from_numpy(by_value["observations"] @ PUSH).softmax(1).numpy()
    np.testing.assert_allclose(by_value["loss"], -(given * (rows @ PUSH)).sum(1), atol=1e-4)
    assert (by_value["loss"] > by_value["clean_loss"]).mean() >= 0.95
