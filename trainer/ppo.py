"""PPO (Schulman et al. 2017) as in OpenAI baselines: play, estimate advantages, improve, again.

Methods (`trainer.methods`) differ in the observation that is acted on and the one that is learned from. `train`
yields after every update, so that its caller can record the curve, keep checkpoints, and stop.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
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
from trainer.rollout import Rollout, Samples
from trainer.training import Training


def train(training: Training) -> Iterator[UpdateRecord]:
    """Train to the end of the configuration from wherever `training` is."""
    config = training.config
    keep_freed_memory()
    while not training.finished:
        started, beta = time.monotonic(), training.beta
        acting = Acting(training.network, training.generator, training.progress, training.adversary)
        rollout = collect(training, acting)
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
        observations = torch.from_numpy(training.games.observations)
        training.network.center_on(observations, as_before=training.hardens)


@torch.no_grad()
def collect(training: Training, acting: Acting) -> Rollout:
    """Play `horizon` steps in every lane with the present policy."""
    config, games, device = training.config, training.games, training.device
    network = training.network.collecting()
    steps: list[tuple[Tensor, ...]] = []
    for _ in range(config.horizon):
        observation = _observe(training, acting, games.observations)
        head, value = network(observation)
        action = training.distribution.sample(head, training.generator)
        outcome, last = games.step(training.distribution.executed(action).numpy())
        action = action.to(device)
        log_probability = training.distribution.log_probability(head, action)
        reward = _tensor(np.sign(outcome.rewards) if training.clip_rewards else outcome.rewards, device)
        if last is not None and config.bootstrap_truncated:
            _, beyond = network(_observe(training, acting, last))
            reward += config.discount * beyond * _tensor(outcome.truncated, device)
        ended = _tensor(outcome.ended, device)
        steps.append((observation, action, log_probability, value, reward, ended))
    _, last_value = network(_observe(training, acting, games.observations))
    seen, actions, log_probabilities, values, rewards, ended = map(torch.stack, zip(*steps, strict=True))
    return Rollout(seen, actions, log_probabilities, values, rewards, ended, last_value)


def improve(training: Training, rollout: Rollout, acting: Acting) -> dict[str, float]:
    """Some epochs of clipped gradient steps on one rollout; returns the means of what was measured."""
    config = training.config
    for group in training.optimizer.param_groups:
        group["lr"] = config.learning_rate * training.beta
    # Cast once: the same sample is in a minibatch of every epoch.
    rollout = replace(rollout, observations=rollout.observations.to(training.network.dtype))
    samples = Samples.of(rollout, _advantages(training, rollout))
    sums: Counter[str] = Counter()
    minibatches = 0
    for _ in range(config.epochs):
        order = torch.randperm(len(samples), generator=training.generator).to(training.device)
        for rows in torch.split(order, config.minibatch):
            sums.update(learn(training, samples[rows], acting))
            minibatches += 1
    means = {name: total / minibatches for name, total in sums.items()}
    return means | {"explained_variance": _explained(samples.values, samples.targets)}


def learn(training: Training, samples: Samples, acting: Acting) -> dict[str, float]:
    """One gradient step on one minibatch."""
    config, network, distribution = training.config, training.network, training.distribution
    clip = config.clip * training.beta
    head, value = network(samples.observations)
    log_ratio = distribution.log_probability(head, samples.actions) - samples.log_probabilities
    advantage = normalized(samples.advantages)
    loss_policy = policy_loss(log_ratio, advantage, clip)
    loss_value = value_loss(value, samples.targets, samples.values, clip if config.value_clip else None)
    entropy = distribution.entropy(head).mean()
    ppo_loss = loss_policy + config.value_coefficient * loss_value - config.entropy_coefficient * entropy
    loss = training.method.loss(Lesson(samples, head, advantage, clip, loss_policy, ppo_loss, acting, config))
    training.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(network.parameters(), config.max_gradient_norm)
    training.optimizer.step()
    with torch.no_grad():
        ratio = log_ratio.exp()
        return {
            "loss": float(loss),
            "policy_loss": float(loss_policy),
            "value_loss": float(loss_value),
            "entropy": float(entropy),
            "approximate_kl": float((ratio - 1.0 - log_ratio).mean()),
            "clipped_share": float(((ratio - 1.0).abs() > clip).float().mean()),
            "gradient_norm": float(norm),
        }


def _advantages(training: Training, rollout: Rollout) -> Tensor:
    config = training.config
    return advantages(
        rollout.rewards, rollout.values, rollout.ended, rollout.last_value, config.discount, config.gae_lambda
    )


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
