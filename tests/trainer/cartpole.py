"""A training that takes seconds."""

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import DEFENSES, TrainingSpec


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


def any_method(method: str, steps: int) -> TrainingSpec:
    """The same by any method, with a short attack in a ball that grows where it has one."""
    adversary: dict[str, object] = {"epsilon": 0.2, "epsilon_ramp": 0.5, "attack_steps": 2}
    spec = cartpole_spec(steps, **(adversary if DEFENSES[method].adversarial else {}))
    return spec.model_copy(update={"method": method})
