"""A training that takes seconds."""

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec


def cartpole_spec(steps: int, **config: object) -> TrainingSpec:
    """CartPole with settings that learn fast."""
    fast: dict[str, object] = {
        "steps": steps,
        "actors": 8,
        "horizon": 32,
        "epochs": 4,
        "minibatch": 64,
        "learning_rate": 2.5e-3,
        "clip": 0.2,
        "entropy_coefficient": 0.0,
        "value_clip": False,
        "bootstrap_truncated": True,
    }
    return TrainingSpec(env=EnvironmentSpec(id="CartPole-v1"), config=fast | config, seed=0)
