"""Playing a shard for certain: begun by anybody, any number of times, with one effect."""

import logging
from collections import defaultdict

from saddlepoint.evaluation.traces import Trace
from saddlepoint.hiccups import left_to_the_reconciler
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan, Shard
from worker.attempts import attempting
from worker.context import Context
from worker.damage import find_plan
from worker.engine import Engine, Play
from worker.episodes import episode_key, put_episode
from worker.failing import ending_on_error
from worker.finishing import finish_cells
from worker.heartbeat import Heartbeat
from worker.policies import load_model
from worker.watchdog import watchdog

_STALL_S = 180.0
_STALL_PER_GRADIENT_S = 5.0

_log = logging.getLogger(__name__)


def run_shard(context: Context, engine: Engine, evaluation_id: str, index: int) -> None:
    """Play what is missing of a shard, and finish the evaluation if nothing is missing then.

    An error that would come again (SaddlepointError) ends the evaluation as failed. One of the store or the queue
    that passes leaves the shard to the reconciler; others are raised, to be retried.
    """
    with (
        left_to_the_reconciler(f"shard {index} of evaluation {evaluation_id}"),
        ending_on_error(context, evaluation_id),
    ):
        plan = find_plan(context.store, evaluation_id)
        if plan is None:
            _log.warning("evaluation %s has no plan: its store is another one, or it was deleted", evaluation_id)
            return
        _play_missing(context, engine.play, plan, plan.shards[index])
        finish_cells(context, engine, plan, plan.shards[index])


def _play_missing(context: Context, play: Play, plan: Plan, shard: Shard) -> None:
    with watchdog(_stall_s(plan, shard)) as alive:
        heartbeat = Heartbeat(context, plan.evaluation_id, shard.index, alive=alive)
        heartbeat.check_canceled()
        done = [entry for entry in shard.entries if context.store.exists(episode_key(plan, entry))]
        heartbeat.starting(done)
        if len(done) == len(shard.entries):
            return
        _log.info(
            "evaluation %s: shard %d lacks %d of %d episodes",
            plan.evaluation_id,
            shard.index,
            len(shard.entries) - len(done),
            len(shard.entries),
        )
        with attempting(context.store, plan.evaluation_id, shard.index, finished=len(done)):
            _play(context, play, plan, shard, heartbeat)


def _play(context: Context, play: Play, plan: Plan, shard: Shard, heartbeat: Heartbeat) -> None:
    entries: defaultdict[str, list[EpisodeId]] = defaultdict(list)
    for entry in shard.entries:  # two labels of one attack share their episodes
        entries[episode_key(plan, entry)].append(entry)

    begun: set[str] = set()

    def finished(cell: int, seed: int, episode: int) -> bool:
        key = episode_key(plan, EpisodeId(cell, seed, episode))
        if key in begun or context.store.exists(key):
            return True
        begun.add(key)
        return False

    def put(result: EpisodeResult) -> None:
        heartbeat.played(*entries[put_episode(context.store, result)])

    def keep(result: EpisodeResult, trace: Trace) -> None:
        context.store.put(keys.trace(result.cell_key, result.seed, result.episode), trace.to_bytes())

    model = load_model(context, plan.policy_id)
    play(plan, shard, model, finished=finished, put=put, heartbeat=heartbeat, keep=keep)
    heartbeat.count()


def _stall_s(plan: Plan, shard: Shard) -> float:
    """How long one step of a batch, or loading, may take at most: far more than it should."""
    gradients = max((plan.cells[entry.cell].attack.steps for entry in shard.entries), default=0)
    return _STALL_S + _STALL_PER_GRADIENT_S * gradients
