"""Jobs that many follow at once: looked at once for all of them, and what is new is put into words once.

A reader costs nothing while nothing changes, and little when something does.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Generic

from fastapi.sse import ServerSentEvent

from saddlepoint.errors import SaddlepointError
from saddlepoint.hiccups import is_passing
from service.events import Heard, tell
from service.snapshots import STEP_S, Job, Snapshot, Snapshots

AWAY_S = 2.0
"""Between two tries while the store or Redis is away."""

News = tuple[list[ServerSentEvent], Heard]


class Channels(Generic[Job]):
    """A channel for each job that somebody follows."""

    def __init__(self, jobs: Snapshots[Job]) -> None:
        self._jobs: Snapshots[Job] = jobs
        self._open: dict[str, Channel[Job]] = {}

    async def follow(self, owner: str, job_id: str, last_event_id: str | None) -> AsyncGenerator[ServerSentEvent]:
        """The events from `last_event_id` on, to the end. Raises NotFound also for what belongs to somebody else."""
        await self._jobs.get(owner, job_id)
        channel = self._open.setdefault(job_id, Channel(partial(self._jobs.get, owner, job_id)))
        try:
            async with aclosing(channel.follow(last_event_id)) as events:
                async for event in events:
                    yield event
        finally:
            if not channel.readers:
                self._open.pop(job_id, None)


class Channel(Generic[Job]):
    """One job, which `get` looks at, and those who follow it."""

    def __init__(self, get: Callable[[], Awaitable[Snapshot[Job]]]) -> None:
        self._get: Callable[[], Awaitable[Snapshot[Job]]] = get
        self._latest: Snapshot[Job] | None = None
        self._look: asyncio.Task[None] | None = None
        self._told: tuple[str, dict[Heard | None, News]] = ("", {})
        self.readers = 0

    async def follow(self, last_event_id: str | None) -> AsyncGenerator[ServerSentEvent]:
        """The events from `last_event_id` on, to the end. A store or a Redis that is away is waited for."""
        snapshot = await self._get()
        heard = Heard.parse(last_event_id, snapshot.job)
        self.readers += 1
        try:
            while True:
                events, heard = self._tell(snapshot, heard)
                for event in events:
                    yield event
                if snapshot.is_terminal:
                    return
                snapshot = await self._newer(snapshot)
        finally:
            self.readers -= 1

    def _tell(self, snapshot: Snapshot[Job], heard: Heard | None) -> News:
        """What is new to all who have heard that much."""
        etag, told = self._told
        if etag != snapshot.etag:
            told = {}
            self._told = (snapshot.etag, told)
        if heard not in told:
            told[heard] = tell(snapshot.job, heard)
        return told[heard]

    async def _newer(self, known: Snapshot[Job]) -> Snapshot[Job]:
        """The job once it differs from what is known; at once for one who was slow and missed something."""
        while True:
            latest = self._latest
            if latest is not None and latest.taken_at > known.taken_at and latest.etag != known.etag:
                return latest
            if self._look is None:
                self._look = asyncio.create_task(self._look_on(known.etag))
                self._look.add_done_callback(_note_error)
            await asyncio.shield(self._look)

    async def _look_on(self, etag: str) -> None:
        """Find the latest. The look is over before its task is: nobody may wait for one that has ended."""
        try:
            self._latest = await self._next(etag)
        finally:
            self._look = None

    async def _next(self, etag: str) -> Snapshot[Job]:
        """The job once it has another tag, or as it is when the last reader has left."""
        while True:
            await asyncio.sleep(STEP_S)
            try:
                snapshot = await self._get()
            except SaddlepointError as error:
                if not is_passing(error):
                    raise
                await asyncio.sleep(AWAY_S)
                continue
            if snapshot.etag != etag or not self.readers:
                return snapshot


def _note_error(look: asyncio.Task[None]) -> None:
    """Each reader has it raised; without readers nobody wants to know."""
    if not look.cancelled():
        look.exception()
