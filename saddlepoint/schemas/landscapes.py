"""The KL landscape (Figures 4 and 5 of the ATPA paper): how far perturbed policies are apart around a state."""

from typing import Any, Self

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidEpsilon, InvalidSpec, UnsupportedAttack
from saddlepoint.schemas.attacks import MAX_EPSILON, MIN_EPSILON, ResolvedAttack, check_radii, without_booleans
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.evaluations import ATARI_EPSILON
from saddlepoint.schemas.jobs import JobRecord, JobState, timeout_s
from saddlepoint.schemas.policies import Head, PolicyCard, check_compatible

MAX_POLICIES = 8
MAX_GRADIENTS = 500_000_000
"""Of single observations, of one landscape."""
CHUNK_STATES = 64
HEADS: frozenset[Head] = frozenset({"logits", "q_values", "gaussian"})
"""Those that have a distribution over actions."""


class LandscapeSpec(Schema):
    """What to look at. Epsilon and step size in the environment's own observation units."""

    policy_ids: tuple[str, ...] = Field(min_length=1, max_length=MAX_POLICIES)
    env: EnvironmentSpec
    epsilon: float | None = Field(default=None, ge=MIN_EPSILON, le=MAX_EPSILON)
    """4 for Atari unless given; required otherwise."""
    epsilon_scale: tuple[float, ...] | None = None
    """One number per entry of an observation, flat: the unit of epsilon there."""
    states: int = Field(default=1000, ge=1, le=100_000)
    """Of each policy; the paper has 50,000."""
    starts: int = Field(default=50, ge=2, le=100)
    """Random starts of the attack on each state."""
    steps: int = Field(default=7, ge=0, le=100)
    step_size: float | None = Field(default=None, ge=MIN_EPSILON, le=MAX_EPSILON)
    """None: half of epsilon."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    figure5_states: int = Field(default=4, ge=0, le=16)
    """States whose whole matrix is kept and drawn."""

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return without_booleans(value, "epsilon", "states", "starts", "steps", "step_size", "seed", "figure5_states")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if len(set(self.policy_ids)) != len(self.policy_ids):
            raise InvalidSpec("policy_ids must differ from one another; name each policy once.")
        if self.epsilon is None and not self.env.is_atari:
            raise InvalidEpsilon(
                f"epsilon is required for {self.env.id}: only Atari has a default ({ATARI_EPSILON:g} of 255)."
            )
        if any(scale <= 0 for scale in self.epsilon_scale or ()):
            raise InvalidEpsilon("epsilon_scale must be above 0 in every entry.")
        check_radii(self.epsilon_scale or ())
        gradients = len(self.policy_ids) * self.states * self.gradients_per_state
        if gradients > MAX_GRADIENTS:
            raise InvalidSpec(
                f"policies x states x starts x (steps + 1) may come to {MAX_GRADIENTS:,}, got {gradients:,}; "
                "take fewer states."
            )
        return self

    @property
    def attack(self) -> ResolvedAttack:
        """CE-PGD from one random start."""
        epsilon = ATARI_EPSILON if self.epsilon is None else self.epsilon
        return ResolvedAttack(kind="ce", epsilon=epsilon, steps=self.steps, step_size=self.step_size or epsilon / 2)

    @property
    def gradients_per_state(self) -> int:
        return self.starts * (self.steps + 1)

    @property
    def chunks_per_policy(self) -> int:
        return -(-self.states // CHUNK_STATES)

    def filled(self) -> "LandscapeSpec":
        """With every default written out."""
        attack = self.attack
        return self.model_copy(
            update={"env": self.env.resolved(), "epsilon": attack.epsilon, "step_size": attack.step_size}
        )


class LandscapeRecord(JobRecord):
    spec: LandscapeSpec
    environment: EnvironmentDescription

    def place(self, chunk: int) -> tuple[int, int]:
        """Which policy a chunk is of, and its number there."""
        return divmod(chunk, self.spec.chunks_per_policy)


class LandscapeSummary(Schema):
    """Of one policy: how the largest divergence is distributed over states, nats."""

    policy_id: str
    name: str
    states: int
    median: float
    quantile90: float
    mean: float
    largest: float


class Landscape(JobState):
    """The wire form."""

    spec: LandscapeSpec
    summary: list[LandscapeSummary] = Field(default_factory=list)


class LandscapeSummaries(Schema):
    """As it is stored."""

    policies: list[LandscapeSummary]


class PolicyLandscape(Schema):
    """Of one policy. KL in nats."""

    policy_id: str
    name: str
    max_kl: list[float]
    """Of each state: the largest KL(pi(.|s + d_i) || pi(.|s + d_j)) over the ordered pairs of perturbations."""
    max_tv: list[float] | None
    """Likewise the total variation, which is bounded; None for a Gaussian policy."""
    matrices: list[list[list[float]]]
    """Of the first states: row i, column j is KL(pi(.|s + d_i) || pi(.|s + d_j)); not symmetric."""


class LandscapeResult(Schema):
    """What `GET /v1/landscapes/{id}/result` answers."""

    id: str
    created_at: Timestamp
    spec: LandscapeSpec
    policies: list[PolicyLandscape]
    versions: dict[str, str]
    protocol: dict[str, Any]


def landscape_id(owner: str, spec: LandscapeSpec, generation: int) -> str:
    """The same specification is the same landscape, until that failed."""
    return digest("landscape", owner, spec.filled().model_dump(mode="json"), PROTOCOL_VERSION, generation)


def chunk_timeout_s(spec: LandscapeSpec) -> float:
    return timeout_s(CHUNK_STATES * spec.gradients_per_state)


def check_surveyable(spec: LandscapeSpec, card: PolicyCard, environment: EnvironmentDescription) -> None:
    """Raise ObservationMismatch, ActionMismatch, UnsupportedAttack or InvalidEpsilon unless this can be."""
    check_compatible(card, environment)
    if card.head not in HEADS:
        raise UnsupportedAttack(
            f"A landscape is of distributions over actions; policy {card.id} gives its action outright. Leave it out."
        )
    if card.states:
        raise UnsupportedAttack(
            f"A landscape is of single states; policy {card.id} is recurrent, and acts on the past too. Leave it out."
        )
    entries = 1
    for side in environment.observation.shape:
        entries *= side
    if spec.epsilon_scale is not None and len(spec.epsilon_scale) != entries:
        raise InvalidEpsilon(
            f"epsilon_scale has one number per entry of an observation, {entries} for {environment.env.id}; "
            f"got {len(spec.epsilon_scale)}."
        )
