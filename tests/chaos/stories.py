"""What clients do, each in a thread of its own; a story tells the history what it was promised and what it got."""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from saddlepoint.schemas.evaluations import TERMINAL
from saddlepoint.schemas.reports import RobustnessReport, comparable
from tests.chaos.caller import Caller
from tests.chaos.history import History

ACCEPTED = frozenset({202})
_UPLOADED = frozenset({200, 201, 202})
Spec = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What a story may use. In a `calm` one nothing is canceled, so that every specification has its report."""

    caller: Caller
    history: History
    policies: Mapping[str, Path]
    calm: bool


@dataclass(frozen=True)
class Story:
    """`tell` is given the label and the specification."""

    label: str
    tell: Callable[[World, str, Spec], None]
    spec: Spec


def evaluate(world: World, label: str, spec: Spec) -> None:
    """Send a file with its specification, and read the report."""
    _finish(world, label, _path(evaluation_of(world, label, spec)))


def evaluate_twice(world: World, label: str, spec: Spec) -> None:
    """Two clients send the same at once, which is one evaluation; a key of one of them stands for nothing else."""
    with ThreadPoolExecutor(2) as clients:
        both = [clients.submit(evaluation_of, world, label, spec, key=f"{label}-{number}") for number in (1, 2)]
    other = {**spec, "seeds": [*spec["seeds"], 999]}
    _post(world, label, other, key=f"{label}-1", allowed=frozenset({409}))
    _finish(world, label, _path(both[0].result()))


def cancel(world: World, label: str, spec: Spec) -> None:
    """Cancel what is being played."""
    path = _path(evaluation_of(world, label, spec))
    while not world.calm and (state := world.caller.look(label, path, wait_s=1))["status"] not in TERMINAL:
        if state["status"] == "processing":
            world.caller.call(label, "POST", f"{path}/cancel", allowed=frozenset({200, 202, 409}))
    _finish(world, label, path)


def extend(world: World, label: str, spec: Spec) -> None:
    """Evaluate, and then more of the same."""
    path = _path(evaluation_of(world, f"{label} parent", spec))
    _finish(world, f"{label} parent", path)
    more = {"seeds": [seed + 50 for seed in spec["seeds"]]}
    answer = world.caller.call(label, "POST", f"{path}/extend", allowed=ACCEPTED, json=more)
    _finish(world, label, _path(_accepted(world, label, answer)))


def upload_first(world: World, label: str, spec: Spec) -> None:
    """Upload a policy, and evaluate it by its id."""
    wanted = {**spec, "policy_id": _upload(world, label, spec["env"])}
    answer = world.caller.call(label, "POST", "/v1/evaluations", allowed=ACCEPTED, json=wanted)
    _finish(world, label, _path(_accepted(world, label, answer)))


def upload_many(world: World, label: str, spec: Spec) -> None:
    """Upload a policy under many names, each of which is another one to the service."""
    for number in range(spec["names"]):
        _upload(world, f"{label} {number}", spec["env"])


def train(world: World, label: str, spec: Spec) -> None:
    """Train a policy."""
    answer = world.caller.call(
        label, "POST", "/v1/trainings", allowed=ACCEPTED, json=spec, headers={"Idempotency-Key": label}
    )
    world.caller.follow(label, f"/v1/trainings/{_accepted(world, label, answer, work='training')}")


def evaluation_of(world: World, label: str, spec: Spec, *, key: str | None = None) -> str:
    """Send a file with its specification; the id of its evaluation. Its idempotency key is the label unless given."""
    return _accepted(world, label, _post(world, label, spec, key=key or label, allowed=ACCEPTED))


def read_report(world: World, label: str, path: str) -> None:
    """Tell the history what is answered as the report now: its bytes, what must be equal of it, and its episodes."""
    answer = world.caller.call(label, "GET", f"{path}/report?format=json", allowed=frozenset({200, 409}))
    if answer.status_code != 200:
        world.history.add("no report", job=label)
        return
    report = RobustnessReport.model_validate_json(answer.content)
    world.history.add(
        "report",
        job=label,
        bytes=hashlib.sha256(answer.content).hexdigest(),
        content=digest(comparable(report)),
        repeated=sorted(cell.title for cell in report.cells if _repeats(report, cell.title)),
    )


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _repeats(report: RobustnessReport, title: str) -> bool:
    """Whether a cell has an episode twice, or one too few."""
    asked = report.spec["episodes_per_seed"] * len(report.spec["seeds"])
    return any(len(cell.returns) != asked or cell.episodes != asked for cell in report.cells if cell.title == title)


def _upload(world: World, label: str, env: str) -> str:
    """Send a file by the name of `label` until there is a verdict; the policy's id."""
    policy = world.policies[env]
    files = {"card": (None, json.dumps({"name": label})), "policy": (policy.name, policy.read_bytes())}
    answer = world.caller.call(label, "POST", "/v1/policies", allowed=_UPLOADED, files=files)
    while answer.status_code == 202:
        answer = world.caller.call(label, "POST", "/v1/policies", allowed=_UPLOADED, files=files)
    policy_id: str = answer.json()["id"]
    world.history.add("uploaded", job=label, id=policy_id)
    return policy_id


def _post(world: World, label: str, spec: Spec, *, key: str, allowed: frozenset[int]) -> httpx.Response:
    policy = world.policies[spec["env"]]
    files = {"spec": (None, json.dumps(spec)), "policy": (policy.name, policy.read_bytes())}
    headers = {"Idempotency-Key": key}
    return world.caller.call(label, "POST", "/evaluate", allowed=allowed, files=files, headers=headers)


def _accepted(world: World, label: str, answer: httpx.Response, *, work: str = "evaluation") -> str:
    job_id: str = answer.json()["id"]
    world.history.add("accepted", job=label, id=job_id, work=work)
    return job_id


def _path(evaluation_id: str) -> str:
    return f"/v1/evaluations/{evaluation_id}"


def _finish(world: World, label: str, path: str) -> None:
    world.caller.follow(label, path)
    read_report(world, label, path)
