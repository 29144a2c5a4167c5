"""The attacks: the catalogue, what a user asks for, and what is played."""

from typing import Any, Literal

from pydantic import Field, model_validator

from saddlepoint.errors import UnknownAttack
from saddlepoint.schemas.base import Schema

AttackKind = Literal["none", "random", "ce", "max", "min"]


class AttackDescription(Schema):
    """A row of `GET /v1/attacks`."""

    kind: AttackKind
    title: str
    summary: str
    source: str
    uses_gradient: bool


ATTACKS: dict[str, AttackDescription] = {
    "none": AttackDescription(
        kind="none",
        title="No attack",
        summary="The clean observation.",
        source="the reference of every comparison",
        uses_gradient=False,
    ),
    "random": AttackDescription(
        kind="random",
        title="Random",
        summary="Uniform noise in the ball.",
        source="the baseline of the ATPA paper, section 5",
        uses_gradient=False,
    ),
    "max": AttackDescription(
        kind="max",
        title="Max",
        summary="Lowers the probability of the clean policy's most likely action.",
        source="Huang et al. 2017",
        uses_gradient=True,
    ),
    "min": AttackDescription(
        kind="min",
        title="Min",
        summary="Raises the probability of the clean policy's least likely action.",
        source="Pattanaik et al. 2018",
        uses_gradient=True,
    ),
    "ce": AttackDescription(
        kind="ce",
        title="Policy attack (CE)",
        summary="Raises the cross entropy of the perturbed policy against the clean one.",
        source="the ATPA paper, Eq. 9",
        uses_gradient=True,
    ),
}
"""Every attack, weakest first; reports keep this order."""


class AttackSpec(Schema):
    """One attack of an evaluation; a field left out is taken from the evaluation."""

    kind: AttackKind
    label: str | None = Field(default=None, min_length=1, max_length=60)
    epsilon: float | list[float] | None = None
    steps: int | None = Field(default=None, ge=1, le=1000)
    step_size: float | None = Field(default=None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"kind": value}
        if isinstance(value, dict) and value.get("kind") not in tuple(ATTACKS):
            raise UnknownAttack(f"An attack's kind is one of {', '.join(ATTACKS)}; got {value.get('kind')!r}.")
        return value


class ResolvedAttack(Schema):
    """An attack with nothing left open: one cell's worth. Epsilon and step size in observation units."""

    kind: AttackKind
    epsilon: float = 0.0
    steps: int = 0
    step_size: float = 0.0

    @property
    def uses_gradient(self) -> bool:
        return ATTACKS[self.kind].uses_gradient
