"""The limits of a key, held before a byte of its body is read: 429 with what is allowed and when to come back."""

from collections import Counter
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saddlepoint.errors import TooManyRequests
from service.key_ring import ANYBODY
from service.problems import problem_response
from service.rates import Allowance, Rates
from service.sessions import SAFE_METHODS

_RETRY_BUSY_S = 1


class Throttle:
    """ASGI middleware behind the one that knows the caller. Where there are no keys nobody is limited.

    Requests under way are counted in this process, which is where they take up room: a killed one leaves none behind.
    """

    def __init__(self, app: ASGIApp, *, rates: Rates, max_concurrent: int) -> None:
        self._app, self._rates, self._max_concurrent = app, rates, max_concurrent
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller", ANYBODY)
        if scope["type"] != "http" or caller == ANYBODY:
            await self._app(scope, receive, send)
            return
        key = f"{caller.tenant}/{caller.key_id}"
        if self._under_way[key] >= self._max_concurrent:
            await _refused(self._crowded(), scope, receive, send)
            return
        self._under_way[key] += 1
        try:
            await self._spend(key, scope, receive, send)
        finally:
            self._under_way[key] -= 1
            self._under_way += Counter()  # forgets who has none

    async def _spend(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        rate = self._rates.read if scope["method"] in SAFE_METHODS else self._rates.submit
        allowance = await rate.spend(key)
        if allowance.is_exceeded:
            await _refused(_exceeded(allowance), scope, receive, send, allowance.headers)
            return

        async def send_with_rest(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowance.headers)
            await send(message)

        await self._app(scope, receive, send_with_rest)

    def _crowded(self) -> TooManyRequests:
        return TooManyRequests(
            f"A key may have {self._max_concurrent} requests under way at once, streams and waits among them, and this "
            "would be one more. Wait for one to end."
        ).retried_after(_RETRY_BUSY_S)


def _exceeded(allowance: Allowance) -> TooManyRequests:
    return TooManyRequests(
        f"A key may send {allowance.quota:,} requests of this kind in {allowance.window_s} s, and has. "
        f"Come back in {allowance.reset_s} s."
    ).retried_after(allowance.reset_s)


async def _refused(
    error: TooManyRequests, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    await problem_response(error, asked=Headers(scope=scope), instance=scope["path"], headers=headers)(
        scope, receive, send
    )
