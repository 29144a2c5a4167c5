"""Unattacked greedy returns are those of stable-baselines3's own `evaluate_policy`, to the last digit."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import gymnasium
import pytest
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy

from saddlepoint.envs.seeding import episode_seed
from saddlepoint.evaluation.whole import evaluate
from saddlepoint.policies.importing import import_policy
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.policies import PolicyHints
from tests.policies.sb3_models import zip_of

SEEDS, EPISODES = 4, 2


class Seeded(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Every reset has the next seed, whoever asks for it."""

    def __init__(self, env: gymnasium.Env[Any, Any], seeds: Iterable[int]) -> None:
        super().__init__(env)
        self._seeds = cycle(seeds)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        del seed, options
        return self.env.reset(seed=next(self._seeds))


@pytest.mark.parametrize(
    ("algorithm", "env", "steps"), [(PPO, "CartPole-v1", 2048), (A2C, "Acrobot-v1", 3000)], ids=["PPO", "A2C"]
)
def test_returns_are_those_of_sb3(algorithm: Callable[..., BaseAlgorithm], env: str, steps: int) -> None:
    model = algorithm("MlpPolicy", env, seed=0, device="cpu").learn(steps)
    seeds = [episode_seed(seed, episode) for seed in range(SEEDS) for episode in range(EPISODES)]
    games = Seeded(gymnasium.make(env), seeds)
    expected, _ = evaluate_policy(model, games, n_eval_episodes=len(seeds), return_episode_rewards=True, warn=False)
    now = datetime.now(UTC)
    policy = import_policy(zip_of(model), filename_hint=None, hints=PolicyHints(), policy_id="sb3", created_at=now)
    spec = EvaluationSpec.model_validate(
        {"env": env, "seeds": SEEDS, "episodes_per_seed": EPISODES, "attacks": ["none"], "action_mode": "greedy"}
    )
    report = evaluate(policy.model, policy.card, spec)
    assert report.cell("none").returns == expected
