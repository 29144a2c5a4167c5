"""Webhooks from the end of a job to a delivery, however often the process dies between."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients import verify_webhook
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.schemas.signatures import sign
from saddlepoint.schemas.webhooks import WebhookAttempt, WebhookOutcome
from saddlepoint.store import Store, get_record, put_record
from saddlepoint.store.local import LocalStore
from saddlepoint.webhooks import ask_webhook, load_attempts, load_webhook, newest_secrets, next_secret
from saddlepoint.work import EVALUATION
from tests.log_lines import lines_of, write_json
from tests.processes import running, wait_until
from tests.worker.receiver import Receiver, receiving
from worker.context import Context
from worker.reconciling import Reconciler
from worker.reconciling.webhooks import PAUSES, Webhooks

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_pass(store: Store, receiver: Receiver, clock: Clock) -> None:
    """By a process that has just started, and lives until what it began is over."""
    webhooks = Webhooks(store, receiver.poster(), clock)
    webhooks.bring_on()
    webhooks.wait(10)


def ended(store: Store) -> None:
    put_record(store, EVALUATION.terminal("job"), TerminalRecord(status="succeeded", finished_at=NOON))


def test_nothing_is_told_before_the_end(store: Store, receiver: Receiver, clock: Clock) -> None:
    ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    a_pass(store, receiver, clock)
    assert receiver.told == []


def test_the_end_is_told_once_and_signed(store: Store, receiver: Receiver, clock: Clock) -> None:
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    for _ in range(3):
        a_pass(store, receiver, clock)
    ((headers, body),) = receiver.told
    assert json.loads(body) == {
        "type": "evaluation.succeeded",
        "timestamp": "2026-01-02T12:00:00Z",
        "data": {
            "id": "job",
            "kind": "evaluation",
            "status": "succeeded",
            "finished_at": "2026-01-02T12:00:00Z",
            "policy_id": None,
            "error": None,
        },
    }
    (secret,) = newest_secrets(store, "alice")
    assert headers["webhook-signature"] == sign(secret, wanted, int(NOON.timestamp()), body)
    assert verify_webhook(headers, body, secret, clock=NOON.timestamp).data.id == "job"
    assert load_webhook(store, "alice", wanted).outcome == WebhookOutcome(delivered=True, at=NOON, attempts=1)
    assert list(store.list(keys.ACTIVE_WEBHOOKS)) == []


def test_a_failure_is_repeated_ever_later_by_whatever_process(store: Store, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [500, 503, 200]
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    told = []
    for pause in (timedelta(0), PAUSES[0] - timedelta(seconds=1), timedelta(seconds=1), PAUSES[1]):
        clock.now += pause
        a_pass(store, receiver, clock)
        told.append(len(receiver.told))
    assert told == [1, 1, 2, 3]
    assert [attempt.status for attempt in load_webhook(store, "alice", wanted).attempts] == [500, 503, 200]
    assert {headers["webhook-id"] for headers, _ in receiver.told} == {wanted}


def test_one_process_makes_all_attempts_too(store: Store, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [500, 500, 200]
    ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    webhooks = Webhooks(store, receiver.poster(), clock)
    told = []
    for pause in (timedelta(0), timedelta(0), PAUSES[0], timedelta(0), PAUSES[1], PAUSES[2]):
        clock.now += pause
        webhooks.bring_on()
        webhooks.wait(10)
        told.append(len(receiver.told))
    assert told == [1, 1, 2, 2, 3, 3]


def test_it_is_given_up_after_the_last_attempt(store: Store, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [500]
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    for pause in (timedelta(0), *PAUSES, timedelta(days=9)):
        clock.now += pause
        a_pass(store, receiver, clock)
    assert len(receiver.told) == len(PAUSES) + 1
    outcome = load_webhook(store, "alice", wanted).outcome
    assert outcome is not None
    assert (outcome.delivered, outcome.attempts) == (False, 10)


def test_who_is_gone_is_not_told_again(store: Store, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [410]
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    a_pass(store, receiver, clock)
    assert get_record(store, keys.webhook_outcome(wanted), WebhookOutcome).delivered is False


def test_a_process_that_died_after_a_delivery_does_not_repeat_it(
    store: Store, receiver: Receiver, clock: Clock
) -> None:
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    put_record(store, keys.webhook_attempt(wanted, 0), WebhookAttempt(at=NOON, status=200))
    a_pass(store, receiver, clock)
    assert receiver.told == []
    assert get_record(store, keys.webhook_outcome(wanted), WebhookOutcome).delivered


def test_a_process_that_is_killed_while_it_tells_is_followed_by_one_that_tells_again(
    store: Store, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.answers = [0, 200]
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    with running("-m", "tests.worker.teller", str(tmp_path)):
        wait_until(lambda: receiver.told, within_s=60, what="the first attempt")
    assert load_attempts(store, wanted) == []
    with running("-m", "tests.worker.teller", str(tmp_path)):
        wait_until(lambda: store.exists(keys.webhook_outcome(wanted)), within_s=60, what="the second attempt")
    outcome = load_webhook(store, "alice", wanted).outcome
    assert outcome is not None
    assert (outcome.delivered, outcome.attempts, len(receiver.told)) == (True, 1, 2)
    assert {headers["webhook-id"] for headers, _ in receiver.told} == {wanted}


def test_where_it_leads_inside_nobody_is_told(store: Store, receiver: Receiver, clock: Clock) -> None:
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    webhooks = Webhooks(store, receiver.poster("10.0.0.1"), clock)
    webhooks.bring_on()
    webhooks.wait(10)
    assert [attempt.reason for attempt in load_webhook(store, "alice", wanted).attempts] == ["forbidden-address"]
    assert receiver.told == []


def test_a_slow_receiver_holds_nobody_up(store: Store, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [0]
    ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    webhooks = Webhooks(store, receiver.poster(total_s=1.0), clock)
    webhooks.bring_on()
    webhooks.bring_on()
    webhooks.wait(10)
    assert len(receiver.told) == 1


def test_asking_again_for_what_was_delivered_tells_nobody(store: Store, receiver: Receiver, clock: Clock) -> None:
    for _ in range(2):
        ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
        ended(store)
        a_pass(store, receiver, clock)
    assert len(receiver.told) == 1


def test_a_new_secret_signs_beside_the_one_before(store: Store) -> None:
    (first,) = newest_secrets(store, "alice")
    second = next_secret(store, "alice")
    third = next_secret(store, "alice")
    assert newest_secrets(store, "alice") == [third, second]
    assert len({first, second, third, *newest_secrets(store, "bob")}) == 4


def test_a_pass_of_the_reconciler_brings_them_on(context: Context) -> None:
    wanted = ask_webhook(context.store, "alice", EVALUATION, "job", "https://nobody.invalid/")
    ended(context.store)
    Reconciler(context).run_pass()
    wait_until(lambda: load_attempts(context.store, wanted), within_s=30, what="an attempt")
    assert [attempt.reason for attempt in load_attempts(context.store, wanted)] == ["unresolved"]


def test_its_line_in_the_log_names_the_job(
    store: Store, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    write_json(caplog)
    wanted = ask_webhook(store, "alice", EVALUATION, "job", receiver.url)
    ended(store)
    a_pass(store, receiver, clock)
    (line,) = [line for line in lines_of(caplog) if line["message"] == f"webhook {wanted}: 204"]
    assert (line["kind"], line["id"]) == ("evaluation", "job")
