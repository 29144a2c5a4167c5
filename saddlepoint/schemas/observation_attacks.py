"""Attacking observations that somebody sends: what is asked for, and how far it has come."""

from math import prod
from typing import Any, Self

from pydantic import Field, model_validator

from saddlepoint.errors import BodyTooLarge, InvalidEpsilon, InvalidSpec, ObservationMismatch, UnsupportedAttack
from saddlepoint.schemas.applicability import check_applicable
from saddlepoint.schemas.attacks import AttackSpec, ResolvedAttack, resolve, without_booleans
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, digest
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.jobs import JobRecord, JobState, stall_s, timeout_s
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, PolicyCard

MAX_BYTES = 64 * 2**20
"""Of the observations as float32."""
MAX_GRADIENTS = 20_000_000
"""Of single observations, of one request."""
CHUNK_ROWS = 256
WIDTH = 64
"""Of a batch, whatever is sent: the last bits of a row depend on it."""
SMALL_GRADIENTS = 4096
"""A request of no more is waited for a moment."""
_STEPS = 7
_PLACE = "observations"


class ObservationAttackSpec(AttackSpec):
    """An attack with nothing taken from elsewhere. Epsilon, step size and bounds in the observations' own units."""

    epsilon: float | None = None
    seed: int = Field(default=0, ge=0, lt=2**31)
    epsilon_scale: tuple[float, ...] | None = None
    """One number per entry of an observation, flat: the unit of epsilon there."""
    low: float | None = None
    """Of every entry; None for 0 of uint8 pixels, and for no bound otherwise."""
    high: float | None = None
    """Likewise, 255 of uint8 pixels."""

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return without_booleans(value, "seed", "low", "high")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.epsilon is None and self.kind != "none":
            raise InvalidEpsilon("epsilon is required: the radius of the ball, in the units of the observations.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidSpec(f"low must not exceed high, got {self.low:g} and {self.high:g}; exchange them.")
        return self


class ObservationArray(Schema):
    """What was sent, by its header: (rows, *observation)."""

    shape: tuple[int, ...]
    dtype: str
    """`float32`, `float64` or `uint8`."""

    @property
    def rows(self) -> int:
        return self.shape[0]


class ObservationAttackRecord(JobRecord):
    """What is asked for; the observations lie beside it."""

    policy_id: str
    spec: ObservationAttackSpec
    array: ObservationArray


class AttackSummary(Schema):
    """The result in a few numbers."""

    rows: int
    flip_rate: float | None
    """None where actions are numbers."""
    mean_loss: float
    mean_clean_loss: float
    max_linf: float
    """In units of epsilon."""


class ObservationAttack(JobState):
    """The wire form."""

    policy_id: str
    spec: ObservationAttackSpec
    array: ObservationArray
    summary: AttackSummary | None = None


def attack_id(owner: str, policy_id: str, spec: ObservationAttackSpec, sha256: str, generation: int) -> str:
    """The same observations under the same attack are the same job, until that failed."""
    asked = spec.model_dump(mode="json", exclude={"label"})
    return digest("attack", owner, policy_id, asked, sha256, PROTOCOL_VERSION, generation)


def chunks_of(rows: int) -> int:
    return -(-rows // CHUNK_ROWS)


def rows_of_chunk(rows: int, chunk: int) -> int:
    return min(CHUNK_ROWS, rows - chunk * CHUNK_ROWS)


def gradients_of(spec: ObservationAttackSpec, rows: int) -> int:
    """Of single observations."""
    attack = resolved(spec)
    return rows * (1 + attack.steps * max(1, len(attack.objectives)))


def chunk_timeout_s(spec: ObservationAttackSpec) -> float:
    return timeout_s(gradients_of(spec, CHUNK_ROWS))


def batch_stall_s(spec: ObservationAttackSpec) -> float:
    return stall_s(gradients_of(spec, WIDTH))


def resolved(spec: ObservationAttackSpec) -> ResolvedAttack:
    """The attack with nothing left open."""
    when = _evaluation(spec).when
    return resolve(spec, spec.epsilon or 0.0, steps=_STEPS, step_size=None, when=when)


def spaces_of(spec: ObservationAttackSpec, array: ObservationArray, card: PolicyCard) -> EnvironmentDescription:
    """Where the observations come from, as far as that is known: their bounds, and how many actions there are."""
    is_pixels = array.dtype == "uint8"
    low = 0.0 if spec.low is None and is_pixels else spec.low
    high = 255.0 if spec.high is None and is_pixels else spec.high
    n = card.actions
    return EnvironmentDescription(
        env=EnvironmentSpec(id=_PLACE),
        observation=BoxSpace(shape=array.shape[1:], dtype=array.dtype, low=low, high=high),
        action=ContinuousSpace(n=n, shape=(n,), low=None, high=None)
        if card.head in CONTINUOUS_HEADS
        else DiscreteSpace(n=n),
    )


def check_attackable(spec: ObservationAttackSpec, array: ObservationArray, card: PolicyCard) -> None:
    """Raise ObservationMismatch, UnsupportedAttack, InvalidEpsilon, InvalidSpec or BodyTooLarge unless this can be."""
    if tuple(card.observation.shape) != array.shape[1:]:
        raise ObservationMismatch(
            f"The policy takes observations of shape {list(card.observation.shape)}; each of those that were sent has "
            f"shape {list(array.shape[1:])}. Send (N, *shape)."
        )
    if card.states:
        raise UnsupportedAttack(
            "Single observations of a recurrent policy say too little: what it does depends on what it has seen. "
            "Evaluate it in its environment instead."
        )
    size = 4 * prod(array.shape)
    if array.rows < 1 or size > MAX_BYTES:
        raise BodyTooLarge(
            f"1 observation to {MAX_BYTES:,} bytes of them as float32 are attacked at once, got {array.rows} of "
            f"{size:,} bytes; send fewer."
        )
    check_applicable(_evaluation(spec), card, spaces_of(spec, array, card))
    if gradients_of(spec, array.rows) > MAX_GRADIENTS:
        raise InvalidSpec(
            f"rows x steps x starts may come to {MAX_GRADIENTS:,}, got {gradients_of(spec, array.rows):,}; "
            "send fewer observations, or take fewer steps."
        )


def _evaluation(spec: ObservationAttackSpec) -> EvaluationSpec:
    """An evaluation of this one attack, whose rules are the same."""
    attack = AttackSpec.model_validate(spec.model_dump(include=set(AttackSpec.model_fields)))
    return EvaluationSpec(
        env=EnvironmentSpec(id=_PLACE), attacks=(attack,), epsilon=(0.0,), epsilon_scale=spec.epsilon_scale
    )
