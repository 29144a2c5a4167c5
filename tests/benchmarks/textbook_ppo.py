"""PPO for Atari as its users write it, after CleanRL's ppo_atari: the baseline of our own trainer.

Gymnasium's wrappers one process and one emulator after the other, float32 throughout, autograd through everything.
"""

from collections.abc import Callable, Iterator

import ale_py
import gymnasium
import numpy as np
import torch
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation, RecordEpisodeStatistics, TransformReward
from torch import Tensor, nn
from torch.distributions import Categorical

ACTORS, HORIZON, EPOCHS, MINIBATCH = 16, 128, 4, 512
"""The ATPA paper's Table 2."""
DISCOUNT, GAE_LAMBDA, CLIP, LEARNING_RATE = 0.99, 0.95, 0.1, 2.5e-4
VALUE_COEFFICIENT, ENTROPY_COEFFICIENT, MAX_GRADIENT_NORM = 0.5, 0.01, 0.5

Attack = Callable[[nn.Module, Tensor], Tensor]
"""The policy (pixels to logits) and observations -> the observations that are acted on and learned from."""


class Agent(nn.Module):
    """The Nature CNN with a policy and a value."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            _initialized(nn.Conv2d(4, 32, 8, stride=4)),
            nn.ReLU(),
            _initialized(nn.Conv2d(32, 64, 4, stride=2)),
            nn.ReLU(),
            _initialized(nn.Conv2d(64, 64, 3)),
            nn.ReLU(),
            nn.Flatten(),
            _initialized(nn.Linear(3136, 512)),
            nn.ReLU(),
        )
        self.actor = _initialized(nn.Linear(512, actions), 0.01)
        self.critic = _initialized(nn.Linear(512, 1), 1.0)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.actor(self.network(pixels / 255.0))
        return logits

    def value(self, pixels: Tensor) -> Tensor:
        value: Tensor = self.critic(self.network(pixels / 255.0))
        return value.flatten()

    def act(self, pixels: Tensor, action: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """An action where none is given, its log-probability, the entropy and the value."""
        hidden = self.network(pixels / 255.0)
        policy = Categorical(logits=self.actor(hidden))
        if action is None:
            action = policy.sample()  # type: ignore[no-untyped-call]
        log_probability, entropy = policy.log_prob(action), policy.entropy()  # type: ignore[no-untyped-call]
        return action, log_probability, entropy, self.critic(hidden).flatten()


def textbook_training(game: str, *, attack: Attack | None = None) -> Iterator[int]:
    """Train without end; yields the environment steps of every update."""
    gymnasium.register_envs(ale_py)
    envs = gymnasium.vector.SyncVectorEnv([lambda: _make_environment(game)] * ACTORS)
    agent = Agent(int(envs.single_action_space.n))  # type: ignore[attr-defined]
    optimizer = torch.optim.Adam(agent.parameters(), lr=LEARNING_RATE, eps=1e-5)

    def observe(pixels: object) -> Tensor:
        observation = torch.Tensor(pixels)
        return observation if attack is None else attack(agent, observation)

    observations = torch.zeros((HORIZON, ACTORS, 4, 84, 84))
    actions, log_probabilities, rewards, dones, values = torch.zeros((5, HORIZON, ACTORS))
    next_observation, next_done = observe(envs.reset(seed=1)[0]), torch.zeros(ACTORS)
    while True:
        for step in range(HORIZON):
            observations[step], dones[step] = next_observation, next_done
            with torch.no_grad():
                action, log_probabilities[step], _, values[step] = agent.act(next_observation)
            actions[step] = action
            pixels, reward, terminations, truncations, _ = envs.step(action.numpy())
            rewards[step] = torch.tensor(reward)
            next_observation, next_done = observe(pixels), torch.Tensor(np.logical_or(terminations, truncations))
        with torch.no_grad():
            advantages = textbook_advantages(rewards, values, dones, agent.value(next_observation), next_done)
        targets = advantages + values
        parts = (observations, actions, log_probabilities, advantages, targets, values)
        batch = [part.flatten(0, 1) for part in parts]
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(HORIZON * ACTORS), MINIBATCH):
                _improve(agent, optimizer, *(part[rows] for part in batch))
        yield HORIZON * ACTORS


def textbook_advantages(
    rewards: Tensor, values: Tensor, dones: Tensor, next_value: Tensor, next_done: Tensor
) -> Tensor:
    """Generalised advantage estimation; `dones[t]` is 1 where step t is the first of its episode."""
    advantages, last = torch.zeros_like(rewards), torch.zeros(ACTORS)
    for t in reversed(range(HORIZON)):
        final = t == HORIZON - 1
        goes_on = 1.0 - (next_done if final else dones[t + 1])
        surprise = rewards[t] + DISCOUNT * (next_value if final else values[t + 1]) * goes_on - values[t]
        advantages[t] = last = surprise + DISCOUNT * GAE_LAMBDA * goes_on * last
    return advantages


def _improve(
    agent: Agent,
    optimizer: torch.optim.Optimizer,
    observations: Tensor,
    actions: Tensor,
    log_probabilities: Tensor,
    advantages: Tensor,
    targets: Tensor,
    values: Tensor,
) -> None:
    _, log_probability, entropy, value = agent.act(observations, actions)
    ratio = (log_probability - log_probabilities).exp()
    advantage = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    policy_loss = torch.max(-advantage * ratio, -advantage * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
    near = values + (value - values).clamp(-CLIP, CLIP)
    value_loss = 0.5 * torch.max((value - targets) ** 2, (near - targets) ** 2).mean()
    loss = policy_loss - ENTROPY_COEFFICIENT * entropy.mean() + VALUE_COEFFICIENT * value_loss
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(agent.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()


def _make_environment(game: str) -> gymnasium.Env[object, object]:
    env = gymnasium.make(game, frameskip=1)
    env = AtariPreprocessing(RecordEpisodeStatistics(env), terminal_on_life_loss=True)
    return TransformReward(FrameStackObservation(env, 4), lambda reward: float(np.sign(float(reward))))


def _initialized(layer: nn.Conv2d | nn.Linear, gain: float = 2**0.5) -> nn.Module:
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
