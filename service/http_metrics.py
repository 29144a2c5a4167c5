"""What this process answers, counted by route, method and status: labels never hold an id."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
_EVENTS = "text/event-stream"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpMetrics:
    """Registers itself with `registry`, and counts what passes through `around`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self.requests = Counter("saddlepoint_http_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "saddlepoint_http_seconds",
            "From the request to the end of its answer; streams of events are left out.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.received = Counter("saddlepoint_http_received_bytes", "Of the bodies of requests.", registry=registry)
        self.streams = Gauge("saddlepoint_event_streams", "Streams of events that are open.", registry=registry)


class Measured:
    """ASGI middleware around all others."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Measurement(self._metrics).follow(self._app, scope, receive, send)


class _Measurement:
    """One request."""

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics, self._began = metrics, time.perf_counter()
        self._status, self._is_stream = 500, False

    async def follow(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_counted() -> Message:
            message = await receive()
            self._metrics.received.inc(len(message.get("body", b"")))
            return message

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(message)
            await send(message)

        try:
            await app(scope, receive_counted, send_noted)
        finally:
            self._finish(scope)

    def _note(self, message: Message) -> None:
        self._status = message["status"]
        types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
        self._is_stream = any(value.startswith(_EVENTS.encode()) for value in types)
        if self._is_stream:
            self._metrics.streams.inc()

    def _finish(self, scope: Scope) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(method, route, str(self._status)).inc()
        if self._is_stream:
            self._metrics.streams.dec()
        else:
            self._metrics.seconds.labels(method, route).observe(time.perf_counter() - self._began)
