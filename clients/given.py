"""What was given on the command line, as the client takes it."""

from argparse import Namespace
from typing import Any, cast

from clients.requests import SpecFields, TrainingFields


def environment(options: Namespace) -> str | dict[str, Any]:
    """The environment with the options that were given."""
    env: str | dict[str, Any] = options.env
    if not options.env_options:
        return env
    return {**({"id": env} if isinstance(env, str) else env), **dict(options.env_options)}


def specification(options: Namespace) -> SpecFields:
    """The fields of the specification that were given."""
    given: dict[str, Any] = {
        "epsilon": options.epsilon,
        "attacks": options.attacks,
        "epsilon_scale": _scale(options.epsilon_scale),
        "when": {"kind": options.when} if isinstance(options.when, str) else options.when,
        "seeds": options.seeds,
        "episodes_per_seed": options.episodes,
        "tier": options.tier,
        "steps": options.attack_steps,
        "step_size": options.step_size,
        "precision": options.precision,
        "action_mode": options.action_mode,
        "max_episode_steps": options.max_episode_steps,
    }
    return cast(SpecFields, {name: value for name, value in given.items() if value is not None})


def _scale(given: list[float | str] | None) -> list[float | str] | str | None:
    """A single word stands for itself."""
    return given[0] if given and len(given) == 1 and isinstance(given[0], str) else given


def training_fields(options: Namespace) -> TrainingFields:
    """The fields of the training that were given."""
    steps = {} if options.train_steps is None else {"steps": options.train_steps}
    wanted: TrainingFields = {
        "method": options.method,
        "config": {**steps, **dict(options.config)},
        "seed": options.seed,
    }
    return wanted if options.name is None else {**wanted, "name": options.name}
