"""An evaluation: what is asked for, and how far it has come."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from saddlepoint.errors import InvalidEpsilon, InvalidSeeds, InvalidSpec, TooManyEpisodes
from saddlepoint.schemas.attacks import (
    Always,
    AttackSpec,
    ResolvedAttack,
    WhenRule,
    check_radii,
    resolve,
    without_booleans,
)
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.problems import Problem
from saddlepoint.schemas.reports import Cell
from saddlepoint.schemas.tiers import TIERS, Tier

MAX_EPISODES = 100_000
MAX_CELLS = 200
ATARI_EPSILON = 4.0
DEFAULT_ATTACKS = tuple(AttackSpec(kind=kind) for kind in ("none", "random", "max", "min", "ce"))

ActionMode = Literal["sample", "greedy"]
Precision = Literal["fp32", "bf16"]
Status = Literal["queued", "starting", "processing", "succeeded", "failed", "canceled"]
TERMINAL: frozenset[Status] = frozenset({"succeeded", "failed", "canceled"})


class EvaluationSpec(Schema):
    """What to play. Epsilon and step size are in the environment's own observation units (pixels: 0..255)."""

    policy_id: str | None = None
    env: EnvironmentSpec
    seeds: tuple[int, ...] | None = None
    episodes_per_seed: int | None = None
    tier: Tier | None = None
    attacks: tuple[AttackSpec, ...] = DEFAULT_ATTACKS
    epsilon: tuple[float, ...] | None = None
    steps: int = Field(default=7, ge=1, le=1000)
    step_size: float | None = Field(default=None, gt=0)
    """None: half of epsilon."""
    epsilon_scale: tuple[float, ...] | Literal["observation_std"] | None = None
    """One number per entry of an observation, or the deviations in the policy's card: the unit of epsilon there."""
    when: WhenRule = Always()
    action_mode: ActionMode | None = None
    """None: sample for `logits` policies, greedy for the others."""
    precision: Precision | None = None
    """None: of pictures bf16 where the machine has it, else fp32; the plan records which."""
    max_episode_steps: int | None = Field(default=None, ge=1, le=10_000_000)
    """In agent steps; longer episodes are cut and counted as truncated."""
    require_clean_score: bool = False

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return without_booleans(
            value, "seeds", "episodes_per_seed", "epsilon", "steps", "step_size", "max_episode_steps"
        )

    @field_validator("seeds", mode="before")
    @classmethod
    def _range(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return tuple(range(min(value, MAX_EPISODES + 1)))
        return value

    @field_validator("epsilon", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        self._check_seeds()
        self._check_epsilons()
        self._check_size()
        return self

    def _check_seeds(self) -> None:
        if self.seeds is not None and not self.seeds:
            raise InvalidSeeds("seeds must name at least one seed, got an empty list; leave it out for the tier's.")
        seeds = self.seeds or ()
        if len(set(seeds)) != len(seeds):
            raise InvalidSeeds("seeds must differ from one another; the same seed is the same episode.")
        if any(not 0 <= seed < 2**31 for seed in seeds):
            raise InvalidSeeds(f"A seed lies between 0 and {2**31 - 1}; got {min(seeds)}..{max(seeds)}.")
        if self.episodes_per_seed is not None and self.episodes_per_seed < 1:
            raise InvalidSpec(f"episodes_per_seed must be at least 1, got {self.episodes_per_seed}.")

    def _check_epsilons(self) -> None:
        if not self.attacks:
            raise InvalidSpec("attacks must name at least one attack; leave it out for the default five.")
        if self.epsilon == () or any(attack.epsilon == [] for attack in self.attacks):
            raise InvalidEpsilon("epsilon must hold at least one value, got an empty list; leave it out instead.")
        own = [value for attack in self.attacks for value in _floats(attack.epsilon)]
        steps = [step for step in (self.step_size, *(attack.step_size for attack in self.attacks)) if step is not None]
        radii, scale = (*(self.epsilon or ()), *own, *steps), self._own_scale()
        check_radii((*radii, *scale))
        check_radii((max(radii, default=0.0) * max(scale, default=1.0),))
        if any(value == 0 for value in self._own_scale()):
            raise InvalidEpsilon("epsilon_scale must be above 0 in every entry; 0 would leave no unit to divide by.")
        uses_ball = any(attack.kind != "none" for attack in self.attacks if attack.epsilon is None)
        if uses_ball and self.epsilon is None and not self.env.is_atari:
            raise InvalidEpsilon(
                f"epsilon is required for {self.env.id}: only Atari has a default "
                f"({ATARI_EPSILON:g} of 255). Give it in the units of the observations."
            )

    def _own_scale(self) -> tuple[float, ...]:
        return self.epsilon_scale if isinstance(self.epsilon_scale, tuple) else ()

    def _check_size(self) -> None:
        seeds, per_seed = self.counts()
        cells = len(self.cells())
        if cells > MAX_CELLS:
            raise TooManyEpisodes(
                f"At most {MAX_CELLS} pairs of attack and epsilon, got {cells}; split the evaluation."
            )
        labels = [cell.label for cell in self.cells()]
        if len(set(labels)) != len(labels):
            raise InvalidSpec("Two cells carry the same label and epsilon; give each attack its own label.")
        if seeds * per_seed * cells > MAX_EPISODES:
            raise TooManyEpisodes(
                f"At most {MAX_EPISODES:,} episodes, got {seeds * per_seed * cells:,}; "
                "take fewer seeds, episodes, attacks or epsilons."
            )

    def counts(self) -> tuple[int, int]:
        """Number of seeds and of episodes per seed."""
        seeds, per_seed = TIERS[self.tier or "quick"]
        if self.seeds is not None:
            seeds = len(self.seeds)
        return seeds, self.episodes_per_seed or per_seed

    def cells(self) -> list["SpecCell"]:
        """The pairs of attack and epsilon in the report's order; `none` appears once per attack entry."""
        return [cell for attack in self.attacks for cell in self._cells_of(attack)]

    def _cells_of(self, attack: AttackSpec) -> list["SpecCell"]:
        label = attack.label or attack.kind
        if attack.kind == "none":
            return [SpecCell(label=label, name=label, attack=ResolvedAttack(kind="none"))]
        epsilons = _floats(attack.epsilon) or self.epsilon or (ATARI_EPSILON,)
        return [self._cell(attack, label, epsilon) for epsilon in epsilons]

    def _cell(self, attack: AttackSpec, label: str, epsilon: float) -> "SpecCell":
        resolved = resolve(attack, epsilon, steps=self.steps, step_size=self.step_size, when=self.when)
        return SpecCell(label=f"{label}@{epsilon:g}", name=label, attack=resolved)

    def filled(self) -> "EvaluationSpec":
        """The same specification with every default written out."""
        seeds, per_seed = self.counts()
        epsilon = self.epsilon or ((ATARI_EPSILON,) if self.env.is_atari else None)
        return self.model_copy(
            update={
                "env": self.env.resolved(),
                "seeds": tuple(sorted(self.seeds or range(seeds))),
                "episodes_per_seed": per_seed,
                "tier": None,
                "epsilon": epsilon,
            }
        )


class SpecCell(Schema):
    """A pair of attack and epsilon. `label` is unique in the evaluation, `name` is the attack's."""

    label: str
    name: str
    attack: ResolvedAttack


def _floats(value: float | list[float] | None) -> list[float]:
    if value is None:
        return []
    return [value] if isinstance(value, int | float) else value


_RESOLVED = {"policy_id", "attacks", "epsilon", "steps", "step_size", "when"}
"""What a specification says of its attacks, each in one of several ways; the cells it comes to say it in one."""


def spec_hash(spec: EvaluationSpec, policy_id: str, *, parent: str | None = None, lanes: int | None = None) -> str:
    """A hash of what the evaluation means; equal for every spelling of the same specification.

    An extension of `parent` is another evaluation than a fresh one of the same size, whose width would be its own.
    """
    filled = spec.filled()
    shared = filled.model_dump(mode="json", exclude=_RESOLVED)
    cells = [cell.model_dump(mode="json") for cell in filled.cells()]
    extension = [] if parent is None else [parent, lanes]
    return digest("evaluation", shared, cells, policy_id, PROTOCOL_VERSION, *extension)


def evaluation_id(owner: str, spec_hash: str, generation: int) -> str:
    """The id: the same specification is the same evaluation until its newest generation failed."""
    return digest(owner, spec_hash, generation)


class EvaluationRecord(Schema):
    """What is stored before anything else: spec.json."""

    id: str
    owner: str
    generation: int = 0
    policy_id: str
    upload_id: str | None = None
    """Set while the policy still waited for its validator when the evaluation was accepted."""
    spec: EvaluationSpec
    created_at: Timestamp
    parent: str | None = None
    """The evaluation that this one extends."""
    lanes: int | None = None
    """The batch width of the parent, which the results of episodes follow from; None: that of the plan's size."""


class Progress(Schema):
    """How far an evaluation has come. `environment_steps` are agent steps."""

    episodes_done: int = 0
    episodes_planned: int = 0
    environment_steps: int = 0


class TerminalRecord(Schema):
    """How an evaluation or a training ended; put once, so that the end is one and stays."""

    status: Literal["succeeded", "failed", "canceled"]
    error: Problem | None = None
    finished_at: Timestamp
    progress: Progress = Progress()
    """Of an evaluation, at its end."""
    policy_id: str | None = None
    """Of the policy that a training published."""


class Evaluation(Schema):
    """The wire form of an evaluation."""

    id: str
    status: Status
    policy_id: str
    parent: str | None = None
    """The evaluation that this one extends."""
    spec: EvaluationSpec
    created_at: Timestamp
    finished_at: Timestamp | None = None
    progress: Progress = Progress()
    cells: list[Cell] = Field(default_factory=list)
    """Those that are finished."""
    error: Problem | None = None
    links: dict[str, str] = Field(default_factory=dict)

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL


class EvaluationPage(Schema):
    """A page of evaluations, newest first."""

    items: list[Evaluation]
    next_cursor: str | None = None
