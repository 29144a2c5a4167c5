"""PPO (Schulman et al. 2017) as in OpenAI baselines: play, estimate advantages, improve, again.

Methods (`trainer.methods`) differ in the observation that is acted on and the one that is learned from. `train`
yields after every update, so that its caller can record the curve, keep checkpoints, and stop.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saddlepoint.evaluation.memory import keep_freed_memory
from trainer.advantages import advantages
from trainer.adversary import Acting
from trainer.curve import UpdateRecord
from trainer.losses import normalized, policy_loss, value_loss
from trainer.methods.interface import Lesson
from trainer.processes import Processes
from trainer.rollout import Rollout, Samples
from trainer.training import Training


def train(training: Training) -> Iterator[UpdateRecord]:
    """Train to the end of the configuration from wherever `training` is."""
    config = training.config
    keep_freed_memory()
    while not training.finished:
        started, beta = time.monotonic(), training.beta
        acting = acting_now(training)
        rollout = collect(training, acting)
        training.games.settle()
        _begin_anew(training, acting)
        means = improve(training, training.method.learn_from(rollout, acting, config), acting)
        training.update += 1
        recent = training.games.recent
        yield UpdateRecord(
            update=training.update,
            steps=training.steps,
            games=training.games.finished,
            mean_return=float(np.mean(recent)) if recent else None,
            beta=beta,
            epsilon=training.adversary.epsilon_at(acting.progress),
            steps_per_second=config.batch / (time.monotonic() - started),
            **means,
        )


def start(training: Training) -> None:
    """Begin the games."""
    training.games.start()
    if training.config.center_pixels:
        observations = torch.cat(training.processes.gather(torch.from_numpy(training.games.observations)))
        training.network.center_on(observations, as_before=training.hardens)


def acting_now(training: Training) -> Acting:
    """What a method may use in the coming update."""
    return Acting(training.network, torch.Generator(), training.progress, training.adversary, training.processes)


@torch.no_grad()
def collect(training: Training, acting: Acting) -> Rollout:
    """Play `horizon` steps in every lane of this process with the present policy."""
    config, games, device = training.config, training.games, training.device
    network = training.network.collecting()
    steps: list[tuple[Tensor, ...]] = []
    for _ in range(config.horizon):
        _begin_anew(training, acting)
        observation = _observe(training, acting, games.observations)
        head, value = network(observation)
        action = _sample(training, head, acting.generator)
        outcome, last = games.step(training.distribution.executed(action).numpy())
        action = action.to(device)
        log_probability = training.distribution.log_probability(head, action)
        reward = _tensor(np.sign(outcome.rewards) if training.clip_rewards else outcome.rewards, device)
        if last is not None and config.bootstrap_truncated:
            _, beyond = network(_observe(training, acting, last))
            reward += config.discount * beyond * _tensor(outcome.truncated, device)
        ended = _tensor(outcome.ended, device)
        steps.append((observation, action, log_probability, value, reward, ended))
    _begin_anew(training, acting)
    _, last_value = network(_observe(training, acting, games.observations))
    seen, actions, log_probabilities, values, rewards, ended = map(torch.stack, zip(*steps, strict=True))
    return Rollout(seen, actions, log_probabilities, values, rewards, ended, last_value)


def improve(training: Training, rollout: Rollout, acting: Acting) -> dict[str, float]:
    """Some epochs of clipped gradient steps on one rollout; returns the means of what was measured, over all processes.

    The minibatches are those of all lanes. A process learns from the samples of its own, with advantages normalised
    among all of them and a loss that is their part of the mean.
    """
    config, processes, lanes = training.config, training.processes, training.games.share
    for group in training.optimizer.param_groups:
        group["lr"] = config.learning_rate * training.beta
    estimates = _advantages(training, rollout)
    samples = Samples.of(rollout, estimates)
    advantages_of_all, values_of_all = (processes.of_all(part).flatten() for part in (estimates, rollout.values))

    sums: Counter[str] = Counter()
    minibatches, seeds = _minibatches(training)
    for rows, seed in zip(minibatches, seeds, strict=True):
        own, numbers = lanes.among(rows)
        part = Part(
            samples=samples[numbers.to(training.device)].observed_as(training.network.dtype),
            advantages=normalized(advantages_of_all[rows])[own].to(training.device),
            numbers=own.nonzero().flatten(),
            share=len(numbers) / len(rows),
        )
        acting.generator.manual_seed(seed)
        sums.update(learn(training, part, acting))
    means = _means(processes, sums, len(minibatches))
    return means | {"explained_variance": _explained(values_of_all, advantages_of_all + values_of_all)}


@dataclass(frozen=True)
class Part:
    """What this process has of a minibatch: B samples, perhaps none."""

    samples: Samples
    advantages: Tensor
    """(B,): normalised in the whole minibatch."""
    numbers: Tensor
    """(B,) int64: of the samples among those of the whole minibatch."""
    share: float
    """B of the whole minibatch's size."""


def learn(training: Training, part: Part, acting: Acting) -> dict[str, float]:
    """One gradient step on one minibatch; returns this part's share of the means of what was measured."""
    training.optimizer.zero_grad()
    measured = _differentiate(training, part, acting) if part.share else {}
    parameters = list(training.network.parameters())
    training.processes.add_gradients_(parameters)
    norm = nn.utils.clip_grad_norm_(parameters, training.config.max_gradient_norm)
    training.optimizer.step()
    return {name: part.share * float(value) for name, value in (measured | {"gradient_norm": norm}).items()}


def _differentiate(training: Training, part: Part, acting: Acting) -> dict[str, Tensor]:
    config, distribution = training.config, training.distribution
    samples, advantage = part.samples, part.advantages
    clip = config.clip * training.beta
    head, value = training.network(samples.observations)
    log_ratio = distribution.log_probability(head, samples.actions) - samples.log_probabilities
    loss_policy = policy_loss(log_ratio, advantage, clip)
    loss_value = value_loss(value, samples.targets, samples.values, clip if config.value_clip else None)
    entropy = distribution.entropy(head).mean()
    ppo_loss = loss_policy + config.value_coefficient * loss_value - config.entropy_coefficient * entropy
    lesson = Lesson(samples, part.numbers, head, advantage, clip, loss_policy, ppo_loss, acting, config)
    loss = training.method.loss(lesson)
    (part.share * loss).backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        ratio = log_ratio.exp()
        return {
            "loss": loss.detach(),
            "policy_loss": loss_policy.detach(),
            "value_loss": loss_value.detach(),
            "entropy": entropy.detach(),
            "approximate_kl": (ratio - 1.0 - log_ratio).mean(),
            "clipped_share": ((ratio - 1.0).abs() > clip).float().mean(),
        }


def _means(processes: Processes, sums: Counter[str], minibatches: int) -> dict[str, float]:
    names = sorted(sums)  # which were not met in the same order everywhere
    totals = torch.tensor([sums[name] for name in names], dtype=torch.float64)
    processes.add_(totals)
    return dict(zip(names, (totals / minibatches).tolist(), strict=True))


def _advantages(training: Training, rollout: Rollout) -> Tensor:
    config = training.config
    return advantages(
        rollout.rewards, rollout.values, rollout.ended, rollout.last_value, config.discount, config.gae_lambda
    )


def _minibatches(training: Training) -> tuple[list[Tensor], list[int]]:
    """The minibatches of all epochs, as numbers (B,) of samples, and the seed that each begins with."""
    config, generator = training.config, training.generator
    minibatches, seeds = [], []
    for _ in range(config.epochs):
        for rows in torch.split(torch.randperm(config.batch, generator=generator), config.minibatch):
            minibatches.append(rows)
            seeds.append(_seed(generator))
    return minibatches, seeds


def _begin_anew(training: Training, acting: Acting) -> None:
    """Bring the generator of steps and minibatches to one state in all processes, whatever each has drawn from it."""
    acting.generator.manual_seed(_seed(training.generator))


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**62, (), generator=generator))


def _sample(training: Training, head: Tensor, generator: torch.Generator) -> Tensor:
    """An action in each lane of this process, drawn as if for the lanes of all."""
    lanes = training.games.share
    whole = nn.functional.pad(head, (0, 0, lanes.first, lanes.total - lanes.first - lanes.count))
    return training.distribution.sample(whole, generator)[lanes.first : lanes.first + lanes.count]


def _observe(training: Training, acting: Acting, observations: NDArray[Any]) -> Tensor:
    encoded = training.network.encode(torch.from_numpy(observations)).to(training.device)
    chosen = training.method.act_on(encoded, acting)
    return chosen.to(training.network.dtype) if chosen.is_floating_point() else chosen


def _tensor(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device)


def _explained(value: Tensor, target: Tensor) -> float:
    """The share of the targets' variance that the values foresaw; 0 where the targets do not vary."""
    variance = float(target.var(correction=0))
    return 1.0 - float((target - value).var(correction=0)) / variance if variance > 0 else 0.0
