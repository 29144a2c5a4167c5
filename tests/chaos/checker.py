"""Whether a history is one that the promise allows: nothing accepted is lost, and every effect happened once.

A history is the events of a round (`tests.chaos.history`); `expected` is what the same jobs came to without faults.
Each rule says what is wrong, and a sound history has nothing wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from saddlepoint.schemas.evaluations import TERMINAL
from tests.chaos.history import Event, of_kind

Expected = Mapping[str, str]
Rule = Callable[[list[Event], Expected], Iterator[str]]


def check(events: list[Event], expected: Expected) -> list[str]:
    """All that is wrong."""
    return [wrong for rule in RULES for wrong in rule(events, expected)]


def contents(events: list[Event]) -> dict[str, str]:
    """What jobs came to, by label: to be expected of the same jobs again."""
    return {event["job"]: event["content"] for event in events if event["kind"] in ("report", "published")}


def answers_are_documented(events: list[Event], expected: Expected) -> Iterator[str]:
    for event in of_kind(events, "answer"):
        is_refusal = event["status"] == 503 and event["is_problem"]
        if not is_refusal and event["status"] not in event["allowed"]:
            yield f"{event['job']}: {event['call']} was answered {event['status']} {event['body']}"


def a_job_has_one_id(events: list[Event], expected: Expected) -> Iterator[str]:
    for kind in ("accepted", "uploaded"):
        for job, found in _grouped(events, kind, "id").items():
            if len(set(found)) != 1:
                yield f"{job}: was {kind} as {sorted(set(found))}"


def every_job_ends_as_it_should(events: list[Event], expected: Expected) -> Iterator[str]:
    states = _grouped(events, "state", "status")
    cancels = [event for event in of_kind(events, "answer") if event["call"].endswith("/cancel")]
    canceled = {event["job"] for event in cancels if event["status"] in (200, 202)}
    for job in _grouped(events, "accepted", "id"):
        end, last = "canceled" if job in canceled else "succeeded", states.get(job, ["nothing"])[-1]
        if last != end:
            yield f"{job}: should have {end}, and was last seen as {last}"
    for event in of_kind(events, "stuck"):
        yield f"{event['job']}: {event['error']}"


def an_end_is_for_good(events: list[Event], expected: Expected) -> Iterator[str]:
    for job, states in _grouped(events, "state", "status").items():
        for before, after in pairwise(states):
            if before in TERMINAL and after != before:
                yield f"{job}: had {before} and was {after} later"


def a_report_is_the_expected_one(events: list[Event], expected: Expected) -> Iterator[str]:
    for event in of_kind(events, "report"):
        if event["content"] != expected.get(event["job"]):
            yield f"{event['job']}: its report is another one than without faults"
        if event["repeated"]:
            yield f"{event['job']}: cells {event['repeated']} have not each episode once"
    for job, found in _grouped(events, "report", "bytes").items():
        if len(set(found)) != 1:
            yield f"{job}: its report changed after it was published"


def what_succeeded_has_a_report(events: list[Event], expected: Expected) -> Iterator[str]:
    """And all of its episodes; what was canceled has none."""
    states = _grouped(events, "state", "status")
    shown = set(_grouped(events, "report", "bytes"))
    for event in of_kind(events, "stored"):
        has_succeeded = states[event["job"]][-1] == "succeeded"
        if (event["has_report"], event["job"] in shown) != (has_succeeded, has_succeeded):
            yield f"{event['job']}: {states[event['job']][-1]}, report stored: {event['has_report']}"
        if has_succeeded and (event["missing"] or not event["planned"]):
            yield f"{event['job']}: succeeded without {len(event['missing'])} of {event['planned']} episodes"


def artifacts_stay_as_they_are(events: list[Event], expected: Expected) -> Iterator[str]:
    for event in (*of_kind(events, "changed"), *of_kind(events, "vanished")):
        yield f"{event['key']} {event['kind']} after it was put"
    for event in of_kind(events, "stored"):
        if event["contradicted"]:
            yield f"{event['job']}: episodes were played with different results: {event['contradicted']}"


def a_training_publishes_one_policy(events: list[Event], expected: Expected) -> Iterator[str]:
    for event in of_kind(events, "published"):
        if len(event["final"]) != 1 or event["all"] != 2:
            yield f"{event['job']}: published {event['all']} policies, {len(event['final'])} of them as the end"
        if event["content"] != expected.get(event["job"]):
            yield f"{event['job']}: its policy is another one than without faults"


def nothing_is_left_over(events: list[Event], expected: Expected) -> Iterator[str]:
    for event in of_kind(events, "left"):
        if event["active"]:
            yield f"all has ended, and these are taken for active: {event['active']}"


RULES: tuple[Rule, ...] = (
    answers_are_documented,
    a_job_has_one_id,
    every_job_ends_as_it_should,
    an_end_is_for_good,
    a_report_is_the_expected_one,
    what_succeeded_has_a_report,
    artifacts_stay_as_they_are,
    a_training_publishes_one_policy,
    nothing_is_left_over,
)


def _grouped(events: list[Event], kind: str, field: str) -> dict[str, list[str]]:
    """One field of the events of a kind by job, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for event in of_kind(events, kind):
        found[event["job"]].append(event[field])
    return dict(found)
