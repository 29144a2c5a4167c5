"""Who did what: every change that was granted, and the first of those that were refused, put once in the store.

The event is stored before the answer goes out, so what a client was told of is in the log. Where the store fails just
then, the line of the process's own log, which has the same event, is all there is.
"""

import logging
from collections import defaultdict
from datetime import UTC, datetime
from ipaddress import ip_network
from uuid import uuid4

from prometheus_client import Counter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saddlepoint.errors import StoreError
from saddlepoint.logs import working_on
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import AuditEvent, AuditPage
from saddlepoint.store import Store, get_record, put_record
from saddlepoint.work import WORKS
from service.pagination import read_page
from service.rations import Ration
from service.request_ids import REQUEST_ID
from service.sessions import SAFE_METHODS

_UNAUTHENTICATED, _FORBIDDEN = 401, 403
NOBODY = "-"
"""In place of a tenant where nobody knows the key: such an event is in the log of the process only."""
_LONGEST_PATH = 200

_log = logging.getLogger("saddlepoint.audit")


class Audit:
    """ASGI middleware around the one that finds the caller, who is in the state by the time of the answer.

    Refusals are rationed by tenant: whoever hammers on a closed door fills neither the store nor the log.
    """

    def __init__(self, app: ASGIApp, *, store: Store, refusals: Counter) -> None:
        self._app, self._store, self._refusals = app, store, refusals
        self._rations: defaultdict[str, Ration] = defaultdict(Ration)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                event = self._event(scope, message)
                if event is not None:
                    await run_in_threadpool(self._note, event)
            await send(message)

        await self._app(scope, receive, send_noted)

    def _event(self, scope: Scope, start: Message) -> AuditEvent | None:
        """What is noted of an answer, None where that is nothing."""
        state = scope.get("state", {})
        stranger, caller = state.get("stranger"), state.get("caller")
        if stranger is not None:
            tenant = stranger.tenant or NOBODY
            # Pages lead to the login instead, by an address that repeats the question.
            refused = {"status": _UNAUTHENTICATED, "location": None}
            event = _event(scope, tenant, stranger.key_id, start).model_copy(update=refused)
            return self._rationed(event, scope, _source(scope), "key")
        if caller is None or not _is_noted(scope["method"], start["status"]):
            return None
        event = _event(scope, caller.tenant, caller.key_id, start)
        return self._rationed(event, scope, caller.key_id, "scope") if start["status"] == _FORBIDDEN else event

    def _rationed(self, event: AuditEvent, scope: Scope, source: str, why: str) -> AuditEvent | None:
        self._refusals.labels(why).inc()
        unnoted = self._rations[event.tenant].spend(source)
        return None if unnoted is None else event.model_copy(update={"address": _address(scope), "unnoted": unnoted})

    def _note(self, event: AuditEvent) -> None:
        with working_on(**_job_of(event.location or event.path)):
            _log.info(event.model_dump_json())
            if event.tenant == NOBODY:
                return
            try:
                put_record(self._store, keys.audit_event(event.tenant, event.id), event)
            except StoreError as error:
                _log.error("event %s is not in the store: %s", event.id, error.message)


def audit_page(store: Store, tenant: str, limit: int, cursor: str | None) -> AuditPage:
    """What was done in a tenant's name, newest first. May block. Raises InvalidRequest."""
    page = read_page(store, keys.audit_events(tenant), limit, cursor)
    items = [get_record(store, keys.audit_event(tenant, event_id), AuditEvent) for event_id in page.ids]
    return AuditPage(items=items, next_cursor=page.next_cursor)


def _is_noted(method: str, status: int) -> bool:
    return status == _FORBIDDEN or (status < 400 and method not in SAFE_METHODS)


def _job_of(path: str) -> dict[str, str]:
    """The kind and id of the job that a path of ours leads to; nothing of other paths."""
    match path.split("/"):
        case ["", "v1", kinds, work_id, *_] if kinds.removesuffix("s") in WORKS:
            return {"kind": kinds.removesuffix("s"), "id": work_id}
    return {}


def _event(scope: Scope, tenant: str, key_id: str, start: Message) -> AuditEvent:
    now = datetime.now(UTC)
    return AuditEvent(
        id=keys.audit_event_id(now, uuid4().hex),
        at=now,
        tenant=tenant,
        key_id=key_id,
        request_id=REQUEST_ID.get() or "-",
        method=scope["method"],
        path=scope["path"][:_LONGEST_PATH],
        status=start["status"],
        location=Headers(raw=start["headers"]).get("location"),
    )


def _address(scope: Scope) -> str | None:
    return scope["client"][0] if scope.get("client") else None


def _source(scope: Scope) -> str:
    """The address, or the network of one that can choose among many (an IPv6 /64)."""
    address = _address(scope) or ""
    try:
        return str(ip_network((address, 64), strict=False)) if ":" in address else address
    except ValueError:
        return address
