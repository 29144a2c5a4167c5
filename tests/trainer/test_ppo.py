"""What the loop does with its configuration, on CartPole."""

import pytest
import torch

from tests.trainer.cartpole import cartpole_spec
from tests.trainer.steering import steering_spec
from trainer.build import build_training
from trainer.curve import UpdateRecord
from trainer.ppo import acting_now, collect, train
from trainer.training import Training


def started(steps: int, **config: object) -> Training:
    training = build_training(cartpole_spec(steps, **config))
    training.games.start()
    return training


def records(steps: int, **config: object) -> list[UpdateRecord]:
    return list(train(started(steps, **config)))


def test_beta_falls_from_one_and_never_reaches_zero() -> None:
    assert [record.beta for record in records(4 * 256)] == [1.0, 0.75, 0.5, 0.25]


def test_beta_stays_one_without_annealing() -> None:
    assert [record.beta for record in records(3 * 256, anneal=False)] == [1.0, 1.0, 1.0]


def test_the_learning_rate_is_annealed() -> None:
    training = started(2 * 256)
    rates = [(record.update, training.optimizer.param_groups[0]["lr"]) for record in train(training)]
    assert rates == [(1, 2.5e-3), (2, 1.25e-3)]


def test_a_training_makes_the_planned_steps() -> None:
    assert [record.steps for record in records(1000)] == [256, 512, 768]


def test_the_first_minibatch_has_ratio_one() -> None:
    (record,) = records(256, epochs=1, minibatch=256)
    assert record.approximate_kl == pytest.approx(0.0, abs=1e-7)
    assert record.clipped_share == 0.0


def test_the_same_seed_gives_the_same_training() -> None:
    losses = [[record.policy_loss for record in records(2 * 256)] for _ in range(2)]
    assert losses[0] == losses[1]


def test_learning_improves_the_return() -> None:
    curve = records(20_000)
    first = next(record.mean_return for record in curve if record.mean_return is not None)
    last = curve[-1].mean_return
    assert last is not None
    assert first < 40 < 120 < last


@pytest.mark.parametrize(
    ("method", "steps", "config", "reached"),
    [("standard", 4096, {}, -9.0), ("atpa", 2048, {"epsilon": 0.1, "attack_steps": 3}, -22.0)],
)
def test_actions_of_numbers_are_learned(
    steering_id: str, method: str, steps: int, config: dict[str, object], reached: float
) -> None:
    training = build_training(steering_spec(steps, env=steering_id, method=method, **config))
    training.games.start()
    curve = list(train(training))
    first, last = curve[0].mean_return, curve[-1].mean_return
    assert first is not None
    assert last is not None
    assert first < -35 < reached < last


def test_what_is_learned_from_is_the_sample_and_not_what_was_executed(steering_id: str) -> None:
    training = build_training(steering_spec(256, env=steering_id))
    training.games.start()
    rollout = collect(training, acting_now(training))
    assert float(rollout.actions.abs().max()) > 2  # the bound of the space
    head, _ = training.network(rollout.observations.flatten(0, 1))
    expected = training.distribution.log_probability(head, rollout.actions.flatten(0, 1))
    torch.testing.assert_close(rollout.log_probabilities.flatten(), expected.detach())


@pytest.mark.parametrize(("bootstrap", "extra"), [(False, 0.0), (True, 1.0)])
def test_a_time_limit_is_bootstrapped_only_on_demand(bootstrap: bool, extra: float) -> None:
    training = started(256, bootstrap_truncated=bootstrap, discount=0.5)
    games = training.games
    step = games.step

    def cut(actions: object) -> object:
        outcome, _ = step(actions)  # type: ignore[arg-type]
        outcome.truncated[:] = True
        return outcome, games.observations.copy()

    games.step = cut  # type: ignore[assignment, method-assign]
    training.network.forward = lambda encoded: (torch.zeros(len(encoded), 2), torch.full((len(encoded),), 2.0))  # type: ignore[method-assign]
    rollout = collect(training, acting_now(training))
    assert torch.equal(rollout.rewards, torch.full((32, 8), 1.0 + extra))
