"""Remembering that an attempt hung: it cannot say so itself, because the watchdog ends it in the middle of native code.

The worker, which outlives it, does so in a process of its own: a store's client may have threads, and those would not
survive the worker's next fork.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence

from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import PlanSummary
from saddlepoint.settings import Settings
from saddlepoint.store import Store, get_record, open_store
from worker.watchdog import EXIT_STATUS

_PATIENCE_S = 20.0
"""Less than the worker's heartbeat lasts."""

_log = logging.getLogger(__name__)


def note_death(arguments: Sequence[str], status: int) -> None:
    """Mark the newest attempt of a job of the queue `evaluate` whose process ended with `status`, if it hung."""
    if os.waitstatus_to_exitcode(status) != EXIT_STATUS:
        return
    try:
        subprocess.run([sys.executable, "-m", "worker.hangs", *arguments], timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        _log.warning("the hang of %s could not be noted; it counts as a death", " ".join(arguments))


def mark_hung(store: Store, job_id: str, part: str | None = None) -> None:
    """Mark the newest attempt at a shard or a chunk, or at the end of an evaluation."""
    index = _end_of(store, job_id) if part is None else int(part)
    for key in list(store.list(keys.evaluation_attempts(job_id, index)))[-1:]:
        store.put(keys.evaluation_hang(job_id, index, keys.attempt_number(key)), b"")


def _end_of(store: Store, evaluation_id: str) -> int:
    """The report counts as one more shard, and the examination that comes before it as another one."""
    shards = get_record(store, keys.evaluation_plan_summary(evaluation_id), PlanSummary).shards
    return shards if store.exists(keys.evaluation_examination(evaluation_id)) else shards + 1


def main(arguments: list[str]) -> int:
    """The process; its exit status."""
    try:
        mark_hung(open_store(Settings.from_environment().store_url), *arguments[-2:])  # a chunk's kind comes first
    except SaddlepointError as error:
        _log.error("%s", error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
