"""What the doctor asks a service: whether it answers and is ready, who works, and whether something is stuck."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from saddlepoint.schemas.checkups import Finding, judged

QUEUES = ("validate", "evaluate", "train")
_SAMPLE = re.compile(r'^saddlepoint_(?P<name>\w+)\{queue="(?P<queue>\w+)"[^}]*\} (?P<value>\S+)$', re.MULTILINE)
_WAITS_S = 600
_LONGEST_S: Mapping[str, float] = {"validate": 60, "evaluate": 3600}
"""No job of theirs should run longer; a training may run for days."""


def look_at_service(http: httpx.Client, *, expected: bool) -> Iterator[Finding]:
    """Findings, those of the queues where its metrics may be read. `expected`: somebody said that it runs."""
    where = str(http.base_url)
    try:
        ready = http.get("/readyz")
        metrics = http.get("/metrics")
    except httpx.HTTPError as error:
        yield judged(
            "service",
            f"nothing answers at {where} ({type(error).__name__})",
            fails=expected,
            warns=True,
            remedy="Start it (`saddlepoint up`), or say where it is with --url.",
        )
        return
    yield judged(
        "service",
        f"ready at {where}" if ready.is_success else f"not ready at {where}: {_detail(ready)}",
        fails=not ready.is_success,
        remedy="See to what it lacks; until then it takes nothing in.",
    )
    if not metrics.is_success:
        yield Finding(
            check="queues",
            verdict="warn",
            found=f"/metrics answers {metrics.status_code}",
            remedy="Give a key with the scope admin: --api-key or SADDLEPOINT_API_KEY.",
        )
    elif ready.is_success:
        yield from queue_findings(metrics.text)


def queue_findings(text: str) -> Iterator[Finding]:
    """A finding a queue, of the metrics as the service writes them."""
    found: dict[str, dict[str, float]] = {name: defaultdict(float) for name in QUEUES}
    for sample in _SAMPLE.finditer(text):
        if sample["queue"] in found:
            found[sample["queue"]][sample["name"]] += float(sample["value"])
    for name, values in found.items():
        yield _queue(name, values)


def _queue(name: str, values: Mapping[str, float]) -> Finding:
    workers, waiting = int(values["workers"]), int(values["queue_waiting"])
    oldest_s, longest_s = values["queue_oldest_seconds"], values["job_longest_seconds"]
    if not workers:
        remedy = f"Start a worker of the queue {name}; what waits is safe."
    elif longest_s > _LONGEST_S.get(name, float("inf")):
        remedy = "A job runs for longer than any should: see the log of its worker; killing that loses only time."
    else:
        remedy = "Start more workers, or wait."
    return judged(
        f"queue {name}",
        f"workers: {workers}; waiting: {waiting}, the oldest for {oldest_s:.0f} s; "
        f"the longest runs for {longest_s:.0f} s",
        fails=not workers and waiting > 0,
        warns=not workers or oldest_s > _WAITS_S or longest_s > _LONGEST_S.get(name, float("inf")),
        remedy=remedy,
    )


def _detail(response: httpx.Response) -> str:
    """Of a problem, in its own words; else its status."""
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    return str(body.get("detail", response.status_code)) if isinstance(body, dict) else str(response.status_code)
