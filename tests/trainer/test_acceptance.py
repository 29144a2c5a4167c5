"""That training hardens: trained and measured whole, where a wrong observation anywhere is seen in the returns.

`python -m pytest -m slow tests/trainer/test_acceptance.py -s` prints what was measured. The radius on CartPole is no
choice: at half of it a correct ATPA looks worse than standard.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from time import process_time

import pytest
import torch
from torch import Tensor

from saddlepoint.evaluation.statistics import Estimate, estimate
from saddlepoint.evaluation.whole import evaluate
from saddlepoint.schemas.attacks import AttackSpec
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.reports import Cell, RobustnessReport
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import TrainingSpec
from trainer.adversary import Acting
from trainer.build import build_training
from trainer.methods import METHODS, Method
from trainer.methods.atpa import Atpa
from trainer.ppo import start, train
from trainer.publish import make_policy
from trainer.rollout import Rollout


@dataclass(frozen=True)
class Setting:
    env: EnvironmentSpec
    config: dict[str, object]
    epsilon: float
    attacks: tuple[str, ...]
    scale: tuple[float, ...] | None = None

    def measured(self, method: type[Method], seed: int) -> RobustnessReport:
        """The report on a policy that this method trained."""
        ball = {"epsilon": self.epsilon, "epsilon_scale": self.scale}
        spec = TrainingSpec(method="atpa", env=self.env, config=self.config | ball, seed=seed)
        training = replace(build_training(spec), method=method())
        start(training)
        for _ in train(training):
            pass
        policy = make_policy(training, spec, owner="tests", name=None)
        asked = EvaluationSpec(
            policy_id=policy.card.id,
            env=self.env,
            attacks=tuple(AttackSpec(kind=kind) for kind in self.attacks),
            epsilon=(self.epsilon,),
            epsilon_scale=self.scale,
            seeds=tuple(range(50)),
            episodes_per_seed=1,
            precision="fp32",
        )
        report = evaluate(policy.model, policy.card, asked)
        show(f"{method.__name__}, seed {seed}", report)
        return report


PPO: dict[str, object] = {
    "actors": 16,
    "learning_rate": 1e-3,
    "clip": 0.2,
    "adam_epsilon": 1e-8,
    "value_coefficient": 0.15,
    "value_clip": False,
    "bootstrap_truncated": True,
}
"""The gradient norm is cut to 0.5 over both networks, values err most, and what is left for the policy is of about
1e-4. With baselines' Adam epsilon of 1e-5 half of the ATPA policies had a clean return below 300 on CartPole; with
their value coefficient of 0.5 a quarter of the standard ones, which ones hanging on the last bits of the processor.
With these none of 16 had: the least of eight standard ones 344, of eight ATPA ones 391."""
CARTPOLE = Setting(
    env=EnvironmentSpec(id="CartPole-v1"),
    config={
        **PPO,
        "steps": 50_000,
        "horizon": 64,
        "epochs": 10,
        "minibatch": 256,
        "entropy_coefficient": 0.0,
        "epsilon_ramp": 0.5,
    },
    epsilon=1.0,
    attacks=("none", "ce"),  # of two actions ce, max and min are one attack
    scale=(0.48, 0.48, 0.04, 0.48),
)
ACROBOT = Setting(
    env=EnvironmentSpec(id="Acrobot-v1"),
    config={
        **PPO,
        "steps": 150_000,
        "horizon": 128,
        "epochs": 4,
        "minibatch": 512,
        "entropy_coefficient": 0.01,
    },
    epsilon=0.7,
    attacks=("none", "ce", "max", "min"),
)


def show(name: str, report: RobustnessReport) -> None:
    cells = [*report.cells, *report.greedy_cells]
    shown = [f"{cell.label} ({cell.action_mode}) {cell.mean:.1f} {cell.ci95}" for cell in cells]
    sys.stderr.write(f"{name}: {'; '.join(shown)}\n")


def interval(cell: Cell) -> tuple[float, float]:
    assert cell.ci95 is not None
    return cell.ci95[0], cell.ci95[1]


def lead(report: RobustnessReport) -> float:
    """The mean clean return above a random policy's: one that always does the same has none."""
    return report.cell("none").mean - report.reference.random_policy.mean


def is_apart(standard: RobustnessReport, hardened: RobustnessReport, attack: str) -> bool:
    return interval(hardened.cell(attack))[0] > interval(standard.cell(attack))[1]


def under_attack(reports: list[RobustnessReport]) -> Estimate:
    """Of the episodes of some policies together."""
    return estimate([score for report in reports for score in report.cell("ce").returns])


def wrong_on_cartpole(standard: RobustnessReport, hardened: RobustnessReport) -> list[str]:
    """Which of the claims about a hardened CartPole policy do not hold."""
    claims = {
        "standard is good": standard.cell("none").mean >= 300,
        "standard is undone": standard.cell("ce").mean <= 40,
        "hardened is good": hardened.cell("none").mean >= 300,
        "hardened withstands": hardened.cell("ce").mean >= 90,
        "hardened keeps what standard has": lead(hardened) >= 0.8 * lead(standard),
        "intervals are apart": is_apart(standard, hardened, "ce"),
    }
    return [claim for claim, holds in claims.items() if not holds]


class Unperturbed(Atpa):
    """A mistake: nothing is perturbed in training."""

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        return observation


class LearnsFromClean(Atpa):
    """A mistake: acts on s + delta and learns from s."""

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, Tensor]] = []

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        attacked = super().act_on(observation, acting)
        self.seen.append((attacked, observation))
        return attacked

    def learn_from(self, rollout: Rollout, acting: Acting, config: TrainingConfig) -> Rollout:
        seen, self.seen = iter(self.seen), []
        return replace(rollout, observations=torch.stack([clean_of(step, seen) for step in rollout.observations]))


def clean_of(attacked: Tensor, seen: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
    """What `attacked` was made of; states beyond a time limit lie between those that were stored."""
    return next(clean for found, clean in seen if torch.equal(found, attacked))


@dataclass
class Standards:
    """The standard policies, each trained once."""

    found: dict[int, RobustnessReport] = field(default_factory=dict)

    def of(self, seed: int) -> RobustnessReport:
        if seed not in self.found:
            self.found[seed] = CARTPOLE.measured(METHODS["standard"], seed)
        return self.found[seed]


@pytest.fixture(scope="module")
def standards() -> Standards:
    return Standards()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_atpa_hardens_on_cartpole(standards: Standards) -> None:
    started = process_time()
    hardened = {seed: CARTPOLE.measured(Atpa, seed) for seed in range(3)}
    wrong = {seed: wrong_on_cartpole(standards.of(seed), report) for seed, report in hardened.items()}
    assert wrong == {0: [], 1: [], 2: []}
    assert process_time() - started < 120


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [0, 1])
def test_atpa_hardens_on_acrobot(seed: int) -> None:
    """Sampled actions: the greedy ones of an ATPA policy may swing for ever."""
    standard, hardened = ACROBOT.measured(METHODS["standard"], seed), ACROBOT.measured(Atpa, seed)
    assert standard.cell("ce").mean <= -400
    assert {attack: is_apart(standard, hardened, attack) for attack in ("ce", "max", "min")} == {
        "ce": True,
        "max": True,
        "min": True,
    }
    assert lead(hardened) >= 0.8 * lead(standard)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mistake", [Unperturbed, LearnsFromClean])
def test_mistakes_do_not_harden(standards: Standards, mistake: type[Method]) -> None:
    wrong = wrong_on_cartpole(standards.of(0), CARTPOLE.measured(mistake, 0))
    assert "hardened withstands" in wrong


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["sa_ppo", "radial"])
def test_regularisers_make_more_robust_than_standard(standards: Standards, method: str) -> None:
    plain = under_attack([standards.of(seed) for seed in (0, 1)])
    regularised = under_attack([CARTPOLE.measured(METHODS[method], seed) for seed in (0, 1)])
    assert plain.ci95 is not None
    assert regularised.ci95 is not None
    assert regularised.ci95[0] > plain.ci95[1]
