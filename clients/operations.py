"""Every operation of the service as a flow; the synchronous and the asynchronous client run these same ones."""

import json
import sys
import time
import uuid
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Self

import httpx
from pydantic import BaseModel

from clients.attacked import Attacked, read_observations
from clients.comparison import ComparisonReport
from clients.files import find_policy
from clients.groups import GroupsReport
from clients.jobs import EVALUATIONS, TRAININGS, J, JobKind, S, ended, succeeded
from clients.landscape import LandscapeReport
from clients.parting import FROM_SERVICE, Parting
from clients.progress import Progress, watching
from clients.report import Report
from clients.requests import (
    Card,
    ExtensionFields,
    LandscapeFields,
    SpecFields,
    TrainingFields,
    card_form,
    evaluation_spec,
    plain,
    policy_of,
)
from clients.retries import RetryPolicy, ask
from clients.trained import TrainedReport
from clients.waiting import Watch
from clients.watched import Evaluation, Training
from clients.wire import Call, Flow, Pause, T, read
from saddlepoint.errors import NotFound, ReportNotReady, WaitTimedOut
from saddlepoint.schemas.comparisons import Comparison
from saddlepoint.schemas.landscapes import Landscape
from saddlepoint.schemas.leaderboard import Board
from saddlepoint.schemas.observation_attacks import ObservationAttack
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.webhooks import Webhook, WebhookSecret, webhook_id

VALIDATION_S = 300.0
"""How long an upload that is still being validated is waited for."""
VALIDATION_POLL_S = 0.5
REPORT_S = 60.0
"""How long the comparison in the report of a training is waited for."""
REPORT_POLL_S = 1.0
WEBHOOK_HEADER = "Webhook-Url"
ASK_S = 5.0
"""How long an answer about a job without events is held back."""

Environment = str | Mapping[str, Any] | BaseModel
"""An id, or an EnvironmentSpec as a mapping or a value."""


class _Page(BaseModel, Generic[T]):
    """A page of any list."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Operations:
    """The operations, under one policy of retries; `parting` is what an interrupted one says."""

    retries: RetryPolicy
    parting: Parting = FROM_SERVICE
    told: str | None = None
    """The URL that hears of the end of every job that is begun."""

    def telling(self, webhook: str | None) -> Self:
        """The same operations, whose jobs are told of to `webhook`."""
        return replace(self, told=webhook)

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
            return (yield from self.begin_evaluation({"policy_id": source, **body}))
        form = {"spec": json.dumps(body), **card_form(card)}
        response = yield from self._begin("/evaluate", policy=source, form=form)
        return read(Evaluation, response)

    def begin_evaluation(self, body: Mapping[str, Any]) -> Flow[Evaluation]:
        """Ask for an evaluation as it is specified."""
        response = yield from self._begin("/v1/evaluations", json=body)
        return read(Evaluation, response)

    def extend(self, evaluation_id: str, more: ExtensionFields) -> Flow[Evaluation]:
        """Ask for a larger evaluation that keeps what this one has played."""
        response = yield from self._begin(f"{EVALUATIONS.path(evaluation_id)}/extend", json=plain(more))
        return read(Evaluation, response)

    def attack(
        self, policy: str | Path, observations: str | Path | bytes, card: Card | None, spec: Mapping[str, Any]
    ) -> Flow[Attacked]:
        """Attack observations, wait, and return what came of them. Raises JobFailed, Canceled."""
        data = read_observations(observations)
        source = policy_of(policy)
        policy_id = source if isinstance(source, str) else (yield from self.upload(policy, card)).id
        form = {"policy_id": policy_id, "spec": json.dumps(plain(spec))}
        response = yield from self._begin("/v1/attacks", form=form, observations=data)
        job = yield from self._done(read(ObservationAttack, response), "attack", "/v1/attacks")
        response = yield from ask(Call("GET", f"/v1/attacks/{job.id}/result"), self.retries)
        return Attacked(job.summary, response.content)

    def landscape(
        self, policies: Sequence[str | Path], env: Environment, progress: Progress, spec: LandscapeFields
    ) -> Flow[LandscapeReport]:
        """Look at how far apart perturbed policies are, wait, and return it. Raises JobFailed, Canceled."""
        policy_ids = []
        for policy in policies:
            source = policy_of(policy)
            policy_ids.append(source if isinstance(source, str) else (yield from self.upload(policy, None)).id)
        body = plain({"policy_ids": policy_ids, "env": env, **spec})
        response = yield from self._begin("/v1/landscapes", json=body)
        with watching(progress) as seen:
            job = yield from self._done(read(Landscape, response), "landscape", "/v1/landscapes", seen)
        path = f"/v1/landscapes/{job.id}/result"
        numbers = yield from ask(Call("GET", path, params={"format": "json"}), self.retries)
        page = yield from ask(Call("GET", path, params={"format": "html"}), self.retries)
        return read(LandscapeReport, numbers).of(job.summary, page.text)

    def _done(self, job: S, noun: str, collection: str, seen: Callable[[S], None] = lambda job: None) -> Flow[S]:
        """The job once it succeeded; it has no events, so it is asked for again and again."""
        seen(job)
        while not job.is_terminal:
            headers = {"Prefer": f"wait={ASK_S:g}"}
            response = yield from ask(Call("GET", f"{collection}/{job.id}", headers=headers), self.retries)
            job = read(type(job), response)
            seen(job)
        return succeeded(job, noun)

    def compare(self, baseline: Sequence[str], candidate: Sequence[str]) -> Flow[ComparisonReport]:
        """Compare evaluations that have succeeded, wait, and return it. Raises NotComparable, Conflict, JobFailed."""
        forms = yield from self._compared({"baseline": list(baseline), "candidate": list(candidate)})
        return read(ComparisonReport, forms["json"]).of(forms["html"].text, forms["md"].text)

    def compare_groups(self, groups: Mapping[str, Sequence[str]]) -> Flow[GroupsReport]:
        """The same of several methods by name, held against the first of them."""
        forms = yield from self._compared({"groups": {name: list(runs) for name, runs in groups.items()}})
        return read(GroupsReport, forms["json"]).of(forms["html"].text, forms["md"].text)

    def _compared(self, body: Mapping[str, Any]) -> Flow[dict[str, httpx.Response]]:
        """The result of a comparison in every form."""
        response = yield from self._begin("/v1/comparisons", json=body)
        job = yield from self._done(read(Comparison, response), "comparison", "/v1/comparisons")
        forms = {}
        for form in ("json", "html", "md"):
            call = Call("GET", f"/v1/comparisons/{job.id}/result", params={"format": form})
            forms[form] = yield from ask(call, self.retries)
        return forms

    def train(
        self,
        env: Environment,
        policy: str | Path | None,
        card: Card | None,
        wanted: TrainingFields,
    ) -> Flow[Training]:
        """Ask for a training, of a policy (a file, or the id of one) or of a new one."""
        source = None if policy is None else policy_of(policy)
        if policy is not None and not isinstance(source, str):
            source = (yield from self.upload(policy, card)).id
        return (yield from self.begin_training({"env": env, "policy_id": source, **wanted}))

    def begin_training(self, body: Mapping[str, Any]) -> Flow[Training]:
        """Ask for a training as it is specified."""
        response = yield from self._begin("/v1/trainings", json=plain(body))
        return read(Training, response)

    def webhook(self, job: Evaluation | Training, url: str) -> Flow[Webhook]:
        """How the telling of a job's end went."""
        kind = TRAININGS.noun if isinstance(job, Training) else EVALUATIONS.noun
        response = yield from ask(Call("GET", f"/v1/webhooks/{webhook_id(kind, job.id, url)}"), self.retries)
        return read(Webhook, response)

    def webhook_secret(self) -> Flow[str]:
        """The newest secret."""
        response = yield from ask(Call("GET", "/v1/webhook-secret"), self.retries)
        return read(WebhookSecret, response).secret

    def model(self, policy_id: str) -> Flow[bytes]:
        """A policy as ONNX."""
        path = f"/v1/policies/{policy_id}/file"
        response = yield from ask(Call("GET", path, params={"format": "onnx"}), self.retries)
        return response.content

    def training_report(self, training_id: str) -> Flow[TrainedReport]:
        """The report of a training that has succeeded, waited for while it is being made.

        After a minute it is taken without the comparison. Raises ReportNotReady, and NotFound where it cannot be made.
        """
        deadline = time.monotonic() + REPORT_S
        path = f"{TRAININGS.path(training_id)}/report"
        while True:
            training = yield from self.job(TRAININGS, training_id)
            try:
                numbers = yield from ask(Call("GET", path, params={"format": "json"}), self.retries)
            except ReportNotReady:
                if training.status != "succeeded":
                    raise
            else:
                found = read(TrainedReport, numbers)
                if time.monotonic() > deadline or not _lacks_comparison(training, found):
                    page = yield from ask(Call("GET", path, params={"format": "html"}), self.retries)
                    return found.of(page.text)
            yield Pause(REPORT_POLL_S)

    def card_of(self, policy: str | Path, card: Card | None) -> Flow[PolicyCard]:
        """The card of a policy that the service has, or that it is sent now."""
        source = policy_of(policy)
        if isinstance(source, str):
            response = yield from ask(Call("GET", f"/v1/policies/{source}"), self.retries)
            return read(PolicyCard, response)
        return (yield from self.upload(policy, card))

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
            sys.stderr.write(f"{self.parting.from_evaluation(evaluation.id)}\n")
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

    def leaderboard(self, env: str | None, top: int) -> Flow[list[Board]]:
        """All boards with their best."""
        asked = {"top": str(top), **({"env": env} if env else {})}
        return self.items("/v1/leaderboard", Board, asked=asked)

    def items(
        self, path: str, item: type[T], limit: int | None = None, asked: Mapping[str, str] | None = None
    ) -> Flow[list[T]]:
        """The items of a list, through as many pages as `limit` needs; `asked` are parameters of every page."""
        found: list[T] = []
        params = dict(asked or {})
        while True:
            response = yield from ask(Call("GET", path, params=params), self.retries)
            page = read(_Page[item], response)  # type: ignore[valid-type]
            found += page.items
            if page.next_cursor is None or (limit is not None and len(found) >= limit):
                return found[:limit]
            params["cursor"] = page.next_cursor

    def _begin(self, path: str, **content: Any) -> Flow[httpx.Response]:
        """A POST that begins a job."""
        return self._post(path, {WEBHOOK_HEADER: self.told} if self.told else None, **content)

    def _post(self, path: str, headers: Mapping[str, str] | None = None, **content: Any) -> Flow[httpx.Response]:
        """A POST that may be repeated: every attempt carries the same Idempotency-Key."""
        sent = {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})}
        return ask(Call("POST", path, headers=sent, **content), self.retries)


def _lacks_comparison(training: Training, report: TrainedReport) -> bool:
    """Whether the report will be replaced by one with a comparison."""
    proof = training.proof
    if proof is None or report.comparison is not None:
        return False
    return proof.is_pending or (proof.comparison is not None and proof.error is None)
