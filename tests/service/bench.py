"""A service over a folder, with workers that answer at once, driven without a network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from saddlepoint.access import create_key
from saddlepoint.endings import end
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import SCOPES, Scope
from saddlepoint.schemas.reports import Cell
from saddlepoint.settings import Settings
from saddlepoint.store import Store, put_record
from saddlepoint.store.local import LocalStore
from saddlepoint.work import EVALUATION
from service.app import create_app
from service.bodies import BodyLimits
from service.context import Context
from service.spool import spool_folder, sweep
from tests.service.doubles import MemoryQueue, Workers

BOXING = {"env": "BoxingNoFrameskip-v4", "tier": "smoke"}


@dataclass
class Bench:
    """The parts of a service under test; `api` talks to it."""

    folder: Path
    app: FastAPI
    store: Store
    queue: MemoryQueue
    workers: Workers
    api: httpx.AsyncClient

    @property
    def context(self) -> Context:
        context = self.app.state.context
        assert isinstance(context, Context)
        return context

    async def evaluate(self, data: bytes = b"a policy", headers: dict[str, str] | None = None, **spec: Any) -> Any:
        """POST /evaluate."""
        form: dict[str, Any] = {"spec": (None, json.dumps({**BOXING, **spec})), "policy": ("p.onnx", data)}
        return await self.api.post("/evaluate", files=form, headers=headers)

    async def upload(self, data: bytes = b"a policy", headers: dict[str, str] | None = None) -> Any:
        """POST /v1/policies."""
        return await self.api.post("/v1/policies", files={"policy": ("p.onnx", data)}, headers=headers)

    def finish(self, evaluation_id: str, *cells: Cell) -> None:
        """What the workers do at the end of an evaluation."""
        for index, cell in enumerate(cells):
            put_record(self.store, keys.evaluation_cell(evaluation_id, index), cell)
        self.store.put(keys.evaluation_report(evaluation_id, "json"), b'{"id": "it"}')
        self.store.put(keys.evaluation_report(evaluation_id, "html"), b"<!doctype html>")
        end(self.store, self.queue, EVALUATION, evaluation_id, "succeeded")

    def key(self, tenant: str, *scopes: Scope) -> dict[str, str]:
        """The header of a new key in the store, which the service has heard of."""
        key, _ = create_key(self.store, tenant, scopes or SCOPES)
        self.context.ring.read()
        return {"Authorization": f"Bearer {key}"}

    def stored(self) -> list[str]:
        """Everything that lies in the store."""
        return list(self.store.list(""))

    def spooled(self) -> list[str]:
        """Everything that lies in the spool."""
        return [path.name for path in self.context.spool.iterdir()]


def make_bench(folder: Path, *, limits: BodyLimits | None = None, **settings: Any) -> Bench:
    """A service in `folder`. Answers of 500 are answers: exceptions do not reach the test."""
    usual = {"store_url": str(folder / "store"), "redis_url": f"unix://{folder}/nobody", "precision": "fp32"}
    chosen = Settings(**{**usual, "verdict_wait_s": 0.2, **settings})
    store = LocalStore(folder / "store")
    workers = Workers(store)
    queue = MemoryQueue(workers.run)
    app = create_app(chosen, store, queue, limits=limits)
    sweep(spool_folder(chosen))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    api = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    return Bench(folder, app, store, queue, workers, api)


def cell(label: str, epsilon: float = 4.0, mean: float = 1.0) -> Cell:
    """A finished cell of two episodes."""
    return Cell(
        attack=label,
        label=label,
        epsilon=epsilon,
        steps=7,
        step_size=2.0,
        action_mode="sample",
        episodes=2,
        seeds=[0, 1],
        returns=[mean, mean],
        lengths=[10, 10],
        mean=mean,
        std=0.0,
        ci95=None,
        ci95_method="none",
        median=mean,
        iqm=mean,
        cvar10=mean,
        worst_seed=0,
        worst_seed_mean=mean,
        distinct_trajectories=1,
    )
