"""When a request is sent again: connection errors and answers that say "later", with growing, jittered pauses.

Every request here may be repeated: reads change nothing, and a POST carries an Idempotency-Key made once for all its
attempts.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from clients.wire import Call, Flow, Pause, failure_of
from saddlepoint.errors import Unavailable

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently."""

    attempts: int = 5
    first_s: float = 0.25
    longest_s: float = 30.0
    """Of any one pause; a service that asks for more is taken at its word and the error is raised at once."""

    def pause_s(self, attempt: int, asked_s: float | None, share: float) -> float | None:
        """The pause after `attempt` (from 1) failed, None to give up. `share` in 0..1 spreads the clients."""
        if attempt >= self.attempts or (asked_s is not None and asked_s > self.longest_s):
            return None
        backoff_s: float = min(self.longest_s, self.first_s * 2 ** (attempt - 1))
        return max(asked_s or 0.0, backoff_s * (0.5 + share / 2))


def ask(call: Call, policy: RetryPolicy) -> Flow[httpx.Response]:
    """The successful response to `call`. Raises the error that the service answers with, or Unavailable."""
    attempt = 0
    while True:
        attempt += 1
        asked_s = None
        try:
            response = yield call
            assert response is not None, "a driver answers a Call with a response"
            error = failure_of(response)
            if error is None:
                return response
            if response.status_code not in RETRIED_STATUSES:
                raise error
            asked_s = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
        except httpx.TransportError as failure:
            error = unavailable(failure)
        pause_s = policy.pause_s(attempt, asked_s, random.random())
        if pause_s is None:
            raise error
        yield Pause(pause_s)


def unavailable(failure: httpx.TransportError) -> Unavailable:
    """What a connection error means to a user."""
    try:
        address = f"{failure.request.url.scheme}://{failure.request.url.netloc.decode()}"
    except RuntimeError:
        address = "the service"
    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout):
        return Unavailable(
            f"Nothing answers at {address}. Start a service with `saddlepoint up`, "
            "or name another with --url or SADDLEPOINT_URL."
        )
    return Unavailable(f"The connection to {address} broke ({type(failure).__name__}). Try again.")


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its two spellings."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else None
