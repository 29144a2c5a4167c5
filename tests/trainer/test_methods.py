"""What each method acts on and learns from: one table, and toys whose numbers are known."""

from dataclasses import dataclass, field, replace
from math import exp, log
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.policies.chains import Chain, Linear
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import DEFENSES, Method, TrainingSpec
from tests.trainer.cartpole import cartpole_spec
from trainer.adversary import Acting, Adversary
from trainer.build import build_training
from trainer.distributions import Categorical
from trainer.frozen import FrozenPolicy
from trainer.methods import METHODS, Lesson, dataaugment
from trainer.methods.dataaugment import DataAugment
from trainer.network import ActorCritic
from trainer.ppo import collect, train
from trainer.processes import ALONE, Processes
from trainer.rollout import Rollout, Samples
from trainer.training import Training

BATCH = 256
ADVERSARIAL = [method for method, defense in DEFENSES.items() if defense.adversarial]


def spec_of(method: str, updates: int, **config: object) -> TrainingSpec:
    ball = {"epsilon": 0.1, "epsilon_scale": (1.0, 1.0, 0.5, 1.0)} if method in ADVERSARIAL else {}
    spec = cartpole_spec(updates * BATCH, **ball | config)
    return spec.model_copy(update={"method": method})


def started(method: str, progress: float = 0.0, updates: int = 12, **config: object) -> Training:
    training = build_training(spec_of(method, updates, **config))
    training.games.start()
    training.update = round(progress * updates)
    return training


def acting_in(training: Training) -> Acting:
    return Acting(training.network, training.generator, training.progress, training.adversary)


@dataclass
class Watched:
    """What a training was shown, and what its method made of it, in the order of asking."""

    clean: list[Tensor] = field(default_factory=list)
    acted: list[Tensor] = field(default_factory=list)


def watch(training: Training) -> Watched:
    seen, act_on = Watched(), training.method.act_on

    def watched(observation: Tensor, acting: Acting) -> Tensor:
        seen.clean.append(observation)
        seen.acted.append(act_on(observation, acting))
        return seen.acted[-1]

    training.method.act_on = watched  # type: ignore[method-assign]
    return seen


def enlarge(training: Training) -> None:
    """Of a new policy, which gives every action the same probability everywhere, one that does not."""
    with torch.no_grad():
        for parameter in training.network.parameters():
            parameter.mul_(3.0)


def share_that_differs(left: Tensor, right: Tensor) -> float:
    return float((left != right).flatten(2).any(-1).float().mean())


def test_every_method_is_built_and_described() -> None:
    assert set(METHODS) == set(DEFENSES) == set(get_args(Method))
    assert [name for name in METHODS if name not in ADVERSARIAL] == ["standard"]


@pytest.mark.parametrize(
    ("method", "progress", "acted", "learned"),
    [
        ("standard", 0.5, 0.0, 0.0),
        ("atpa", 0.0, 1.0, 1.0),
        ("atpa", 0.5, 1.0, 1.0),
        ("stagewise", 0.25, 0.0, 0.0),
        ("stagewise", 0.5, 1.0, 1.0),
        ("dataaugment", 0.0, 0.0, 0.0),
        ("dataaugment", 0.5, 0.0, 0.25),
        ("dataaugment", 0.75, 0.0, 0.375),
        ("sa_ppo", 0.5, 0.0, 0.0),
        ("radial", 0.5, 0.0, 0.0),
    ],
)
def test_the_share_of_states_that_is_perturbed(method: str, progress: float, acted: float, learned: float) -> None:
    training = started(method, progress)
    seen, acting = watch(training), acting_in(training)
    rollout = collect(training, acting)
    clean, stored = torch.stack(seen.clean[:-1]), rollout.observations.clone()
    lesson = training.method.learn_from(rollout, acting, training.config)
    assert share_that_differs(stored, clean) == acted
    assert share_that_differs(lesson.observations, clean) == learned
    assert torch.equal(rollout.observations, stored)
    largest = (lesson.observations - clean).abs().amax((0, 1))
    assert bool((largest <= 0.1 * torch.tensor([1.0, 1.0, 0.5, 1.0])).all())
    for name in ("actions", "values", "rewards", "ended", "last_value", "log_probabilities"):
        assert torch.equal(getattr(lesson, name), getattr(rollout, name)), name


@pytest.mark.parametrize(
    ("method", "config", "is_one"),
    [(method, {}, method != "dataaugment") for method in METHODS]
    + [("dataaugment", {"augment_denominator": "perturbed"}, True)],
)
def test_the_ratio_of_the_first_minibatch(method: str, config: dict[str, Any], is_one: bool) -> None:
    training = started(method, 0.75, epochs=1, minibatch=BATCH, learning_rate=1e-2, **config)
    enlarge(training)
    record = next(train(training))
    assert (abs(record.approximate_kl) < 1e-7) == is_one


@pytest.mark.parametrize("method", ["standard", "atpa"])
def test_values_are_those_of_what_was_acted_on(method: str) -> None:
    training = started(method)
    seen = watch(training)
    rollout = collect(training, acting_in(training))
    assert share_that_differs(seen.acted[-1][None], seen.clean[-1][None]) == (method == "atpa")
    with torch.no_grad():
        assert torch.allclose(rollout.last_value, training.network(seen.acted[-1])[1])
        assert torch.allclose(rollout.values[3], training.network(seen.acted[3])[1])


@pytest.mark.parametrize("method", ["standard", "atpa"])
def test_a_cut_episode_is_valued_where_the_policy_would_have_acted(method: str) -> None:
    training = started(method, horizon=1, minibatch=8, bootstrap_truncated=True, discount=0.5)
    seen, step = watch(training), training.games.step

    def cut(actions: Any) -> Any:
        outcome, _ = step(actions)
        outcome.truncated[:] = True
        return outcome, training.games.observations.copy()

    training.games.step = cut  # type: ignore[method-assign]
    rollout = collect(training, acting_in(training))
    with torch.no_grad():
        beyond = training.network(seen.acted[1])[1]
    assert torch.allclose(rollout.rewards[0], 1.0 + 0.5 * beyond)


@pytest.mark.parametrize(
    ("method", "ramp", "expected"),
    [
        *((method, 0.5, [0.0, 0.1 / 3, 0.2 / 3, 0.1, 0.1, 0.1]) for method in ADVERSARIAL if method != "stagewise"),
        ("stagewise", 0.0, [0.0, 0.0, 0.1, 0.1, 0.1, 0.1]),
        ("stagewise", 0.5, [0.0, 0.0, 0.0, 0.05, 0.1, 0.1]),
        ("standard", 0.5, [0.0] * 6),
    ],
)
def test_epsilon_grows_in_every_method(method: str, ramp: float, expected: list[float]) -> None:
    records = list(train(started(method, updates=6, epsilon_ramp=ramp, epochs=1)))
    assert [record.epsilon for record in records] == pytest.approx(expected)
    assert [record.beta for record in records] == pytest.approx([1 - done / 6 for done in range(6)])


def test_standard_has_no_adversary_even_where_an_epsilon_is_given() -> None:
    assert next(train(started("standard", epsilon=1.0))).epsilon == 0.0


def test_stagewise_is_standard_until_its_second_stage() -> None:
    trainings = [started(method, updates=6) for method in ("standard", "stagewise")]
    equal = []
    for _ in zip(*map(train, trainings), strict=True):
        weights = [torch.cat([part.flatten() for part in training.network.parameters()]) for training in trainings]
        equal.append(torch.equal(*weights))
    assert equal == [True, True, False, False, False, False]


class Shifting(Acting):
    """An attack whose result is known: it adds 1."""

    sizes: list[int] = []  # noqa: RUF012

    def attacked(self, observation: Tensor, numbers: Tensor | None = None) -> Tensor:
        self.sizes.append(len(observation))
        return observation.float() + 1


@pytest.fixture
def sizes() -> list[int]:
    Shifting.sizes.clear()
    return Shifting.sizes


def toy_rollout(training: Training, dtype: torch.dtype) -> Rollout:
    observations = torch.arange(100 * 2 * 4).reshape(100, 2, 4).to(dtype)
    zeros = torch.zeros(100, 2)
    return Rollout(observations, zeros.long(), zeros - 9.0, zeros, zeros, zeros, zeros[0])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_only_the_chosen_rows_are_attacked_and_some_at_a_time(
    dtype: torch.dtype, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataaugment, "_CHUNK", 40)
    training = started("dataaugment", 0.5, augmented_share=1.0)
    rollout = toy_rollout(training, dtype)
    acting = Shifting(training.network, training.generator, training.progress, training.adversary)
    lesson = DataAugment().learn_from(rollout, acting, training.config)
    assert sizes == [40, 40, 20]
    moved = (lesson.observations - rollout.observations.float()).flatten(0, 1)
    assert sorted(moved.mean(1).tolist()) == [0.0] * 100 + [1.0] * 100
    assert lesson.observations.dtype == torch.float32


def test_processes_perturb_what_one_would_of_their_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 3 among two processes: some have no row of a process at all."""
    monkeypatch.setattr(dataaugment, "_CHUNK", 3)
    training = started("dataaugment", 0.5)
    whole = toy_rollout(training, torch.float32)

    def learned(processes: Processes) -> Tensor:
        own = processes.lanes(2)
        parts = {
            name: part[:, own.first : own.first + own.count] for name, part in vars(whole).items() if part.ndim > 1
        }
        generator = torch.Generator().manual_seed(5)
        acting = Acting(training.network, generator, training.progress, training.adversary, processes)
        return DataAugment().learn_from(replace(whole, **parts), acting, training.config).observations

    alone = learned(ALONE)
    assert int((alone != whole.observations).any(-1).sum()) == 50
    assert torch.allclose(torch.cat([learned(Processes(rank, 2)) for rank in range(2)], 1), alone)


def test_the_denominator_is_that_of_acting_or_of_the_perturbed_state(sizes: list[int]) -> None:
    training = started("dataaugment", 0.5)
    rollout = toy_rollout(training, torch.float32)
    for denominator, expected in (("acting", 0), ("perturbed", 50)):
        acting = Shifting(training.network, training.generator, training.progress, training.adversary)
        config = training.config.model_copy(update={"augment_denominator": denominator})
        lesson = DataAugment().learn_from(rollout, acting, config)
        with torch.no_grad():
            head, _ = training.network(lesson.observations.flatten(0, 1))
        perturbed = (lesson.observations != rollout.observations).any(-1).flatten()
        own = Categorical().log_probability(head, rollout.actions.flatten())
        assert (int(perturbed.sum()), int((lesson.log_probabilities != -9.0).sum())) == (50, expected)
        if expected:
            assert torch.allclose(lesson.log_probabilities.flatten()[perturbed], own[perturbed])


class Slope(ActorCritic):
    """Two logits, w x and 0, for one number x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))

    def encode(self, observation: Tensor) -> Tensor:
        return observation

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        logit = self.weight * encoded[:, 0]
        return torch.stack([logit, torch.zeros_like(logit)], 1), torch.zeros_like(logit)

    def frozen(self) -> FrozenPolicy:
        weight = torch.stack([self.weight.detach(), torch.zeros(())])[:, None]
        return FrozenPolicy(Chain((Linear(weight, None),)))


def lesson_of(network: ActorCritic, states: list[float], actions: list[int], **config: object) -> Lesson:
    """PPO's own loss is 10, of which 4 is the policy's; advantages are 1 and -1, and actions had probability 1/2."""
    observations = torch.tensor(states)[:, None]
    unlimited = Bounds(torch.tensor(-torch.inf), torch.tensor(torch.inf))
    adversary = Adversary(Categorical(), unlimited, 0.25, steps=7, relative_step=0.5, ramp=0.5)
    ones = torch.ones(len(states))
    return Lesson(
        samples=Samples(observations, torch.tensor(actions), ones * log(0.5), ones, ones, ones),
        numbers=torch.arange(len(states)),
        head=network(observations)[0],
        advantages=torch.tensor([1.0, -1.0])[: len(states)],
        clip=0.2,
        policy_loss=torch.tensor(4.0),
        loss=torch.tensor(10.0),
        acting=Acting(network, torch.Generator().manual_seed(0), 0.75, adversary),
        config=TrainingConfig.model_validate(config),
    )


def divergence(weight: Tensor, state: float, other: float) -> Tensor:
    p, q = torch.sigmoid(weight * state), torch.sigmoid(weight * other)
    return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()


def test_sa_ppo_adds_the_largest_divergence_in_the_ball() -> None:
    network = Slope()
    lesson = lesson_of(network, [0.0, 0.0], [0, 0], kl_weight=3.0)
    expected = 10.0 + 3.0 * float(divergence(torch.tensor(2.0), 0.0, 0.25))
    assert METHODS["sa_ppo"]().loss(lesson).item() == pytest.approx(expected)


def test_sa_ppo_learns_through_both_policies() -> None:
    network = Slope()
    METHODS["sa_ppo"]().loss(lesson_of(network, [0.5], [0], kl_weight=1.0)).backward()  # type: ignore[no-untyped-call]
    gradients: list[Tensor] = []
    for worst in (0.25, 0.75):  # which end the ascent finds depends on where it starts
        weight = torch.tensor(2.0, requires_grad=True)
        gradients += torch.autograd.grad(divergence(weight, 0.5, worst), weight)
    found = network.weight.grad
    assert found is not None
    assert min(abs(float(found - gradient)) for gradient in gradients) < 1e-5


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


@pytest.fixture
def _bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logit w x rises with x, so that its bounds are those of the ends of the ball."""

    def bounds(network: Slope, box: Any, actions: Tensor) -> tuple[Tensor, Tensor]:
        ends = [network(end)[0].log_softmax(1).gather(1, actions[:, None])[:, 0] for end in (box.lower, box.upper)]
        return torch.minimum(*ends), torch.maximum(*ends)

    monkeypatch.setattr("trainer.methods.radial.log_probability_bounds", bounds)


@pytest.mark.usefixtures("_bounded")
@pytest.mark.parametrize(
    ("action", "worst"),
    [
        # Of action 0, advantage 1: the lowest probability, at x = -0.25. Of action 0, advantage -1: the highest.
        (0, [-sigmoid(-0.5) / 0.5, sigmoid(0.5) / 0.5]),
        (1, [-sigmoid(-0.5) / 0.5, sigmoid(0.5) / 0.5]),
    ],
)
def test_radial_mixes_in_the_worst_clipped_surrogate(action: int, worst: list[float]) -> None:
    for share in (0.0, 0.25, 1.0):
        lesson = lesson_of(Slope(), [0.0, 0.0], [action] * 2, worst_case_share=share)
        expected = 10.0 + share * (sum(worst) / 2 - 4.0)
        assert METHODS["radial"]().loss(lesson).item() == pytest.approx(expected)


@pytest.mark.parametrize("method", ["sa_ppo", "radial"])
def test_without_a_ball_the_loss_is_that_of_ppo(method: str) -> None:
    training = started(method, epsilon_ramp=1.0)
    enlarge(training)
    acting = acting_in(training)
    rollout = collect(training, acting)
    samples = Samples.of(rollout, torch.randn(rollout.rewards.shape, generator=training.generator))
    head, _ = training.network(samples.observations)
    plain = -samples.advantages.mean()
    numbers = torch.arange(len(samples))
    lesson = Lesson(samples, numbers, head, samples.advantages, 0.2, plain, plain + 5.0, acting, training.config)
    assert training.method.loss(lesson).item() == pytest.approx(float(plain) + 5.0, abs=1e-5)
    grown = replace(lesson, acting=replace(acting, progress=1.0))
    assert training.method.loss(grown).item() > float(plain) + 5.0 + 1e-5
