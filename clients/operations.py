"""Every operation of the service as a flow; the synchronous and the asynchronous client run these same ones."""

import json
import sys
import time
import uuid
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import httpx
from pydantic import BaseModel

from clients.attacked import Attacked, read_observations
from clients.files import find_policy
from clients.jobs import EVALUATIONS, J, JobKind, S, ended, succeeded
from clients.landscape import LandscapeReport
from clients.progress import Progress, watching
from clients.report import Report
from clients.requests import (
    Card,
    ExtensionFields,
    LandscapeFields,
    SpecFields,
    card_form,
    evaluation_spec,
    plain,
    policy_of,
)
from clients.retries import RetryPolicy, ask
from clients.waiting import Watch
from clients.wire import Call, Flow, Pause, T, read
from saddlepoint.errors import NotFound, ReportNotReady, WaitTimedOut
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.landscapes import Landscape
from saddlepoint.schemas.observation_attacks import ObservationAttack
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import Training

VALIDATION_S = 300.0
"""How long an upload that is still being validated is waited for."""
VALIDATION_POLL_S = 0.5
ASK_S = 20.0
"""How long an answer about a job without events is held back."""

Environment = str | Mapping[str, Any] | BaseModel
"""An id, or an EnvironmentSpec as a mapping or a value."""


class _Page(BaseModel, Generic[T]):
    """A page of any list."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Operations:
    """The operations, under one policy of retries."""

    retries: RetryPolicy

    def upload(self, path: str | Path, card: Card | None) -> Flow[PolicyCard]:
        """Send a policy and return its card once it is validated."""
        policy = find_policy(path)
        response = yield from self._post("/v1/policies", policy=policy, form=card_form(card))
        deadline = time.monotonic() + VALIDATION_S
        location = response.headers.get("location", "")
        while response.status_code == httpx.codes.ACCEPTED:
            if time.monotonic() > deadline:
                raise WaitTimedOut(f"{path} was not validated within {VALIDATION_S:g} s; is a validator running?")
            yield Pause(VALIDATION_POLL_S)
            response = yield from ask(Call("GET", location), self.retries)
        return read(PolicyCard, response)

    def evaluate(self, policy: str | Path, env: Environment, card: Card | None, spec: SpecFields) -> Flow[Evaluation]:
        """Ask for an evaluation of a file (uploaded with it) or of a policy by id."""
        source, body = policy_of(policy), evaluation_spec(env, spec)
        if isinstance(source, str):
            response = yield from self._post("/v1/evaluations", json={"policy_id": source, **body})
        else:
            form = {"spec": json.dumps(body), **card_form(card)}
            response = yield from self._post("/evaluate", policy=source, form=form)
        return read(Evaluation, response)

    def extend(self, evaluation_id: str, more: ExtensionFields) -> Flow[Evaluation]:
        """Ask for a larger evaluation that keeps what this one has played."""
        response = yield from self._post(f"{EVALUATIONS.path(evaluation_id)}/extend", json=plain(more))
        return read(Evaluation, response)

    def attack(
        self, policy: str | Path, observations: str | Path | bytes, card: Card | None, spec: Mapping[str, Any]
    ) -> Flow[Attacked]:
        """Attack observations, wait, and return what came of them. Raises JobFailed, Canceled."""
        data = read_observations(observations)
        source = policy_of(policy)
        policy_id = source if isinstance(source, str) else (yield from self.upload(policy, card)).id
        form = {"policy_id": policy_id, "spec": json.dumps(plain(spec))}
        response = yield from ask(Call("POST", "/v1/attacks", form=form, observations=data), self.retries)
        job = yield from self._done(read(ObservationAttack, response), "attack", "/v1/attacks")
        response = yield from ask(Call("GET", f"/v1/attacks/{job.id}/result"), self.retries)
        return Attacked(job.summary, response.content)

    def landscape(
        self, policies: Sequence[str | Path], env: Environment, spec: LandscapeFields
    ) -> Flow[LandscapeReport]:
        """Look at how far apart perturbed policies are, wait, and return it. Raises JobFailed, Canceled."""
        policy_ids = []
        for policy in policies:
            source = policy_of(policy)
            policy_ids.append(source if isinstance(source, str) else (yield from self.upload(policy, None)).id)
        body = plain({"policy_ids": policy_ids, "env": env, **spec})
        response = yield from ask(Call("POST", "/v1/landscapes", json=body), self.retries)
        job = yield from self._done(read(Landscape, response), "landscape", "/v1/landscapes")
        path = f"/v1/landscapes/{job.id}/result"
        numbers = yield from ask(Call("GET", path, params={"format": "json"}), self.retries)
        page = yield from ask(Call("GET", path, params={"format": "html"}), self.retries)
        return read(LandscapeReport, numbers).of(job.summary, page.text)

    def _done(self, job: S, noun: str, collection: str) -> Flow[S]:
        """The job once it succeeded; it has no events, so it is asked for again and again."""
        while not job.is_terminal:
            headers = {"Prefer": f"wait={ASK_S:g}"}
            response = yield from ask(Call("GET", f"{collection}/{job.id}", headers=headers), self.retries)
            job = read(type(job), response)
        return succeeded(job, noun)

    def train(
        self,
        env: Environment,
        method: str,
        policy_id: str | None,
        config: Mapping[str, Any],
        seed: int,
        name: str | None,
    ) -> Flow[Training]:
        """Ask for a training."""
        body = {"method": method, "env": env, "policy_id": policy_id, "config": config, "seed": seed, "name": name}
        response = yield from self._post("/v1/trainings", json=plain(body))
        return read(Training, response)

    def job(self, kind: JobKind[J], job_id: str) -> Flow[J]:
        """The present state of a job."""
        response = yield from ask(Call("GET", kind.path(job_id)), self.retries)
        return read(kind.model, response)

    def cancel(self, kind: JobKind[J], job_id: str) -> Flow[J]:
        """Cancel a job; canceling twice is fine. Raises AlreadyEnded."""
        response = yield from self._post(f"{kind.path(job_id)}/cancel")
        return read(kind.model, response)

    def wait(self, kind: JobKind[J], job_id: str, progress: Progress, timeout_s: float | None = None) -> Flow[J]:
        """The job once it succeeded. Raises JobFailed, Canceled, WaitTimedOut."""
        with watching(progress) as seen:
            job = yield from Watch(kind, job_id, seen, timeout_s).flow(self.retries)
        return ended(kind, job)

    def robustness_report(
        self, policy: str | Path, env: Environment, card: Card | None, progress: Progress, spec: SpecFields
    ) -> Flow[Report]:
        """Evaluate, wait, and return the report. Interrupted, it says how to come back to what goes on."""
        evaluation = yield from self.evaluate(policy, env, card, spec)
        try:
            yield from self.wait(EVALUATIONS, evaluation.id, progress)
        except (KeyboardInterrupt, CancelledError):
            sys.stderr.write(f"{left_running(evaluation.id)}\n")
            raise
        report = yield from self.report(evaluation.id)
        return report

    def report(self, evaluation_id: str) -> Flow[Report]:
        """The report of an evaluation, with the service's page of it."""
        path = f"{EVALUATIONS.path(evaluation_id)}/report"
        response = yield from ask(Call("GET", path, headers={"Accept": "application/json"}), self.retries)
        report = read(Report, response)
        try:
            page = yield from ask(Call("GET", path, params={"format": "html"}), self.retries)
        except (NotFound, ReportNotReady):
            return report
        return report.with_html(page.text)

    def items(self, path: str, item: type[T], limit: int | None = None) -> Flow[list[T]]:
        """The items of a list, through as many pages as `limit` needs."""
        found: list[T] = []
        params: dict[str, str] = {}
        while True:
            response = yield from ask(Call("GET", path, params=params), self.retries)
            page = read(_Page[item], response)  # type: ignore[valid-type]
            found += page.items
            if page.next_cursor is None or (limit is not None and len(found) >= limit):
                return found[:limit]
            params = {"cursor": page.next_cursor}

    def _post(self, path: str, **content: Any) -> Flow[httpx.Response]:
        """A POST that may be repeated: every attempt carries the same Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return ask(Call("POST", path, headers=headers, **content), self.retries)


def left_running(evaluation_id: str) -> str:
    """What to tell someone who stops waiting."""
    return (
        f"The evaluation goes on. Come back to it with `saddlepoint watch {evaluation_id}`, "
        f"or end it with `saddlepoint cancel {evaluation_id}`."
    )
