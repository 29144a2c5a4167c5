"""The whole intake of uploads: the service, its store, and a validator that reads each file in its confined child."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx

from saddlepoint.queue import VALIDATE, Task
from tests.service.bench import Bench, make_bench
from worker.context import Context
from worker.tasks import import_upload
from worker.validation import validate


@dataclass(frozen=True)
class Intake:
    """A service without a network between it and its validator."""

    bench: Bench

    def upload(self, data: bytes) -> httpx.Response:
        """POST /v1/policies, answered when the verdict is there."""
        return asyncio.run(self._upload(data))

    async def _upload(self, data: bytes) -> httpx.Response:
        answer = await self.bench.upload(data)
        assert isinstance(answer, httpx.Response)
        return answer


def make_intake(folder: Path) -> Intake:
    """An intake with its data in `folder`."""
    bench = make_bench(folder, verdict_wait_s=60, submit_rate="9999999/minute")
    context = Context(bench.store, bench.queue, bench.context.settings)

    def run(task: Task, arguments: tuple[str, ...]) -> None:
        assert task == VALIDATE
        validate(context, import_upload, arguments[0])

    bench.queue.run = run
    return Intake(bench)
