"""Plans by hand."""

from collections.abc import Sequence

from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.environments import BoxSpace, DiscreteSpace, EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.evaluations import ActionMode, Precision
from saddlepoint.schemas.plans import EpisodeId, Plan, PlannedCell, Role, Shard

NONE = ResolvedAttack(kind="none")
CORRIDOR = EnvironmentDescription(
    env=EnvironmentSpec(id="Corridor-v0"),
    observation=BoxSpace(shape=(1,), dtype="float64", low=None, high=None),
    action=DiscreteSpace(n=2),
)
CARTPOLE = EnvironmentDescription(
    env=EnvironmentSpec(id="CartPole-v1"),
    observation=BoxSpace(shape=(4,), dtype="float32", low=None, high=None),
    action=DiscreteSpace(n=2),
    max_episode_steps=500,
)


def cell(
    index: int, attack: ResolvedAttack = NONE, *, mode: ActionMode = "greedy", role: Role = "cell", name: str = ""
) -> PlannedCell:
    name = name or attack.kind
    label = f"{name}@{attack.epsilon:g}"
    return PlannedCell(
        index=index, label=label, name=name, role=role, attack=attack, action_mode=mode, key=f"key-{index}"
    )


def plan(
    cells: Sequence[PlannedCell],
    entries: Sequence[tuple[int, int, int]],
    *,
    environment: EnvironmentDescription = CORRIDOR,
    lanes: int = 8,
    precision: Precision = "fp32",
    max_episode_steps: int | None = None,
) -> Plan:
    """A plan of one shard."""
    return Plan(
        evaluation_id="evaluation",
        protocol_version=1,
        policy_id="policy",
        environment=environment,
        precision=precision,
        threads=1,
        max_episode_steps=max_episode_steps,
        cells=tuple(cells),
        shards=(Shard(index=0, lanes=lanes, entries=tuple(EpisodeId(*entry) for entry in entries)),),
    )
