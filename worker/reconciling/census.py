"""Counting what is open, and noticing what stands still."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.queue import Census, LiveProgress, OpenWork
from saddlepoint.store import Store
from saddlepoint.work import EVALUATION, TRAINING, Work
from worker.context import Context

COUNTED = (EVALUATION, TRAINING)
"""What goes on for long, and says how far it is."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Sight:
    """Something open, and since when it has been as far as it is."""

    work: Work
    accepted_at: datetime
    progress: LiveProgress
    since: datetime


class OpenCensus:
    """Remembers how far each was; a restart only takes what stands still for as long as it looks."""

    def __init__(self, context: Context, now: Callable[[], datetime] = _now) -> None:
        self._context, self._now = context, now
        self._seen: dict[str, _Sight] = {}

    def take(self) -> None:
        """Look at all that is open and tell Redis. Raises StoreError and Unavailable."""
        now, store, queue = self._now(), self._context.store, self._context.queue
        markers = [(work, marker) for work in COUNTED for marker in store.list(work.active(""))]
        ids = [marker.removeprefix(work.active("")) for work, marker in markers]
        seen: dict[str, _Sight] = {}
        for work_id, (work, marker), progress in zip(ids, markers, queue.progress_of(ids), strict=True):
            before = self._seen.get(work_id) or _first_sight(store, work, marker, now)
            if before is not None:
                moved = progress != before.progress
                seen[work_id] = replace(before, progress=progress, since=now) if moved else before
        self._seen = seen
        queue.put_census(Census(at=now, works=tuple(_summed(list(seen.values())))))


def _first_sight(store: Store, work: Work, marker: str, now: datetime) -> _Sight | None:
    """As if it had waited since it was accepted; None for what ended while we looked."""
    try:
        accepted_at = datetime.fromisoformat(store.get(marker).decode())
    except ArtifactNotFound:
        return None
    except (StoreError, ValueError):  # a marker that cannot be read, of something that is open all the same
        accepted_at = now
    return _Sight(work, accepted_at, LiveProgress(), accepted_at)


def _summed(seen: list[_Sight]) -> Iterator[OpenWork]:
    def group(sight: _Sight) -> tuple[str, str]:
        return sight.work.name, sight.progress.phase

    for _, sights in groupby(sorted(seen, key=group), key=group):
        own = list(sights)
        yield OpenWork(
            kind=own[0].work.name,
            status=own[0].progress.phase,
            count=len(own),
            oldest=min(sight.accepted_at for sight in own),
            still=min(sight.since for sight in own),
        )
