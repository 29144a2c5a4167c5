"""The episodes of a plan in the store: the only results there are; all else is folded from them."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping

from saddlepoint.errors import ArtifactCorrupt, InternalError
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan
from saddlepoint.store import Store, get_record
from worker.damage import find_undamaged

_log = logging.getLogger(__name__)


def episode_key(plan: Plan, entry: EpisodeId) -> str:
    """Where the result of a planned episode lies, shared with every evaluation that plans the same one."""
    return keys.episode(plan.cells[entry.cell].key, entry.seed, entry.episode)


def is_finished(store: Store, plan: Plan, entries: Iterable[EpisodeId]) -> bool:
    """Whether there are results of all these episodes."""
    return all(store.exists(episode_key(plan, entry)) for entry in entries)


def put_episode(store: Store, result: EpisodeResult) -> str:
    """Keep a result; its key. The first one stands; one of another trajectory is kept beside it."""
    key = keys.episode(result.cell_key, result.seed, result.episode)
    data = result.model_dump_json().encode()
    if not store.put(key, data):
        _compare(store, key, result, data)
    return key


def _compare(store: Store, key: str, result: EpisodeResult, data: bytes) -> None:
    try:
        if _trajectory(get_record(store, key, EpisodeResult)) == _trajectory(result):
            return
    except ArtifactCorrupt:
        store.delete(key)
        store.put(key, data)
        return
    sha256 = hashlib.sha256(data).hexdigest()
    store.put(keys.second_episode(result.cell_key, result.seed, result.episode, sha256), data)
    _log.warning("nondeterministic: a second result of %s differs from the first, which stands", key)


def _trajectory(result: EpisodeResult) -> tuple[float, int, bool, str]:
    """What happened; sums over it may differ in their last bits between machines and contradict nothing."""
    return result.episode_return, result.length, result.truncated, result.actions_digest


def entries_of(plan: Plan) -> Mapping[int, list[EpisodeId]]:
    """The episodes of each cell, by (seed, episode). Cells with one key share theirs, whichever they are planned for.

    Raises InternalError where one is planned twice for a cell.
    """
    entries = [entry for shard in plan.shards for entry in shard.entries]
    if len(set(entries)) != len(entries):
        raise InternalError(f"The plan of evaluation {plan.evaluation_id} holds an episode twice; this is a defect.")
    numbers: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for entry in entries:
        numbers[plan.cells[entry.cell].key].add((entry.seed, entry.episode))
    return {cell.index: [EpisodeId(cell.index, *number) for number in sorted(numbers[cell.key])] for cell in plan.cells}


def read_episodes(store: Store, plan: Plan, entries: Iterable[EpisodeId]) -> list[EpisodeResult] | None:
    """The results of these episodes in their order, None unless all are there.

    A damaged result is deleted, so that it will be played again.
    """
    results = [find_undamaged(store, episode_key(plan, entry), EpisodeResult) for entry in entries]
    complete = [result for result in results if result is not None]
    return complete if len(complete) == len(results) else None


def has_contradictions(store: Store, plan: Plan) -> bool:
    """Whether some episode of the plan's cells was played twice with different results."""
    return any(True for cell in plan.cells for _ in store.list(keys.second_episodes(cell.key)))
