"""The checker finds nothing wrong with a sound history, and each rule what it is there for."""

from typing import Any

import pytest

from tests.chaos.campaign import faults_hit_what_works
from tests.chaos.checker import (
    RULES,
    Rule,
    a_job_has_one_id,
    a_report_is_the_expected_one,
    a_training_publishes_one_policy,
    an_end_is_for_good,
    answers_are_documented,
    artifacts_stay_as_they_are,
    check,
    contents,
    every_job_ends_as_it_should,
    nothing_is_left_over,
    what_succeeded_has_a_report,
)
from tests.chaos.history import Event

EXPECTED = {"played": "numbers", "trained": "weights"}


def sound() -> list[Event]:
    """An evaluation that succeeds after a refusal, one that is canceled, and a training."""
    asked = {
        "kind": "answer",
        "call": "POST /evaluate",
        "status": 202,
        "allowed": [202],
        "is_problem": False,
        "body": "",
    }
    refused = {"status": 503, "is_problem": True}
    canceled = {"call": "POST /v1/evaluations/2/cancel", "status": 200, "allowed": [200, 202, 409]}
    report = {"kind": "report", "job": "played", "bytes": "sum", "content": "numbers", "repeated": []}
    stored = {"kind": "stored", "planned": 9, "missing": [], "contradicted": [], "has_report": True}
    left = {"missing": ["episodes/1"], "has_report": False}
    return [
        {**asked, "job": "played", **refused},
        {**asked, "job": "played"},
        {"kind": "accepted", "job": "played", "id": "1"},
        {"kind": "accepted", "job": "played", "id": "1"},
        {"kind": "accepted", "job": "canceled", "id": "2"},
        {"kind": "state", "job": "played", "status": "processing"},
        {**asked, **canceled, "job": "canceled"},
        {"kind": "state", "job": "canceled", "status": "canceled"},
        {"kind": "state", "job": "played", "status": "succeeded"},
        report,
        report,
        {**stored, "job": "played"},
        {**stored, **left, "job": "canceled"},
        {"kind": "published", "job": "trained", "content": "weights", "final": ["policy"], "all": 2},
    ]


def changed(index: int, **fields: Any) -> list[Event]:
    """The sound history with one event told otherwise."""
    events = sound()
    events[index] = {**events[index], **fields}
    return events


def test_a_sound_history_has_nothing_wrong() -> None:
    assert check(sound(), EXPECTED) == []
    assert contents(sound()) == EXPECTED


BROKEN: list[tuple[str, Rule, list[Event]]] = [
    ("a refusal that is no problem", answers_are_documented, changed(0, is_problem=False)),
    ("an error of the service", answers_are_documented, changed(0, status=500)),
    ("a rejection that nobody asked for", answers_are_documented, changed(1, status=422)),
    ("another id for the same", a_job_has_one_id, changed(3, id="3")),
    (
        "another id for one file",
        a_job_has_one_id,
        [*sound(), *({"kind": "uploaded", "job": "played", "id": number} for number in "12")],
    ),
    ("a job that never ends", every_job_ends_as_it_should, changed(8, status="processing")),
    ("a job that fails", every_job_ends_as_it_should, changed(8, status="failed")),
    ("a cancel that was acknowledged and ignored", every_job_ends_as_it_should, changed(7, status="succeeded")),
    (
        "a client that waits in vain",
        every_job_ends_as_it_should,
        [*sound(), {"kind": "stuck", "job": "played", "error": "no answer"}],
    ),
    ("an end that changes", an_end_is_for_good, [*sound(), {"kind": "state", "job": "played", "status": "canceled"}]),
    ("other numbers", a_report_is_the_expected_one, changed(9, content="others")),
    ("a report that changes", a_report_is_the_expected_one, changed(10, bytes="another")),
    ("an episode that is counted twice", a_report_is_the_expected_one, changed(9, repeated=["ce@0.3"])),
    ("an episode that is missing", what_succeeded_has_a_report, changed(11, missing=["episodes/1"])),
    ("a plan of nothing", what_succeeded_has_a_report, changed(11, planned=0)),
    ("a report that is lost", what_succeeded_has_a_report, changed(11, has_report=False)),
    ("a report of what was canceled", what_succeeded_has_a_report, changed(12, has_report=True)),
    ("two results of one episode", artifacts_stay_as_they_are, changed(11, contradicted=["nondeterministic/1"])),
    (
        "an artifact that was replaced",
        artifacts_stay_as_they_are,
        [*sound(), {"kind": "changed", "key": "episodes/1"}],
    ),
    ("an artifact that is gone", artifacts_stay_as_they_are, [*sound(), {"kind": "vanished", "key": "episodes/1"}]),
    ("other weights", a_training_publishes_one_policy, changed(13, content="others")),
    ("a policy published twice", a_training_publishes_one_policy, changed(13, final=["policy", "another"], all=3)),
    ("a marker that stays", nothing_is_left_over, [*sound(), {"kind": "left", "active": ["active/evaluations/1"]}]),
]


@pytest.mark.parametrize(("rule", "events"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_broken_is_found(rule: Rule, events: list[Event]) -> None:
    assert len(list(rule(events, EXPECTED))) == 1
    assert check(events, EXPECTED)


def test_every_rule_has_a_history_that_breaks_it() -> None:
    assert {rule for _, rule, _ in BROKEN} == set(RULES)


@pytest.mark.parametrize(("at_work", "wrong"), [(4, 0), (3, 1)])
def test_most_faults_must_hit_what_works(at_work: int, wrong: int) -> None:
    faults: list[Event] = [{"kind": "fault", "at_work": number < at_work} for number in range(5)]
    assert len(faults_hit_what_works(faults)) == wrong
