"""The plan of an evaluation: every episode, decided before the first one starts.

The plan depends on the specification, the policy's card and the environment's spaces, never on the number of workers
or their load, so the same specification gives the same shards, the same batch widths and the same numbers.
"""

from typing import Literal, NamedTuple

from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, digest
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.evaluations import ActionMode, EvaluationRecord, EvaluationSpec, Precision
from saddlepoint.schemas.policies import PolicyCard

THREADS = 1
"""Of one shard. One thread a worker and one worker a core is the fastest use of a machine, and repeatable."""
REFERENCE_SEED = 0
REFERENCE_EPISODES = 5
"""Of the random policy: the same few games whatever is asked for, so that every report has the same zero."""

Role = Literal["cell", "greedy", "random_policy"]


class EpisodeId(NamedTuple):
    """An episode of a plan: index of its cell, seed, and number within the seed."""

    cell: int
    seed: int
    episode: int


class PlannedCell(Schema):
    """What all episodes of a cell share. `key` names where their results lie, shared with other evaluations."""

    index: int
    label: str
    name: str
    role: Role
    attack: ResolvedAttack
    action_mode: ActionMode
    key: str


class Shard(Schema):
    """Episodes that one worker plays together: lane k plays entries k, k + lanes, k + 2 lanes, ... one after another.

    The lane of an entry is fixed because in some networks the last bits of a row depend on its place in the batch.
    """

    index: int
    lanes: int
    entries: tuple[EpisodeId, ...]


class Plan(Schema):
    """Everything a worker needs, beside the policy, to play an evaluation."""

    evaluation_id: str
    protocol_version: int
    policy_id: str
    environment: EnvironmentDescription
    precision: Precision
    threads: int
    max_episode_steps: int | None
    cells: tuple[PlannedCell, ...]
    shards: tuple[Shard, ...]
    require_clean_score: bool = False

    @property
    def episodes_planned(self) -> int:
        return sum(len(shard.entries) for shard in self.shards)

    @property
    def summary(self) -> "PlanSummary":
        return PlanSummary(episodes=self.episodes_planned, shards=len(self.shards))


class PlanSummary(Schema):
    """What a poll needs of a plan."""

    episodes: int
    shards: int


class EpisodeResult(Schema):
    """One episode, played to its end. Nothing in it depends on time or machine load."""

    cell_key: str
    seed: int
    episode: int
    environment_seed: int
    episode_return: float
    length: int
    """Agent steps."""
    truncated: bool
    attacked_steps: int = 0
    flips: int = 0
    """Attacked steps at which the greedy action changed."""
    kl_sum: float = 0.0
    """Sum over attacked steps of KL(clean || perturbed), nats."""
    tv_sum: float = 0.0
    """Sum over attacked steps of the total variation distance."""
    max_linf: float = 0.0
    """Largest |perturbation| really given to the policy, observation units."""
    loss_sum: float = 0.0
    """Of the attack's own loss at the perturbed observation, nats."""
    best_loss_sum: float = 0.0
    """Of the highest loss that any of its iterates had."""
    loss_rises: int = 0
    """Attacked steps at which the final loss exceeds the clean observation's."""
    zero_gradient: int = 0
    """Attacked steps at which some PGD step had a gradient that was zero everywhere."""
    checked_steps: int = 0
    """Attacked steps at which the gradients were also taken in fp32, to check the lower precision."""
    checked_loss_sum: float = 0.0
    checked_loss_fp32_sum: float = 0.0
    checked_flips: int = 0
    checked_flips_fp32: int = 0
    actions_digest: str
    """sha256 of the actions taken; equal digests are equal trajectories of a deterministic game."""


def make_plan(
    record: EvaluationRecord,
    card: PolicyCard,
    environment: EnvironmentDescription,
    *,
    default_precision: Precision,
) -> Plan:
    """The plan of an evaluation. `default_precision` is used where the specification leaves it open."""
    spec = record.spec.filled()
    precision = spec.precision or default_precision
    episodes = _count(spec)
    lanes = _lanes(episodes)
    cells = _cells(spec, card, environment, precision, lanes)
    return Plan(
        evaluation_id=record.id,
        protocol_version=PROTOCOL_VERSION,
        policy_id=record.policy_id,
        environment=environment,
        precision=precision,
        threads=THREADS,
        max_episode_steps=spec.max_episode_steps,
        cells=tuple(cells),
        shards=tuple(_shards(_entries(spec, cells), lanes, lanes * _rounds(episodes))),
        require_clean_score=spec.require_clean_score,
    )


def _count(spec: EvaluationSpec) -> int:
    seeds, per_seed = spec.counts()
    return seeds * per_seed * len(spec.cells())


def _lanes(episodes: int) -> int:
    """Batch width: wide enough to be fast, narrow enough to leave work for a second worker."""
    if episodes <= 16:
        return 8
    if episodes <= 64:
        return 16
    return 32 if episodes <= 1024 else 64


def _rounds(episodes: int) -> int:
    """Entries per lane: more of them keep the lanes busy when episodes differ in length."""
    if episodes <= 64:
        return 1
    return 2 if episodes <= 1024 else 4


def _cells(
    spec: EvaluationSpec,
    card: PolicyCard,
    environment: EnvironmentDescription,
    precision: Precision,
    lanes: int,
) -> list[PlannedCell]:
    mode: ActionMode = spec.action_mode or "sample"
    wanted: list[tuple[str, str, Role, ResolvedAttack, ActionMode]] = [
        (cell.label, cell.name, "cell", cell.attack, mode) for cell in spec.cells()
    ]
    wanted += [
        (f"{cell.label} (greedy)", cell.name, "greedy", cell.attack, "greedy")
        for cell in spec.cells()
        if spec.action_mode is None and card.head == "logits" and cell.attack.kind == "ce"
    ]
    wanted.append(("random policy", "random policy", "random_policy", ResolvedAttack(kind="none"), "sample"))
    shared = [environment.env.key(), spec.max_episode_steps, PROTOCOL_VERSION]
    return [
        PlannedCell(
            index=index,
            label=label,
            name=name,
            role=role,
            attack=attack,
            action_mode=action_mode,
            key=digest("random policy", shared)
            if role == "random_policy"
            else digest(card.canonical_sha256, shared, attack.model_dump(), action_mode, precision, lanes),
        )
        for index, (label, name, role, attack, action_mode) in enumerate(wanted)
    ]


def _entries(spec: EvaluationSpec, cells: list[PlannedCell]) -> list[EpisodeId]:
    """All episodes: those that need gradients first, and seeds before cells, so that shards cost alike."""
    seeds, per_seed = spec.seeds or (), spec.episodes_per_seed or 1
    numbers = [(seed, episode) for seed in seeds for episode in range(per_seed)]
    entries = [
        EpisodeId(cell.index, seed, episode)
        for gradient in (True, False)
        for seed, episode in numbers
        for cell in cells
        if cell.role != "random_policy" and cell.attack.uses_gradient == gradient
    ]
    reference = next(cell.index for cell in cells if cell.role == "random_policy")
    return entries + [EpisodeId(reference, REFERENCE_SEED, number) for number in range(REFERENCE_EPISODES)]


def _shards(entries: list[EpisodeId], lanes: int, size: int) -> list[Shard]:
    """Chunks of `size` entries. All have one width: a row's last bit depends on the width of its batch."""
    chunks = [entries[start : start + size] for start in range(0, len(entries), size)]
    return [Shard(index=index, lanes=lanes, entries=tuple(chunk)) for index, chunk in enumerate(chunks)]
