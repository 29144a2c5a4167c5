"""What a report shows beside its numbers: made once the report is there, within bounds, and never at its expense."""

import logging
from collections.abc import Callable, Mapping, Sequence

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, ResourceLimit, SaddlepointError, StoreError
from saddlepoint.evaluation.clean_states import unattacked
from saddlepoint.evaluation.evidence import Evidence, NoEvidence, Played
from saddlepoint.evaluation.footage import Footage
from saddlepoint.evaluation.traces import Trace, traced
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.plans import EpisodeResult, Plan, PlannedCell
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import Store
from worker.sandbox import Limits, run_within

LIMITS = Limits(wall_s=120.0, cpu_s=60, memory_bytes=2**30, result_bytes=2**23)
"""Of making the video, in a process of its own: what draws a game is native code, of which some needs a screen."""
Record = Callable[[EnvironmentSpec, int, Trace, Trace], Footage]
"""`saddlepoint.evaluation.footage.record`."""
Names = Callable[[EnvironmentSpec], tuple[str, ...]]
"""`saddlepoint.envs.action_names.action_names`."""
_NO_PICTURES = "This environment draws no pictures of itself where this was evaluated, so there is no video"
_NOT_IN_TIME = "The video could not be made within its limits of time and memory"
_NO_PAIR = "It takes an evaluation with an attack and one without, so there is no game to show"
_NO_TRACE = (
    "The games that would be shown here were played by an earlier evaluation, which kept no record of their steps"
)
DEFECT = "What would be shown here could not be made; the numbers are not touched by that"

_log = logging.getLogger(__name__)


def evidence_of(
    record: Record,
    names: Names,
    store: Store,
    plan: Plan,
    report: RobustnessReport,
    episodes: Mapping[int, Sequence[EpisodeResult]],
) -> Evidence | NoEvidence:
    """One game without and with the worst attack found, or why there is none. Raises a StoreError that passes."""
    clean, attacked = unattacked(plan), _worst(plan, report)
    if clean is None or attacked is None:
        return NoEvidence(_NO_PAIR)
    try:
        left, right = (_played(store, plan, cell, episodes[cell.index]) for cell in (clean, attacked))
        footage, why = _footage(record, plan, left, right)
        return Evidence(attacked, left, right, plan.epsilon_scale, names(plan.environment.env), footage, why)
    except (ArtifactNotFound, ArtifactCorrupt):
        return NoEvidence(_NO_TRACE)
    except StoreError:
        raise
    except Exception:
        _log.exception("evaluation %s: the report goes without a replay", plan.evaluation_id)
        return NoEvidence(DEFECT)


def _worst(plan: Plan, report: RobustnessReport) -> PlannedCell | None:
    """The planned cell with the lowest mean of those with an attack."""
    attacked = [cell for cell in report.cells if cell.epsilon > 0]
    worst = min(attacked, key=lambda cell: cell.mean, default=None)
    if worst is None:
        return None
    wanted = ("cell", worst.label, worst.epsilon)
    return next((cell for cell in plan.cells if (cell.role, cell.name, cell.attack.epsilon) == wanted), None)


def _played(store: Store, plan: Plan, cell: PlannedCell, episodes: Sequence[EpisodeResult]) -> Played:
    """Raises ArtifactNotFound and ArtifactCorrupt where there is no trace of what was played."""
    shown = next(entry for entry in traced(plan) if entry.cell == cell.index)
    result = next(each for each in episodes if (each.seed, each.episode) == (shown.seed, shown.episode))
    return Played(result, Trace.from_bytes(store.get(keys.trace(cell.key, shown.seed, shown.episode))))


def _footage(record: Record, plan: Plan, clean: Played, attacked: Played) -> tuple[Footage | None, str]:
    """Made by a child process, which ends whatever happens to it; else why there is none."""
    env, seed = plan.environment.env, clean.result.environment_seed
    try:
        made = run_within(LIMITS, lambda: record(env, seed, clean.trace, attacked.trace).to_bytes())
    except ResourceLimit:
        return None, _NOT_IN_TIME
    except SaddlepointError:
        return None, _NO_PICTURES
    return Footage.from_bytes(made), ""
