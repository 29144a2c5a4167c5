"""PPO (Schulman et al. 2017) as in OpenAI baselines: play, estimate advantages, improve, again.

Methods (`trainer.methods`) differ in the observation that is acted on and the one that is learned from. `train`
yields after every update, so that its caller can record the curve, keep checkpoints, and stop.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.advantages import advantages
from trainer.curve import UpdateRecord
from trainer.losses import entropy, normalized, policy_loss, value_loss
from trainer.methods.interface import Acting
from trainer.rollout import Rollout, Samples
from trainer.training import Training


def train(training: Training) -> Iterator[UpdateRecord]:
    """Train to the end of the configuration from wherever `training` is."""
    config = training.config
    while not training.finished:
        started, beta = time.monotonic(), training.beta
        acting = Acting(training.network, training.generator, training.progress)
        rollout = collect(training, acting)
        means = improve(training, rollout, training.method.learn_from(rollout, acting))
        training.update += 1
        recent = training.games.recent
        yield UpdateRecord(
            update=training.update,
            steps=training.steps,
            games=training.games.finished,
            mean_return=float(np.mean(recent)) if recent else None,
            beta=beta,
            steps_per_second=config.batch / (time.monotonic() - started),
            **means,
        )


def start(training: Training) -> None:
    """Begin the games."""
    training.games.start()
    if training.config.center_pixels:
        training.network.center_on(torch.from_numpy(training.games.observations))


@torch.no_grad()
def collect(training: Training, acting: Acting) -> Rollout:
    """Play `horizon` steps in every lane with the present policy."""
    config, games, device = training.config, training.games, training.device
    steps: list[tuple[Tensor, ...]] = []
    for _ in range(config.horizon):
        observation = _observe(training, acting, games.observations)
        logits, value = training.network(observation)
        action, log_probability = sample(logits, training.generator)
        outcome, last = games.step(action.numpy())
        reward = _tensor(np.sign(outcome.rewards) if training.clip_rewards else outcome.rewards, device)
        if last is not None and config.bootstrap_truncated:
            _, beyond = training.network(_observe(training, acting, last))
            reward += config.discount * beyond * _tensor(outcome.truncated, device)
        ended = _tensor(outcome.ended, device)
        steps.append((observation, action.to(device), log_probability.to(device), value, reward, ended))
    _, last_value = training.network(_observe(training, acting, games.observations))
    seen, actions, log_probabilities, values, rewards, ended = map(torch.stack, zip(*steps, strict=True))
    return Rollout(seen, actions, log_probabilities, values, rewards, ended, last_value)


def improve(training: Training, rollout: Rollout, observations: Tensor) -> dict[str, float]:
    """Some epochs of clipped gradient steps on one rollout; returns the means of what was measured."""
    config = training.config
    for group in training.optimizer.param_groups:
        group["lr"] = config.learning_rate * training.beta
    samples = Samples.of(rollout, observations, _advantages(training, rollout))
    sums: Counter[str] = Counter()
    minibatches = 0
    for _ in range(config.epochs):
        order = torch.randperm(len(samples), generator=training.generator).to(training.device)
        for rows in torch.split(order, config.minibatch):
            sums.update(learn(training, samples[rows]))
            minibatches += 1
    means = {name: total / minibatches for name, total in sums.items()}
    return means | {"explained_variance": _explained(samples.values, samples.targets)}


def learn(training: Training, samples: Samples) -> dict[str, float]:
    """One gradient step on one minibatch."""
    config, network = training.config, training.network
    clip = config.clip * training.beta
    logits, value = network(samples.observations)
    log_probabilities = logits.log_softmax(-1)
    log_ratio = _of(log_probabilities, samples.actions) - samples.log_probabilities
    loss_policy = policy_loss(log_ratio, normalized(samples.advantages), clip)
    loss_value = value_loss(value, samples.targets, samples.values, clip if config.value_clip else None)
    randomness = entropy(log_probabilities)
    loss = loss_policy + config.value_coefficient * loss_value - config.entropy_coefficient * randomness
    training.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(network.parameters(), config.max_gradient_norm)
    training.optimizer.step()
    with torch.no_grad():
        ratio = log_ratio.exp()
        return {
            "policy_loss": float(loss_policy),
            "value_loss": float(loss_value),
            "entropy": float(randomness),
            "approximate_kl": float((ratio - 1.0 - log_ratio).mean()),
            "clipped_share": float(((ratio - 1.0).abs() > clip).float().mean()),
            "gradient_norm": float(norm),
        }


def sample(logits: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Actions (N,) drawn from softmax(logits) by the Gumbel-max trick, and their log-probabilities (N,), on the CPU."""
    uniform = torch.rand(logits.shape, generator=generator, dtype=torch.float64)
    gumbel = -torch.log(-torch.log(uniform.clamp_min(torch.finfo(torch.float64).tiny)))
    log_probabilities = logits.cpu().log_softmax(-1)
    action = (log_probabilities + gumbel).argmax(-1)
    return action, _of(log_probabilities, action)


def _advantages(training: Training, rollout: Rollout) -> Tensor:
    config = training.config
    return advantages(
        rollout.rewards, rollout.values, rollout.ended, rollout.last_value, config.discount, config.gae_lambda
    )


def _observe(training: Training, acting: Acting, observations: NDArray[Any]) -> Tensor:
    encoded = training.network.encode(torch.from_numpy(observations)).to(training.device)
    return training.method.act_on(encoded, acting)


def _tensor(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device)


def _of(log_probabilities: Tensor, actions: Tensor) -> Tensor:
    """The entry of each row's action."""
    return log_probabilities.gather(-1, actions[:, None]).squeeze(-1)


def _explained(value: Tensor, target: Tensor) -> float:
    """The share of the targets' variance that the values foresaw; 0 where the targets do not vary."""
    variance = float(target.var(correction=0))
    return 1.0 - float((target - value).var(correction=0)) / variance if variance > 0 else 0.0
