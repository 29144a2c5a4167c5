"""The attacks of an evaluation on the states of its unattacked episodes.

Along an attacked trajectory the states are the attack's own doing: one that soon ruins the game is measured on ruins.
On states of the clean one all attacks are compared alike (SCIENCE: flip rate and KL on both).
"""

from collections.abc import Callable, Mapping
from typing import Any

from saddlepoint.envs.interface import LaneEnvironment
from saddlepoint.evaluation.acting import Actor, Networks
from saddlepoint.evaluation.rollouts import Rollout
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.evaluations import ActionMode
from saddlepoint.schemas.examinations import CleanStates
from saddlepoint.schemas.plans import EpisodeId, Plan, PlannedCell
from saddlepoint.schemas.policies import CONTINUOUS_HEADS

STATES = 256
"""At most, of one cell."""
HORIZON = 1000
"""Agent steps of an episode, from its start, that the states are taken from."""
GRADIENTS = 200_000
"""Of single observations, in all: many attacks, or long ones, are looked at on fewer states, or not at all."""


def at_clean_states(
    plan: Plan,
    networks: Networks,
    environment: LaneEnvironment,
    lengths: Mapping[EpisodeId, int],
    *,
    alive: Callable[[], None] = lambda: None,
) -> dict[int, CleanStates]:
    """For each cell with an attack, what it does at states spread over the first unattacked episodes.

    `lengths` are of the plan's unattacked episodes; without any there is nothing to compare on. `alive` is called
    after every batch.
    """
    twins = _affordable(plan, environment.lanes)
    attacked = [plan.cells[index] for index in sorted(set(twins.values()))]
    entries = sorted(lengths)[: environment.lanes]
    if not attacked or not entries:
        return {}
    found = {cell.index: _Sums() for cell in attacked}
    due = _spread(max(lengths[entry] for entry in entries), _moments(attacked, environment.lanes))
    actor = Actor(networks, plan, environment.lanes)
    rollout = Rollout(actor, environment, plan.cells[entries[0].cell], entries)
    for step, (observations, episodes) in enumerate(rollout.states(max(due) + 1)):
        if step in due:
            for cell in attacked:
                found[cell.index].add(actor.look(observations, episodes, cell).sums)
                alive()
    return {index: found[twin].means() for index, twin in twins.items() if found[twin].states}


def _affordable(plan: Plan, lanes: int) -> dict[int, int]:
    """The twins that can be looked at once within the bound, in the plan's order."""
    twins, spent, paid = _twins(plan), 0, set[int]()
    for index in sorted(set(twins.values())):
        cost = lanes * _gradients(plan.cells[index])
        if spent + cost <= GRADIENTS:
            spent, paid = spent + cost, paid | {index}
    return {index: twin for index, twin in twins.items() if twin in paid}


def _twins(plan: Plan) -> dict[int, int]:
    """For each cell with an attack, the first one that does the same to a state.

    How a choice among actions is made is no part of what is attacked.
    """
    first: dict[tuple[ResolvedAttack, ActionMode | None], int] = {}
    by_action = plan.head.kind in CONTINUOUS_HEADS
    return {
        cell.index: first.setdefault((cell.attack, cell.action_mode if by_action else None), cell.index)
        for cell in plan.cells
        if cell.attack.epsilon > 0 and cell.role != "random_policy"
    }


def unattacked(plan: Plan) -> PlannedCell | None:
    """The cell of the report without an attack whose episodes are planned."""
    planned = {entry.cell for shard in plan.shards for entry in shard.entries}
    return next((c for c in plan.cells if (c.role, c.attack.kind) == ("cell", "none") and c.index in planned), None)


class _Sums:
    def __init__(self) -> None:
        self._sums: dict[str, float] = {}

    def add(self, sums: Mapping[str, Any]) -> None:
        for name in ("attacked_steps", "flips", "kl_sum"):
            if name in sums:
                self._sums[name] = self._sums.get(name, 0.0) + float(sums[name].sum())

    @property
    def states(self) -> int:
        return int(self._sums.get("attacked_steps", 0))

    def means(self) -> CleanStates:
        flips, kl = (None if name not in self._sums else self._sums[name] / self.states for name in ("flips", "kl_sum"))
        return CleanStates(states=self.states, flip_rate=flips, mean_kl=kl)


def _moments(attacked: list[PlannedCell], lanes: int) -> int:
    """How many steps are looked at, in all lanes at once."""
    gradients = sum(map(_gradients, attacked))
    return max(1, min(STATES // lanes, GRADIENTS // (gradients * lanes)))


def _gradients(cell: PlannedCell) -> int:
    """Of one state."""
    return 1 + cell.attack.steps * max(1, len(cell.attack.objectives))


def _spread(longest: int, moments: int) -> set[int]:
    """As many steps, evenly over the episodes, and as far apart as they are long."""
    horizon = min(longest, HORIZON)
    return {int((2 * moment + 1) * horizon / (2 * moments)) for moment in range(moments)}
