"""The life of an evaluation or a training as server-sent events, resumable from any of them.

The id of an event says what its reader has heard by then, the finished cells as a bit mask and the state, so any
process can resume any stream without having kept anything. How they reach their readers is in `channels`.
"""

import re
from dataclasses import dataclass

from fastapi.sse import ServerSentEvent

from saddlepoint.schemas.evaluations import TERMINAL, Evaluation
from saddlepoint.schemas.reports import Cell
from saddlepoint.schemas.trainings import Training
from service.snapshots import Job
from service.wire import without_bulk

_EVENT_ID = re.compile(r"(?P<cells>[0-9a-f]{1,100})\.(?P<state>[a-z]{1,20}-[0-9]{1,20}-[0-9]{1,20})")


@dataclass(frozen=True)
class Heard:
    """What the reader of a stream knows; `cells` is a bit mask, `state` the progress it was told last."""

    cells: int = 0
    state: str = ""

    @classmethod
    def parse(cls, event_id: str | None, job: Evaluation | Training) -> "Heard | None":
        """What the reader of that event knew; None where there is no id, or none of ours."""
        match = _EVENT_ID.fullmatch(event_id or "")
        if match is None:
            return None
        heard = cls(int(match["cells"], 16), match["state"])
        possible = (1 << 2 * len(job.spec.cells())) if isinstance(job, Evaluation) else 1
        return heard if heard.cells < possible else None

    def __str__(self) -> str:
        return f"{self.cells:x}.{self.state}"


def tell(job: Job, heard: Heard | None) -> tuple[list[ServerSentEvent], Heard]:
    """What is new to somebody who has heard that much, and what has been heard then.

    Somebody who has heard nothing, or something unknown, gets all in one `progress`. Later ones leave out cells, which
    can be megabytes, and of a curve what was told; `cell` events bring what finished meanwhile, and the `terminal` is
    complete.
    """
    events: list[ServerSentEvent] = []
    state = _state(job)
    if heard is None:
        heard = Heard(_mask(job), state)
        events.append(_event("progress", job, heard))
    for bit, cell in _cells(job):
        if not heard.cells & bit:
            heard = Heard(heard.cells | bit, heard.state)
            events.append(_event("cell", cell, heard))
    if job.status in TERMINAL:
        heard = Heard(heard.cells, state)
        events.append(_event("terminal", job, heard))
    elif heard.state != state:
        told, heard = heard, Heard(heard.cells, state)
        events.append(_event("progress", _news(job, told), heard))
    return events, heard


def _news(job: Job, told: Heard) -> Evaluation | Training:
    """The job with the points of its curve that are new, and at least the last one."""
    if not isinstance(job, Training):
        return without_bulk(job)
    curve = job.progress.curve
    known = min(int(told.state.rpartition("-")[2]), len(curve) - 1) if curve else 0
    return job.model_copy(update={"progress": job.progress.model_copy(update={"curve": curve[known:]})})


def _event(name: str, value: Evaluation | Training | Cell, heard: Heard) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=value.model_dump_json(), id=str(heard))


def _state(job: Evaluation | Training) -> str:
    if isinstance(job, Evaluation):
        return f"{job.status}-{job.progress.episodes_done}-{job.progress.environment_steps}"
    return f"{job.status}-{job.progress.steps_done}-{len(job.progress.curve)}"


def _mask(job: Evaluation | Training) -> int:
    return sum(bit for bit, _ in _cells(job))


def _cells(job: Evaluation | Training) -> list[tuple[int, Cell]]:
    """The finished cells, each with its bit: two for each cell of the specification, as asked for and greedy."""
    if isinstance(job, Training):
        return []
    numbers = {(cell.name, cell.attack.epsilon): index for index, cell in enumerate(job.spec.cells())}
    asked = job.spec.action_mode or "sample"
    known = ((numbers.get((cell.label, cell.epsilon)), cell.action_mode != asked, cell) for cell in job.cells)
    return [(1 << 2 * number + differs, cell) for number, differs, cell in known if number is not None]
