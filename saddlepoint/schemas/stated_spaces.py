"""The spaces that a policy's file states, against those of the environment that it is to play in."""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any

from saddlepoint.schemas.environments import BoxSpace, ContinuousSpace

Stated = Mapping[str, Any]
"""A space as the file gives it: `kind`, and of a Box `shape`, `dtype`, `low` and `high`, as BoxSpace has them."""
_CLOSE = 1e-4
"""Relative. Files give bounds as text of eight digits."""
_SHOWN = 4


def other_actions(stated: Stated | None, space: ContinuousSpace) -> tuple[str, str] | None:
    """The finite bounds of actions that the file states and the environment's, as text, where they differ."""
    if stated is None or stated.get("kind") != "Box":
        return None
    pairs = [(_each(stated.get(side), space.n), _each(getattr(space, side), space.n)) for side in ("low", "high")]
    if all(_agree(said, given) for side in pairs for said, given in zip(*side, strict=True)):
        return None
    (low, env_low), (high, env_high) = pairs
    return _ranges(low, high), _ranges(env_low, env_high)


def other_observations(stated: Stated | None, space: BoxSpace) -> tuple[str, str] | None:
    """The same of observations, for the kind of number and the bounds that all entries share."""
    if stated is None or stated.get("kind") != "Box":
        return None
    dtype = stated.get("dtype")
    same_kind = dtype is None or dtype.rstrip("0123456789") == space.dtype.rstrip("0123456789")
    sides = ("low", "high")
    said, given = [stated.get(side) for side in sides], [getattr(space, side) for side in sides]
    shared = [(one, other) for one, other in zip(said, given, strict=True) if not isinstance(other, list)]
    if same_kind and all(_agree(one, other) for one, other in shared):
        return None
    return f"{dtype or 'numbers'} {_range(*said)}", f"{space.dtype} {_ranges(*([side] for side in given))}"


def _each(side: float | Sequence[float | None] | None, count: int) -> list[float | None]:
    """One bound per entry; None where it is not said or there is none."""
    if side is None or isinstance(side, int | float):
        return [side] * count
    return list(side) if len(side) == count else [None] * count


def _agree(said: float | None, given: float | None) -> bool:
    return said is None or (given is not None and isclose(said, given, rel_tol=_CLOSE, abs_tol=1e-9))


def _ranges(low: Sequence[Any], high: Sequence[Any]) -> str:
    """The bounds of the first entries, once where all are the same."""
    ranges = [_range(*pair) for pair in zip(low, high, strict=True)]
    if len(set(ranges)) == 1:
        return ranges[0]
    return ", ".join(ranges[:_SHOWN]) + (", ..." if len(ranges) > _SHOWN else "")


def _range(low: Any, high: Any) -> str:
    return f"{_bound(low, '-inf')} to {_bound(high, 'inf')}"


def _bound(value: Any, none: str) -> str:
    return f"{value:g}" if isinstance(value, int | float) else none if value is None else "various"


def notes(
    observation: Stated | None, action: Stated | None, env_observation: BoxSpace, env_action: Any
) -> Iterator[str]:
    """For the report: what the file was made for that the environment is not, where it is played all the same."""
    pixels = other_observations(observation, env_observation)
    if pixels:
        yield (
            f"The policy's file states observations of {pixels[0]}, the environment gives {pixels[1]}. If a wrapper "
            "stood between in training, the card must say what it did (pixel_scale, observation_mean, observation_std)."
        )
    actions = other_actions(action, env_action) if isinstance(env_action, ContinuousSpace) else None
    if actions:
        yield (
            f"The policy's file states actions of {actions[0]}, the environment takes {actions[1]}; its tanh was taken "
            "to the bounds of the environment."
        )
