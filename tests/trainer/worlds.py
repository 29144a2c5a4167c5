"""Environments as networks see them: spaces without a game."""

from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)


def world(shape: tuple[int, ...], actions: int, *, continuous: bool = False) -> EnvironmentDescription:
    """Pixels where observations have several axes, else numbers without bounds; actions of -1..1."""
    is_picture = len(shape) > 1
    box = BoxSpace(
        shape=shape,
        dtype="uint8" if is_picture else "float32",
        low=0.0 if is_picture else None,
        high=255.0 if is_picture else None,
    )
    numbers = ContinuousSpace(n=actions, shape=(actions,), low=-1.0, high=1.0)
    action = numbers if continuous else DiscreteSpace(n=actions)
    return EnvironmentDescription(env=EnvironmentSpec(id="World-v0"), observation=box, action=action)
