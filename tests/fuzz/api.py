"""Requests made from the service's own OpenAPI document, valid ones and broken ones, and what their answers must be."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from saddlepoint.errors import by_code
from saddlepoint.schemas.problems import Problem
from tests.fuzz.furnished import Furnished
from tests.service.bench import BOXING

Case = schemathesis.Case[Any]

CHECKS = [
    content_type_conformance,
    status_code_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
_TIMEOUT_S = 30.0
_REFERENCES = {
    "policy_id": "policy_id",
    "policy_ids": "policy_id",
    "baseline": "evaluation_id",
    "candidate": "evaluation_id",
}
"""Fields of bodies that hold ids, and of what."""
_CHOICES = 39
"""Of four, one case stays as it was made and one keeps a single field of its body."""
SOUND: Mapping[str, Mapping[str, Any]] = {
    "POST /evaluate": {"spec": BOXING, "policy": b"one"},
    "POST /v1/policies": {"policy": b"three"},
    "POST /v1/evaluations": {**BOXING, "policy_id": ""},
    "POST /v1/evaluations/{evaluation_id}/extend": {"seeds": 4},
    "POST /v1/trainings": {"env": BOXING["env"], "config": {"steps": 100_000}},
    "POST /v1/landscapes": {"env": BOXING["env"], "policy_ids": [], "states": 100},
}
_CODES = frozenset(by_code())


@dataclass
class Findings:
    """How often each operation was answered with each status, and what was wrong, one of a kind."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.answers.total()

    def note(self, what: str, request: str) -> None:
        """The first of a kind is told at once: some come only when much happens at a time."""
        if what not in self.wrong:
            self.wrong[what] = request
            sys.stderr.write(f"{what}\n{request}\n")


def assail(service: Furnished, count: int, number: int, findings: Findings) -> None:
    """Send up to `count` requests, the same ones for the same `number`, to all operations; the last ones delete."""
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    operations = sorted(found, key=lambda operation: operation.method == "delete")
    each = max(1, round(count / len(operations) / len(MODES)))
    with requests.Session() as session:
        for index, operation in enumerate(operations):
            for mode in MODES:
                strategy = operation.as_strategy(generation_mode=mode)
                _send(strategy, _asker(service, session, findings), each, number + index)


def _send(
    cases: st.SearchStrategy[Case],
    ask: Callable[[Case, int], None],
    count: int,
    number: int,
) -> None:
    """Failures are noted and never raised: hypothesis would go after the first one for the rest of its time."""

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, choice=st.integers(min_value=0, max_value=_CHOICES))
    def send(case: Case, choice: int) -> None:
        ask(case, choice)

    # What takes no parameters cannot be asked wrongly.
    with suppress(Unsatisfiable):
        send()


def _asker(service: Furnished, session: requests.Session, findings: Findings) -> Callable[[Case, int], None]:
    def ask(case: Case, choice: int) -> None:
        if choice % 4:
            _refer(case, service.ids, choice)
        answer = case.call(base_url=service.url, session=session, timeout=_TIMEOUT_S)
        label = case.operation.label
        findings.answers[label, answer.status_code] += 1
        for what in (*_problems_of(answer), *_contradictions(case, answer)):
            findings.note(f"{label}: {answer.status_code}: {what}", f"{case.as_curl_command()}\n{answer.text[:500]}")

    return ask


def _refer(case: Case, ids: Mapping[str, list[str]], choice: int) -> None:
    """Make the ids of a case those of something that is there; of some bodies, keep one field alone."""
    found = {name: ids[name][choice % len(ids[name])] for name in case.path_parameters or {} if name in ids}
    if found:
        case.path_parameters = {**case.path_parameters, **found}
    if not isinstance(case.body, dict):
        return
    sound = SOUND.get(case.operation.label)
    if sound is not None and choice % 4 == 1:
        case.body = _grafted(sound, case.body, choice // 4)
    for name in _REFERENCES.keys() & case.body.keys():
        reference = ids[_REFERENCES[name]][choice % len(ids[_REFERENCES[name]])]
        case.body[name] = reference if name == "policy_id" else [reference]


def _grafted(sound: Mapping[str, Any], wild: Mapping[str, Any], choice: int) -> dict[str, Any]:
    """A body that is sound but for one field, which is the wild one's."""
    if not wild:
        return dict(sound)
    name = sorted(wild)[choice % len(wild)]
    own, other = sound.get(name), wild[name]
    if isinstance(own, dict) and isinstance(other, dict):
        other = _grafted(own, other, choice)
    return {**sound, name: other}


def _problems_of(answer: schemathesis.Response) -> list[str]:
    """What is wrong about an answer whatever was asked."""
    if answer.status_code < 400:
        return []
    if answer.status_code >= 500:
        return ["the service is at fault"]
    if answer.headers["content-type"] != ["application/problem+json"]:
        return ["the error is no problem"]
    problem = Problem.model_validate_json(answer.content)
    if problem.code not in _CODES or problem.status != answer.status_code:
        return [f"the problem is called {problem.code}, with status {problem.status}"]
    return []


def _contradictions(case: Case, answer: schemathesis.Response) -> list[str]:
    """Where an answer is none that the document announces."""
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        return [f"{failure.title}: {failure.message[:200]}" for failure in group.exceptions]
    return []
