"""Webhooks from the end of their job to a delivery: all of it is in the store, so a kill costs a repetition.

A receiver that answers late holds up a thread and nobody's pass. An attempt is noted when it is over; one that was cut
off by a kill is made again, and the receiver knows it by its `webhook-id`.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from saddlepoint import __version__
from saddlepoint.errors import SaddlepointError
from saddlepoint.logs import working_on
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.schemas.webhooks import JobEnded, WebhookAttempt, WebhookMessage, WebhookOutcome, WebhookRecord
from saddlepoint.store import Store, find_record, put_record
from saddlepoint.webhooks import load_attempts, newest_secrets
from saddlepoint.work import WORKS, find_terminal
from worker.reconciling.orphans import drop_orphan
from worker.webhooks import NotPosted, Poster, signed_headers

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""Between two attempts, as the Standard Webhooks specification has them; after the last one it is given up."""
AT_ONCE = 8
_GONE = 410
"""The receiver wants no more."""

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Webhooks:
    """Remembers what is under way, and what is not due yet; a restart only looks once more."""

    def __init__(self, store: Store, poster: Poster | None = None, now: Callable[[], datetime] = _now) -> None:
        self._store, self._now = store, now
        self._poster = poster or Poster()
        self._under_way: dict[str, threading.Thread] = {}
        self._due: dict[str, datetime] = {}

    def bring_on(self) -> None:
        """Begin the deliveries that are due, as many as may go on at once. Raises StoreError."""
        self._under_way = {name: thread for name, thread in self._under_way.items() if thread.is_alive()}
        for marker in self._store.list(keys.ACTIVE_WEBHOOKS):
            wanted = marker.removeprefix(keys.ACTIVE_WEBHOOKS)
            if len(self._under_way) >= AT_ONCE:
                return
            if wanted not in self._under_way and self._is_due(wanted):
                self._begin(wanted)

    def wait(self, timeout_s: float) -> None:
        """Until what is under way is over, each for at most so long."""
        for thread in self._under_way.values():
            thread.join(timeout_s)

    def _is_due(self, wanted: str) -> bool:
        due = self._due.get(wanted)
        return due is None or self._now() >= due

    def _begin(self, wanted: str) -> None:
        record = find_record(self._store, keys.webhook_request(wanted), WebhookRecord)
        if record is None:
            drop_orphan(self._store, keys.active_webhook(wanted))
        elif self._store.exists(keys.webhook_outcome(wanted)):
            self._store.delete(keys.active_webhook(wanted))
        elif terminal := find_terminal(self._store, WORKS[record.kind], record.job_id):
            self._go_on(record, terminal, load_attempts(self._store, wanted))

    def _go_on(self, record: WebhookRecord, terminal: TerminalRecord, attempts: list[WebhookAttempt]) -> None:
        self._due.pop(record.id, None)
        if attempts and _is_last(attempts):
            self._settle(record, attempts)  # whoever made it died before this
        elif attempts and (due := attempts[-1].at + PAUSES[len(attempts) - 1]) > self._now():
            self._due[record.id] = due
        else:
            thread = threading.Thread(target=self._deliver, args=(record, terminal, attempts), daemon=True)
            self._under_way[record.id] = thread
            thread.start()

    def _deliver(self, record: WebhookRecord, terminal: TerminalRecord, before: list[WebhookAttempt]) -> None:
        with working_on(kind=record.kind, id=record.job_id):
            self._try(record, terminal, before)

    def _try(self, record: WebhookRecord, terminal: TerminalRecord, before: list[WebhookAttempt]) -> None:
        try:
            attempts = [*before, self._attempt(record, terminal)]
            put_record(self._store, keys.webhook_attempt(record.id, len(before)), attempts[-1])
            _log.info("webhook %s: %s", record.id, attempts[-1].status or attempts[-1].reason)
            if _is_last(attempts):
                self._settle(record, attempts)
        except SaddlepointError as error:
            _log.warning("webhook %s: %s", record.id, error.message)
        except Exception:
            _log.exception("webhook %s", record.id)

    def _attempt(self, record: WebhookRecord, terminal: TerminalRecord) -> WebhookAttempt:
        at, body = self._now(), message_of(record, terminal).model_dump_json().encode()
        secrets = newest_secrets(self._store, record.tenant)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"saddlepoint/{__version__}",
            **signed_headers(secrets, record.id, int(at.timestamp()), body),
        }
        try:
            return WebhookAttempt(at=at, status=self._poster.post(record.url, body, headers))
        except NotPosted as error:
            return WebhookAttempt(at=at, reason=error.args[0])

    def _settle(self, record: WebhookRecord, attempts: list[WebhookAttempt]) -> None:
        outcome = WebhookOutcome(delivered=_is_delivery(attempts[-1]), at=self._now(), attempts=len(attempts))
        put_record(self._store, keys.webhook_outcome(record.id), outcome)
        self._store.delete(keys.active_webhook(record.id))


def _is_last(attempts: list[WebhookAttempt]) -> bool:
    return _is_delivery(attempts[-1]) or attempts[-1].status == _GONE or len(attempts) > len(PAUSES)


def _is_delivery(attempt: WebhookAttempt) -> bool:
    return attempt.status is not None and 200 <= attempt.status < 300


def message_of(record: WebhookRecord, terminal: TerminalRecord) -> WebhookMessage:
    """What is told: the same at every attempt."""
    return WebhookMessage(
        type=f"{record.kind}.{terminal.status}",
        timestamp=terminal.finished_at,
        data=JobEnded(
            id=record.job_id,
            kind=record.kind,
            status=terminal.status,
            finished_at=terminal.finished_at,
            policy_id=terminal.policy_id,
            error=terminal.error,
        ),
    )
