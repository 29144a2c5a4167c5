"""Waiting for something that a worker will put into the store."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")
_FIRST_S = 0.05
_LONGEST_S = 0.25


async def wait_for(look: Callable[[], T | None], wait_s: float) -> T | None:
    """What `look` finds, None if it is not there after `wait_s`. It may block, and is called ever less often."""
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_S
    while True:
        found = await run_in_threadpool(look)
        left_s = deadline - time.monotonic()
        if found is not None or left_s <= 0:
            return found
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.1, _LONGEST_S)
