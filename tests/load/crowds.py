"""Many clients at once: large uploads, and clients that are slow."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.load.connections import ask, request
from tests.load.figures import Figure
from tests.load.setting import Setting

MIB = 2**20
UPLOADS, UPLOAD_BYTES = 32, 50 * MIB
SLOW, SLOW_S, PAUSE_S = 200, 15.0, 0.5
PIECE = 2**18
_HEAD = b'--X\r\nContent-Disposition: form-data; name="policy"; filename="p"\r\n\r\n'
_TAIL = b"\r\n--X--\r\n"
_FORM = "multipart/form-data; boundary=X"


def upload_figures(setting: Setting) -> list[Figure]:
    """Files of no kind at all, all different, so that each is stored, hashed, judged and refused."""
    began = time.monotonic()
    with _watched(setting.service) as peak:
        statuses = asyncio.run(_upload_all(setting))
    answered = sum(status in (202, 415) for status in statuses)
    return [
        Figure(f"memory for {UPLOADS} uploads of 50 MB at once", peak.grown / 1e6, "MB", most=100),
        Figure("  uploads that were not answered", UPLOADS - answered, "", most=0),
        Figure("  all of them took", time.monotonic() - began, "s"),
    ]


def slow_figures(setting: Setting) -> list[Figure]:
    """A client as any other, while bodies of many trickle in and many do not read what they asked for."""
    answers = asyncio.run(_among_slow_ones(setting))
    return [
        Figure(f"the slowest poll beside {SLOW} slow clients", max(answers) * 1000, "ms", most=500),
        Figure("  polls beside them", len(answers) / SLOW_S, "/s"),
    ]


async def _upload_all(setting: Setting) -> list[int]:
    return await asyncio.gather(*(_upload(setting, number) for number in range(UPLOADS)))


async def _upload(setting: Setting, number: int) -> int:
    """The status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", setting.port)
    length = len(_HEAD) + UPLOAD_BYTES + len(_TAIL)
    writer.write(_posting(setting, length) + _HEAD + number.to_bytes(8, "big"))
    for start in range(8, UPLOAD_BYTES, PIECE):
        writer.write(bytes(min(PIECE, UPLOAD_BYTES - start)))
        await writer.drain()
    writer.write(_TAIL)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def _among_slow_ones(setting: Setting) -> list[float]:
    slow = [asyncio.create_task(_dawdle(setting, number)) for number in range(SLOW)]
    await asyncio.sleep(1.0)
    poll = request("GET", f"/v1/evaluations/{setting.running_id}", setting.key)
    answers = await ask(setting.port, [poll], connections=1, seconds=SLOW_S)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert answers.failures == 0
    return answers.seconds


async def _dawdle(setting: Setting, number: int) -> None:
    """Half of them send a byte at a time, and again when they are refused for it; others read nothing of a stream."""
    while True:
        await _dawdle_once(setting, number)


async def _dawdle_once(setting: Setting, number: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", setting.port)
    if number % 2:
        writer.write(request("GET", f"/v1/evaluations/{setting.running_id}/events", setting.key))
    else:
        writer.write(_posting(setting, UPLOAD_BYTES) + _HEAD)
    try:
        while not writer.is_closing():
            await asyncio.sleep(PAUSE_S)
            if not number % 2:
                writer.write(b"x")
    finally:
        writer.close()


def _posting(setting: Setting, length: int) -> bytes:
    head = request("POST", "/v1/policies", setting.key, kind=_FORM)
    return head.replace(b"Content-Length: 0", f"Content-Length: {length}".encode())


class Peak:
    """The most memory that a process had, beyond what it had at first."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._first, self._most = process, _resident(process), 0

    @property
    def grown(self) -> int:
        return max(0, self._most - self._first)

    def look(self) -> None:
        self._most = max(self._most, _resident(self._process))


@contextmanager
def _watched(process: psutil.Process) -> Iterator[Peak]:
    peak, stop = Peak(process), threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            peak.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _resident(process: psutil.Process) -> int:
    return int(process.memory_info().rss)
