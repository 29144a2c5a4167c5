"""`python -m service.keys`: makes, lists and revokes API keys where the store is; `saddlepoint keys` runs it."""

import argparse
import sys
from datetime import UTC, datetime
from uuid import uuid4

from saddlepoint.access import create_key, load_keys, revoke_key, revoked_ids
from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import AuditEvent, KeyRecord, read_scopes
from saddlepoint.settings import Settings
from saddlepoint.store import Store, open_store, put_record

_FAILED = 2


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; the exit status. Data goes to stdout, the rest to stderr."""
    options = _parser().parse_args(arguments)
    store = open_store(Settings.from_environment().store_url)
    try:
        _COMMANDS[options.command](store, options)
    except SaddlepointError as error:
        print(f"saddlepoint: {error} [{error.code}]", file=sys.stderr)  # noqa: T201
        return _FAILED
    return 0


def _create(store: Store, options: argparse.Namespace) -> None:
    key, record = create_key(store, options.tenant, read_scopes(options.scopes), options.name)
    _note(store, record, "create")
    print(key)  # noqa: T201
    print("This key is shown once; the store has only its digest.", file=sys.stderr)  # noqa: T201


def _list(store: Store, options: argparse.Namespace) -> None:
    revoked = revoked_ids(store)
    for record in load_keys(store):
        if options.tenant in (None, record.tenant):
            state = "revoked" if record.id in revoked else "good"
            made = f"{record.created_at:%Y-%m-%d %H:%M}"
            print("\t".join([record.id, record.tenant, ",".join(record.scopes), state, made, record.name]))  # noqa: T201


def _revoke(store: Store, options: argparse.Namespace) -> None:
    _note(store, revoke_key(store, options.id), "revoke")


_COMMANDS = {"create": _create, "list": _list, "revoke": _revoke}


def _note(store: Store, record: KeyRecord, verb: str) -> None:
    """In the audit log of the key's tenant: who may do such things is somebody with the store in hand."""
    now = datetime.now(UTC)
    event = AuditEvent(
        id=keys.audit_event_id(now, uuid4().hex),
        at=now,
        tenant=record.tenant,
        key_id="shell",
        request_id="-",
        method=verb.upper(),
        path=f"keys/{record.id}",
        status=0,
    )
    put_record(store, keys.audit_event(event.tenant, event.id), event)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="saddlepoint keys", description="API keys of the store in SADDLEPOINT_STORE_URL."
    )
    add = parser.add_subparsers(dest="command", required=True).add_parser
    create = add("create")
    create.add_argument("--tenant", required=True)
    create.add_argument("--scopes", default="read,submit")
    create.add_argument("--name", default="")
    add("list").add_argument("--tenant")
    add("revoke").add_argument("id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
