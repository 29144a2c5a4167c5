"""How far an evaluation or a training has come, as hints: losing them loses nothing but the display."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import redis

from saddlepoint.queue.connecting import translated

Phase = Literal["queued", "starting", "processing"]
_KEEP_S = 24 * 3600
"""A hint outlives its last change by a day, which bounds Redis."""


@dataclass(frozen=True)
class LiveProgress:
    """What the workers said last. Steps are agent steps."""

    phase: Phase = "queued"
    episodes_done: int = 0
    environment_steps: int = 0


class ProgressHints:
    """The hints of all jobs, by the id of the evaluation or training."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection

    def set_phase(self, subject: str, phase: Phase) -> None:
        """`starting` does not take back a `processing` of another worker."""
        key = _state_key(subject)
        with translated(), self._connection.pipeline() as pipeline:
            if phase == "starting":
                pipeline.hsetnx(key, "phase", phase)
            else:
                pipeline.hset(key, "phase", phase)
            pipeline.expire(key, _KEEP_S)
            pipeline.execute()

    def record_episodes(self, subject: str, episodes: Iterable[tuple[int, int, int]]) -> None:
        """These episodes (cell, seed, number) are finished; saying so twice is harmless."""
        names = ["/".join(map(str, episode)) for episode in episodes]
        if not names:
            return
        key = _episodes_key(subject)
        with translated(), self._connection.pipeline() as pipeline:
            pipeline.sadd(key, *names)
            pipeline.expire(key, _KEEP_S)
            pipeline.execute()

    def record_steps(self, subject: str, shard: int, steps: int) -> None:
        """A shard (or a training, as shard 0) has taken this many steps."""
        key = _state_key(subject)
        with translated(), self._connection.pipeline() as pipeline:
            pipeline.hset(key, f"steps:{shard}", str(steps))
            pipeline.expire(key, _KEEP_S)
            pipeline.execute()

    def progress(self, subject: str) -> LiveProgress:
        """What is known now; nothing is `queued`."""
        return self.progress_of([subject])[0]

    def progress_of(self, subjects: Sequence[str]) -> list[LiveProgress]:
        """The same of each of them, in one round trip."""
        with translated(), self._connection.pipeline() as pipeline:
            for subject in subjects:
                pipeline.hgetall(_state_key(subject))
                pipeline.scard(_episodes_key(subject))
            found = pipeline.execute()
        return [_progress(*each) for each in zip(found[::2], found[1::2], strict=True)]

    def forget(self, subject: str) -> None:
        """Drop the hints of what has ended."""
        with translated():
            self._connection.delete(_state_key(subject), _episodes_key(subject))


def _progress(state: Mapping[bytes, bytes], episodes_done: int) -> LiveProgress:
    return LiveProgress(
        phase=_phase(state.get(b"phase")),
        episodes_done=episodes_done,
        environment_steps=sum(int(value) for field, value in state.items() if field.startswith(b"steps:")),
    )


def _phase(value: bytes | None) -> Phase:
    phases: dict[bytes | None, Phase] = {b"starting": "starting", b"processing": "processing"}
    return phases.get(value, "queued")


def _state_key(subject: str) -> str:
    return f"saddlepoint:state:{subject}"


def _episodes_key(subject: str) -> str:
    return f"saddlepoint:episodes:{subject}"
