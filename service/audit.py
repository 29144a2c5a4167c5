"""Who did what: every change that was granted and every one that a key was not good for, put once in the store.

The event is stored before the answer goes out, so what a client was told of is in the log. Where the store fails just
then, the line of the process's own log, which has the same event, is all there is.
"""

import logging
from datetime import UTC, datetime
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saddlepoint.errors import StoreError
from saddlepoint.logs import working_on
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import AuditEvent, AuditPage
from saddlepoint.store import Store, get_record, put_record
from saddlepoint.work import WORKS
from service.key_ring import Caller
from service.pagination import read_page
from service.request_ids import REQUEST_ID
from service.sessions import SAFE_METHODS

_FORBIDDEN = 403
_LONGEST_PATH = 200

_log = logging.getLogger("saddlepoint.audit")


class Audit:
    """ASGI middleware behind the one that knows the caller."""

    def __init__(self, app: ASGIApp, *, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller")
        if scope["type"] != "http" or caller is None:
            await self._app(scope, receive, send)
            return

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_noted(scope["method"], message["status"]):
                await run_in_threadpool(self._note, _event(scope, caller, message))
            await send(message)

        await self._app(scope, receive, send_noted)

    def _note(self, event: AuditEvent) -> None:
        with working_on(**_job_of(event.location or event.path)):
            _log.info(event.model_dump_json())
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


def _event(scope: Scope, caller: Caller, start: Message) -> AuditEvent:
    now = datetime.now(UTC)
    return AuditEvent(
        id=keys.audit_event_id(now, uuid4().hex),
        at=now,
        tenant=caller.tenant,
        key_id=caller.key_id,
        request_id=REQUEST_ID.get() or "-",
        method=scope["method"],
        path=scope["path"][:_LONGEST_PATH],
        status=start["status"],
        location=Headers(raw=start["headers"]).get("location"),
    )
