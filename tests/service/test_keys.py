"""`saddlepoint keys`, as an operator types it."""

from pathlib import Path

import pytest

from clients.cli import main
from saddlepoint.access import load_keys, revoked_ids
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import AuditEvent
from saddlepoint.store import get_record
from saddlepoint.store.local import LocalStore


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SADDLEPOINT_STORE_URL", raising=False)


def run(folder: Path, *arguments: str) -> int:
    return main(["keys", *arguments, "--data", str(folder)])


def test_a_key_is_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "create", "--tenant", "alice", "--scopes", "read,admin", "--name=-ci") == 0
    key, note = capsys.readouterr()
    store = LocalStore(tmp_path / "store")
    (record,) = load_keys(store)
    assert key.startswith(f"sp_{record.id}_")
    assert "shown once" in note
    assert run(tmp_path, "revoke", record.id) == 0
    assert revoked_ids(store) == {record.id}
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out.split("\t")[:4] == [record.id, "alice", "read,admin", "revoked"]
    events = [get_record(store, name, AuditEvent) for name in store.list(keys.audit_events("alice"))]
    assert [(event.method, event.path) for event in events] == [
        ("CREATE", f"keys/{record.id}"),
        ("REVOKE", f"keys/{record.id}"),
    ]


def test_a_tenant_lists_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tenant in ("alice", "bob"):
        run(tmp_path, "create", "--tenant", tenant)
    capsys.readouterr()
    assert run(tmp_path, "list", "--tenant", "bob") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split("\t")[1:4] == ["bob", "read,submit", "good"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--tenant", "a/b"), "A tenant is up to 64"),
        (("create", "--tenant", "a", "--scopes", "all"), "Scopes are one or more of"),
        (("revoke", "nothing"), "There is no API key nothing"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert run(tmp_path, *arguments) == 2
    assert told in capsys.readouterr().err
