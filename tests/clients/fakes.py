"""A service that answers from a script, and values for it to answer with."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from clients import AsyncAttackClient, AttackClient
from clients.retries import RetryPolicy
from clients.watched import Evaluation
from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec, Progress, Status
from saddlepoint.schemas.policies import InputDescription, OutputDescription, PolicyCard
from saddlepoint.schemas.problems import Problem, problem_of
from saddlepoint.schemas.reports import Cell, RandomPolicyReference, Reference, RobustnessReport

URL = "http://service.test"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVALUATION = "e" * 32
POLICY = "a" * 32
IMPATIENT = RetryPolicy(attempts=3, first_s=0.0)

Answer = httpx.Response | Exception
Operation = Callable[[Any], Any]


class Service:
    """Answers the requests it gets with `answers`, one after the other, and remembers the requests with bodies."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._answer(request)

    async def answer_later(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


Use = Callable[..., Service]
"""Has the commands talk to a service that gives these answers."""


def call(service: Service, operation: Operation, *, retries: RetryPolicy = IMPATIENT) -> Any:
    """What `operation` returns from the synchronous client."""
    with AttackClient(URL, retries=retries, transport=httpx.MockTransport(service)) as client:
        return operation(client)


def call_async(service: Service, operation: Operation, *, retries: RetryPolicy = IMPATIENT) -> Any:
    """What `operation` returns from the asynchronous client."""

    async def run() -> Any:
        transport = httpx.MockTransport(service.answer_later)
        async with AsyncAttackClient(URL, retries=retries, transport=transport) as client:
            return await operation(client)

    return asyncio.run(run())


def answer(value: Any, status: int = 200, **headers: str) -> httpx.Response:
    """A JSON answer of a model or of plain data."""
    content = value if isinstance(value, dict | list) else value.model_dump(mode="json")
    return httpx.Response(status, json=content, headers=headers)


def refusal(error: SaddlepointError, **headers: str) -> httpx.Response:
    """The answer that tells of `error`."""
    problem = problem_of(error).model_dump_json()
    return httpx.Response(
        error.status, content=problem, headers={"content-type": "application/problem+json", **headers}
    )


def stream(*lines: str) -> httpx.Response:
    """An event stream that ends after `lines`."""
    return httpx.Response(200, text="\n".join(lines) + "\n", headers={"content-type": "text/event-stream"})


def event(name: str, job: Evaluation, event_id: str = "") -> Iterator[str]:
    """The lines of one event."""
    yield f"event: {name}"
    yield f"data: {job.model_dump_json()}"
    yield f"id: {event_id}"
    yield ""


def evaluation(status: Status = "queued", done: int = 0, error: Problem | None = None, planned: int = 10) -> Evaluation:
    return Evaluation(
        id=EVALUATION,
        status=status,
        policy_id=POLICY,
        spec=EvaluationSpec(env=EnvironmentSpec(id="BoxingNoFrameskip-v4")),
        created_at=NOW,
        progress=Progress(episodes_done=done, episodes_planned=planned, environment_steps=100 * done),
        error=error,
    )


def card() -> PolicyCard:
    return PolicyCard(
        id=POLICY,
        created_at=NOW,
        format="onnx",
        architecture="mlp",
        head="logits",
        observation=InputDescription(shape=(4,)),
        outputs=[OutputDescription(name="logits", shape=(2,))],
        actions=2,
        parameters=10,
        sha256="0" * 64,
        canonical_sha256="1" * 64,
        size=123,
        max_disagreement=0.0,
    )


def cell(label: str, *, epsilon: float = 0.0, mean: float = 1.0, normalized: float | None = None) -> Cell:
    return Cell(
        attack=label,
        label=label,
        epsilon=epsilon,
        steps=0,
        step_size=0.0,
        action_mode="sample",
        episodes=2,
        seeds=[0, 1],
        returns=[mean - 1, mean + 1],
        lengths=[5, 5],
        mean=mean,
        std=2**0.5,
        ci95=(mean - 1, mean + 1),
        ci95_method="percentile",
        median=mean,
        iqm=mean,
        cvar10=mean - 1,
        worst_seed=0,
        worst_seed_mean=mean - 1,
        normalized=normalized,
        distinct_trajectories=2,
    )


def report() -> RobustnessReport:
    return RobustnessReport(
        id=EVALUATION,
        created_at=NOW,
        policy={"id": POLICY},
        env={"id": "BoxingNoFrameskip-v4"},
        spec={},
        cells=[cell("none", mean=10.0, normalized=1.0), cell("ce", epsilon=4.0, mean=-2.0)],
        reference=Reference(random_policy=RandomPolicyReference(mean=-1.5, episodes=2, returns=[-1.0, -2.0])),
        worst_case=None,
        verdict="Under ce it loses.",
        environment_steps=20,
        wall_time_s=1.0,
        versions={},
        protocol={},
        statistics={},
    )


def parts(request: httpx.Request) -> dict[str, bytes]:
    """The parts of a multipart body by name; a file's body without its headers."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        found[head.partition(b'name="')[2].partition(b'"')[0].decode()] = body.removesuffix(b"\r\n")
    return found


def json_part(request: httpx.Request, name: str) -> Any:
    return json.loads(parts(request)[name])


def json_of(request: httpx.Request) -> Any:
    return json.loads(request.content)
