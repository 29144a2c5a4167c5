"""States that are read once for many, and ends that are kept."""

import asyncio
from datetime import UTC, datetime

import pytest

from saddlepoint.errors import NotFound, Unavailable
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import Evaluation, EvaluationSpec, Status
from service import snapshots
from service.snapshots import Snapshots

pytestmark = pytest.mark.anyio
SPEC = EvaluationSpec(env=EnvironmentSpec(id="BoxingNoFrameskip-v4"))


class Source:
    """Evaluations of alice in any state, and a clock that stands still."""

    def __init__(self) -> None:
        self.status: Status = "processing"
        self.reads = 0
        self.now = 0.0
        self.error: Exception | None = None
        self.snapshots = Snapshots(self.load, clock=lambda: self.now)

    def load(self, job_id: str) -> tuple[str, Evaluation]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        created = datetime(2026, 1, 2, tzinfo=UTC)
        return "alice", Evaluation(id=job_id, status=self.status, policy_id="p", spec=SPEC, created_at=created)


async def test_a_running_job_is_read_again_when_it_is_stale() -> None:
    source = Source()
    for now, reads in ((0.0, 1), (0.2, 1), (0.3, 2), (0.5, 2), (0.6, 3)):
        source.now = now
        await source.snapshots.get("alice", "e")
        assert source.reads == reads


async def test_an_end_is_read_once() -> None:
    source = Source()
    source.status = "succeeded"
    for now in (0.0, 100.0):
        source.now = now
        assert (await source.snapshots.get("alice", "e")).is_terminal
    assert source.reads == 1


async def test_many_at_once_are_one_read() -> None:
    source = Source()
    found = await asyncio.gather(*(source.snapshots.get("alice", "e") for _ in range(100)))
    assert (source.reads, len({id(snapshot) for snapshot in found})) == (1, 1)


async def test_what_was_forgotten_is_read_again() -> None:
    source = Source()
    await source.snapshots.get("alice", "e")
    source.snapshots.forget("e")
    source.snapshots.forget("never seen")
    await source.snapshots.get("alice", "e")
    assert source.reads == 2


async def test_somebody_elses_is_not_found() -> None:
    with pytest.raises(NotFound):
        await Source().snapshots.get("bob", "e")


async def test_an_error_is_not_kept() -> None:
    source = Source()
    source.error = Unavailable("away")
    errors = await asyncio.gather(*(source.snapshots.get("alice", "e") for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in errors] == [Unavailable] * 3
    source.error = None
    assert (await source.snapshots.get("alice", "e")).job.status == "processing"


async def test_one_who_gives_up_does_not_spoil_it_for_others() -> None:
    source = Source()
    first = asyncio.create_task(source.snapshots.get("alice", "e"))
    second = asyncio.create_task(source.snapshots.get("alice", "e"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).job.id == "e"


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.status = "succeeded"
    size = (await source.snapshots.get("alice", "e0")).cost
    monkeypatch.setattr(snapshots, "CACHED_BYTES", 3 * size)
    for number in range(10):
        await source.snapshots.get("alice", f"e{number}")
    reads = source.reads
    for number in (9, 8, 7):
        await source.snapshots.get("alice", f"e{number}")
    assert source.reads == reads
    await source.snapshots.get("alice", "e0")
    assert source.reads == reads + 1
