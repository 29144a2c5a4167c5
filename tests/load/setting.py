"""A stack to be loaded: 10,000 evaluations stored and one running, which nobody plays while the service is measured."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil

from saddlepoint.access import create_key
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import SCOPES
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, Progress, TerminalRecord
from saddlepoint.store import Store, put_record
from saddlepoint.store.local import LocalStore
from tests.chaos.stack import Plan, Stack, running
from tests.stack.policies import balancing_cartpole

STORED = 10_000
TENANT = "load"
SPEC = {"env": "CartPole-v1", "epsilon": 0.3, "attacks": ["none", "ce"], "episodes_per_seed": 1}
_LIMITS = {"SADDLEPOINT_READ_RATE": "99999999/minute", "SADDLEPOINT_SUBMIT_RATE": "99999999/minute"}
"""Of a key; what is measured is what the service can do."""
_TICK_S = 0.1


@dataclass(frozen=True)
class Setting:
    """A stack, a key for it, a policy and a running evaluation that it has, and ids of evaluations that have ended."""

    stack: Stack
    key: str
    policy_id: str
    running_id: str
    ended_ids: list[str]

    @property
    def port(self) -> int:
        port = urlsplit(self.stack.url).port
        assert port is not None
        return port

    @property
    def service(self) -> psutil.Process:
        (process,) = self.stack.processes("service")
        return process

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def furnished_stack(folder: Path, *, workers: int, stored: int = STORED) -> Iterator[Setting]:
    """A stack in `folder`, which must be empty."""
    plan = Plan(workers=workers, instead={}, through=(), reconcile_interval_s=10.0)
    store = LocalStore(folder / "store")
    key, _ = create_key(store, TENANT, SCOPES)
    ended_ids = _store_ended(store, stored)
    with patch.dict(os.environ, _LIMITS), running(folder, plan, lambda text: None) as stack:
        policy = balancing_cartpole(folder / "cartpole.onnx").read_bytes()
        with httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
            policy_id = http.post("/v1/policies", files={"policy": policy}).raise_for_status().json()["id"]
            spec = {**SPEC, "policy_id": policy_id, "seeds": 50}
            running_id = http.post("/v1/evaluations", json=spec).raise_for_status().json()["id"]
        with _progressing(stack.redis_url, running_id):
            yield Setting(stack, key, policy_id, running_id, ended_ids)


def _store_ended(store: Store, count: int) -> list[str]:
    """Evaluations that have succeeded, a minute apart."""
    spec, ids = EvaluationSpec.model_validate(SPEC), [uuid4().hex for _ in range(count)]
    # Nothing of this must outlive the machine: to wait for the disk forty thousand times would take minutes.
    with patch("os.fsync"):
        for index, name in enumerate(ids):
            at = datetime.now(UTC) - timedelta(minutes=index + 1)
            record = EvaluationRecord(id=name, owner=TENANT, policy_id="policy", spec=spec, created_at=at)
            put_record(store, keys.evaluation_spec(name), record)
            progress = Progress(episodes_done=20, episodes_planned=20, environment_steps=4000)
            end = TerminalRecord(status="succeeded", finished_at=at, progress=progress)
            put_record(store, keys.evaluation_terminal(name), end)
            store.put(keys.evaluation_index(TENANT, at, name), b"")
    return ids


@contextmanager
def _progressing(redis_url: str, evaluation_id: str) -> Iterator[None]:
    """Say what evaluators would: without them, the evaluation goes on as long as it is looked at."""
    queue, stop = JobQueue.open(redis_url), threading.Event()

    def tell() -> None:
        queue.set_phase(evaluation_id, "processing")
        steps = 0
        while not stop.wait(_TICK_S):
            steps += 64
            queue.record_steps(evaluation_id, 0, steps)

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
