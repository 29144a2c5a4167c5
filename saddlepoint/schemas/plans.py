"""The plan of an evaluation: every episode, decided before the first one starts.

The plan depends on the specification, the policy's card and the environment's spaces, never on the number of workers
or their load, so the same specification gives the same shards, the same batch widths and the same numbers.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from saddlepoint.schemas.applicability import check_applicable, scale_of
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, digest
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.evaluations import ActionMode, EvaluationRecord, EvaluationSpec, Precision
from saddlepoint.schemas.policies import Head, PolicyCard

_PICTURE_AXES = 3
THREADS = 1
"""Of one shard. One thread a worker and one worker a core is the fastest use of a machine, and repeatable."""
REFERENCE_SEED = 0
"""Of the random policy: it plays the same games whatever is asked for, so that every report has the same zero."""
REFERENCE_GAMES, REFERENCE_EPISODES = 5, 30
"""Of Atari, whose games are long, and of other environments, where five came out far from the mean of many."""

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


class PolicyHead(Schema):
    """What the numbers that a policy gives mean; see PolicyCard."""

    kind: Head = "logits"
    squash: Literal["none", "tanh"] = "none"
    fixed_deviation: bool = False
    temperature: float = 1.0
    """Of values of actions: pi = softmax(Q / temperature)."""


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
    head: PolicyHead = PolicyHead()
    epsilon_scale: tuple[float, ...] | None = None
    """Of each entry of an observation, flat: the unit of epsilon and step size. None for 1 everywhere."""
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
    action_shift_sum: float = 0.0
    """Sum over attacked steps of the distance (root mean square) of the greedy action of numbers from the clean one."""
    max_linf: float = 0.0
    """Largest |perturbation| really given to the policy, in units of epsilon (the observation's, times its scale)."""
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
    probe_steps: int = 0
    """Attacked steps whose states were attacked otherwise too, to see how strong the attack is."""
    probe_loss_clean_sum: float = 0.0
    probe_loss_sum: float = 0.0
    probe_loss_longer_sum: float = 0.0
    """With twice the steps."""
    probe_loss_restarted_sum: float = 0.0
    """With one start more."""
    probe_noise_wins: int = 0
    """Probed steps at which the start alone, uniform noise, had a higher loss."""
    probe_flips: int = 0
    probe_flips_noise: int = 0
    probe_flips_huge: int = 0
    """With many times epsilon."""
    actions_digest: str
    """sha256 of the actions taken; equal digests are equal trajectories of a deterministic game."""


def make_plan(
    record: EvaluationRecord,
    card: PolicyCard,
    environment: EnvironmentDescription,
    *,
    default_precision: Precision,
) -> Plan:
    """The plan of an evaluation. Of pictures `default_precision` is used where the specification leaves it open.

    Raises UnsupportedAttack and InvalidEpsilon where the policy or the environment lacks what the specification needs.
    """
    spec = record.spec.filled()
    check_applicable(spec, card, environment)
    precision = spec.precision or _usual_precision(environment, default_precision)
    episodes = _count(spec)
    lanes = record.lanes or _lanes(episodes, environment)
    scale = scale_of(spec, card)
    head = head_of(card)
    cells = _cells(spec, card, environment, [precision, lanes, scale, head.model_dump()])
    entries = _entries(spec, cells, REFERENCE_GAMES if environment.env.is_atari else REFERENCE_EPISODES)
    return Plan(
        evaluation_id=record.id,
        protocol_version=PROTOCOL_VERSION,
        policy_id=record.policy_id,
        environment=environment,
        head=head,
        epsilon_scale=scale,
        precision=precision,
        threads=THREADS,
        max_episode_steps=spec.max_episode_steps,
        cells=tuple(cells),
        shards=tuple(_shards(entries, lanes, lanes * _rounds(episodes))),
        require_clean_score=spec.require_clean_score,
    )


def head_of(card: PolicyCard) -> PolicyHead:
    """What the numbers mean that this policy gives."""
    return PolicyHead(
        kind=card.head,
        squash=card.squash,
        fixed_deviation=card.fixed_deviation,
        temperature=card.hints.temperature or 1.0,
    )


def _usual_precision(environment: EnvironmentDescription, of_pictures: Precision) -> Precision:
    """Perceptrons and LSTMs on vectors are slower in bf16 than in fp32, and their attacks reach lower losses."""
    return of_pictures if len(environment.observation.shape) == _PICTURE_AXES else "fp32"


def _count(spec: EvaluationSpec) -> int:
    seeds, per_seed = spec.counts()
    return seeds * per_seed * len(spec.cells())


def _lanes(episodes: int, environment: EnvironmentDescription) -> int:
    """Batch width: wide enough to be fast, narrow enough to leave work for a second worker.

    Small networks are never played by eight: the last bits of a row then depend on its place in the batch.
    """
    if episodes <= 16 and len(environment.observation.shape) == 3:
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
    decided: Sequence[object],
) -> list[PlannedCell]:
    """`decided` is what else a result follows from."""
    mode: ActionMode = spec.action_mode or ("sample" if card.head == "logits" else "greedy")
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
            else digest(card.canonical_sha256, shared, attack.model_dump(), action_mode, decided),
        )
        for index, (label, name, role, attack, action_mode) in enumerate(wanted)
    ]


def _entries(spec: EvaluationSpec, cells: list[PlannedCell], references: int) -> list[EpisodeId]:
    """All episodes: those that need gradients first, and seeds before cells, so that shards cost alike.

    Cells that mean the same are played once, under the first of them; `references` are the random policy's.
    """
    seeds, per_seed = spec.seeds or (), spec.episodes_per_seed or 1
    first = {cell.key: cell.index for cell in reversed(cells)}
    numbers = [(seed, episode) for seed in seeds for episode in range(per_seed)]
    entries = [
        EpisodeId(cell.index, seed, episode)
        for gradient in (True, False)
        for seed, episode in numbers
        for cell in cells
        if cell.role != "random_policy" and cell.attack.uses_gradient == gradient and first[cell.key] == cell.index
    ]
    reference = next(cell.index for cell in cells if cell.role == "random_policy")
    return entries + [EpisodeId(reference, REFERENCE_SEED, number) for number in range(references)]


def _shards(entries: list[EpisodeId], lanes: int, size: int) -> list[Shard]:
    """Chunks of `size` entries. All have one width: a row's last bit depends on the width of its batch."""
    chunks = [entries[start : start + size] for start in range(0, len(entries), size)]
    return [Shard(index=index, lanes=lanes, entries=tuple(chunk)) for index, chunk in enumerate(chunks)]
