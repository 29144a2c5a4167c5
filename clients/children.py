"""One supervised child process: started in a group of its own, dying with its parent, logging to a file.

On Linux the kernel kills a child when the thread that started it ends (PR_SET_PDEATHSIG), so not even SIGKILL of the
supervisor leaves one behind. Elsewhere an orderly stop is needed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 10 * 2**20


@dataclass(frozen=True)
class ChildSpec:
    """What to run. Children of a higher `stage` start later and stop earlier."""

    name: str
    argv: tuple[str, ...]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 5.0
    """Between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Backoff:
    """The pause before a child that died is started again: doubled every time, forgotten after a calm run."""

    first_s: float = 0.5
    longest_s: float = 30.0
    calm_s: float = 60.0

    def pause_s(self, deaths: int) -> float:
        pause_s: float = min(self.longest_s, self.first_s * 2 ** (deaths - 1))
        return pause_s


class Child:
    """A process that is kept alive. Not for use from more than one thread: its life hangs on the one it began in."""

    def __init__(
        self, spec: ChildSpec, log: Path, backoff: Backoff, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.spec = spec
        self.log = log
        self.deaths = 0
        """In a row, without a calm run between them."""
        self._backoff = backoff
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at = 0.0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.spec.argv,
                env={**os.environ, **self.spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._started_at = self._clock()

    def tend(self) -> int | None:
        """Notice a death, or start again when its pause is over. Returns the exit status of a death just noticed."""
        now = self._clock()
        if self._process is None:
            if now >= self._start_again_at:
                self.start()
            return None
        status = self._process.poll()
        if status is None:
            return None
        self._process = None
        self.deaths = 1 if now - self._started_at >= self._backoff.calm_s else self.deaths + 1
        self._start_again_at = now + self._backoff.pause_s(self.deaths)
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        if self.is_alive and self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and its group."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def tail(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs between fork and exec so that it does not outlive its parent; None where that is unknown."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return arm
