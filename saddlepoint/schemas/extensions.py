"""More of an evaluation that is there: further seeds, episodes, attacks and epsilons beside what was played."""

from typing import Any

from pydantic import model_validator

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.attacks import AttackSpec, without_booleans
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.evaluations import MAX_EPISODES, EvaluationSpec


class ExtensionSpec(Schema):
    """What is added; every field is optional, and something must be new."""

    seeds: int | tuple[int, ...] | None = None
    """Played beside those of the evaluation; n means 0..n-1."""
    episodes_per_seed: int | None = None
    """Of every seed, the old ones included: at least what the evaluation has."""
    attacks: tuple[AttackSpec, ...] = ()
    epsilon: float | tuple[float, ...] | None = None
    """Of every attack without an epsilon of its own."""

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return without_booleans(value, "seeds", "episodes_per_seed", "epsilon")


def extended(spec: EvaluationSpec, more: ExtensionSpec) -> EvaluationSpec:
    """`spec` with `more`: every cell and every episode of the old one is in it.

    Raises InvalidSpec where nothing is added or something would be taken away, and what the specification raises.
    """
    filled = spec.filled()
    old_seeds, old_epsilons = filled.seeds or (), filled.epsilon or ()
    fields = filled.model_dump() | {
        "seeds": tuple(sorted({*old_seeds, *_seeds(more)})),
        "episodes_per_seed": _episodes(filled.episodes_per_seed or 1, more),
        "attacks": (*filled.attacks, *(attack for attack in more.attacks if attack not in filled.attacks)),
        "epsilon": tuple(dict.fromkeys((*old_epsilons, *_epsilons(more)))) or None,
    }
    found = EvaluationSpec.model_validate(fields)
    if found.filled() == filled:
        raise InvalidSpec(
            "An extension adds seeds, episodes, attacks or epsilons; all that was asked for is in the evaluation "
            "already. Name something new."
        )
    return found


def _seeds(more: ExtensionSpec) -> tuple[int, ...]:
    if isinstance(more.seeds, int):
        return tuple(range(min(more.seeds, MAX_EPISODES + 1)))
    return more.seeds or ()


def _epsilons(more: ExtensionSpec) -> tuple[float, ...]:
    return (more.epsilon,) if isinstance(more.epsilon, int | float) else more.epsilon or ()


def _episodes(played: int, more: ExtensionSpec) -> int:
    if more.episodes_per_seed is not None and more.episodes_per_seed < played:
        raise InvalidSpec(
            f"An extension keeps what was played, {played} episodes a seed; got episodes_per_seed "
            f"{more.episodes_per_seed}. Give {played} or more, or leave it out."
        )
    return more.episodes_per_seed or played
