"""API keys in the store: enough to recognise a key, and not to use it."""

import pytest

from saddlepoint.access import create_key, digest_of, id_of, is_key_of, load_keys, revoke_key, revoked_ids
from saddlepoint.errors import InvalidRequest, NotFound
from saddlepoint.schemas.access import read_scopes
from saddlepoint.store import Store
from saddlepoint.store.local import LocalStore


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return LocalStore(tmp_path_factory.mktemp("store"))


def test_a_key_is_known_by_its_record(store: Store) -> None:
    key, record = create_key(store, "alice", ("read",), "ci")
    assert load_keys(store) == [record]
    assert (record.id, record.tenant, record.scopes, record.name) == (id_of(key), "alice", ("read",), "ci")
    assert is_key_of(key, record)
    assert not is_key_of(key[:-1] + ("A" if key[-1] != "A" else "B"), record)


def test_nothing_in_the_store_opens_anything(store: Store) -> None:
    key, record = create_key(store, "alice", ("read",))
    stored = b"".join(store.get(name) for name in store.list(""))
    assert key.split("_", 2)[2].encode() not in stored
    assert record.sha256 == digest_of(key)


def test_keys_are_long_and_never_the_same(store: Store) -> None:
    made = {create_key(store, "alice", ("read",))[0] for _ in range(20)}
    assert len(made) == 20
    assert {len(key) for key in made} == {3 + 16 + 1 + 43}


def test_a_revoked_key_stays_known_as_such(store: Store) -> None:
    _, record = create_key(store, "alice", ("read",))
    for _ in range(2):
        assert revoke_key(store, record.id) == record
    assert revoked_ids(store) == {record.id}
    assert load_keys(store) == [record]


@pytest.mark.parametrize("key_id", ["0123456789abcdef", "../keys", ""])
def test_what_does_not_exist_is_not_revoked(store: Store, key_id: str) -> None:
    with pytest.raises(NotFound):
        revoke_key(store, key_id)
    assert revoked_ids(store) == frozenset()


@pytest.mark.parametrize("tenant", ["", "a/b", "-a", "..", "x" * 65, "ä"])
def test_a_tenant_is_a_plain_name(store: Store, tenant: str) -> None:
    with pytest.raises(InvalidRequest):
        create_key(store, tenant, ("read",))


@pytest.mark.parametrize("text", ["sp_0123456789abcdef", "", "right", "sp_0123456789ABCDEF_" + "a" * 43])
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert id_of(text) is None


@pytest.mark.parametrize(
    ("text", "scopes"),
    [("read", ("read",)), ("submit, read", ("read", "submit")), ("admin,read,submit", ("read", "submit", "admin"))],
)
def test_scopes_are_read_in_their_own_order(text: str, scopes: tuple[str, ...]) -> None:
    assert read_scopes(text) == scopes


@pytest.mark.parametrize("text", ["", ",", "write", "read,write"])
def test_other_scopes_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        read_scopes(text)
