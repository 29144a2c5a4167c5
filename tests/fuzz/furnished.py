"""A service on a socket that has something of everything, so that requests reach what lies behind an id."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from saddlepoint.schemas import keys
from saddlepoint.store import put_record
from tests.evaluation.sample_report import sample_report
from tests.service.bench import BOXING, make_bench
from tests.service.live import serving
from tests.service.test_attacks import npy

ATTACK = '{"kind": "ce", "epsilon": 4}'


@dataclass(frozen=True)
class Furnished:
    """Where the service is, and the ids it knows, by the name of the parameter that takes them."""

    url: str
    ids: Mapping[str, list[str]]


@contextmanager
def furnished(folder: Path) -> Iterator[Furnished]:
    """A service with workers in memory. Evaluations: two that have succeeded, one canceled, none that goes on for ever.

    Its limits of rates are far beyond what a client of this machine can send.
    """
    bench = make_bench(folder, read_rate="9999999/minute", submit_rate="9999999/minute", verdict_wait_s=0.05)

    async def fill() -> dict[str, list[str]]:
        async with bench.api:
            done, other = [_job(await bench.evaluate(data)) for data in (b"one", b"two")]
            for job in (done, other):
                put_record(bench.store, keys.evaluation_report(job["id"], "json"), sample_report())
                bench.finish(job["id"])
            canceled = _job(await bench.evaluate(seeds=[7]))
            await bench.api.post(f"/v1/evaluations/{canceled['id']}/cancel")
            policy = done["policy_id"]
            training = await _made(bench.api, "/v1/trainings", {"env": BOXING["env"], "config": {"steps": 100_000}})
            landscape = {"policy_ids": [policy], "env": BOXING["env"], "states": 100}
            observations = {"policy_id": (None, policy), "spec": (None, ATTACK), "observations": ("x.npy", npy())}
            compared = {"baseline": [done["id"]], "candidate": [other["id"]]}
            attack = _job(await bench.api.post("/v1/attacks", files=observations, headers={"Prefer": "wait=0"}))
            return {
                "attack_id": [attack["id"]],
                "evaluation_id": [done["id"], other["id"], canceled["id"]],
                "policy_id": [policy, other["policy_id"]],
                "training_id": [training],
                "landscape_id": [await _made(bench.api, "/v1/landscapes", landscape)],
                "comparison_id": [await _made(bench.api, "/v1/comparisons", compared)],
            }

    ids = asyncio.run(fill())
    with serving(bench.app) as url:
        yield Furnished(url, ids)


async def _made(api: httpx.AsyncClient, path: str, body: Any) -> str:
    return str(_job(await api.post(path, json=body))["id"])


def _job(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
