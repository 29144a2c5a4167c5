"""Keys of the store, as a running service sees them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from saddlepoint.access import create_key, revoke_key
from saddlepoint.errors import InvalidSpec, StoreError
from saddlepoint.store.local import LocalStore
from service.auth import check_bind
from service.key_ring import FRESH_S, KeyRing
from tests.service.bench import make_bench

pytestmark = pytest.mark.anyio


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class CountingStore(LocalStore):
    lists = 0
    away = False

    def list(self, prefix: str, *, start_after: str = "") -> Any:
        self.lists += 1
        if self.away:
            raise StoreError("The store is away.")
        return super().list(prefix, start_after=start_after)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path)


async def test_a_new_key_opens_a_running_service_and_a_revoked_one_does_not(store: CountingStore) -> None:
    clock = Clock()
    ring = KeyRing({}, store, clock)
    assert await ring.is_empty()
    key, record = create_key(store, "alice", ("read",))
    clock.now_s += FRESH_S
    caller = await ring.find(key)
    assert caller is not None
    assert (caller.tenant, caller.key_id, caller.scopes) == ("alice", record.id, frozenset({"read"}))
    revoke_key(store, record.id)
    clock.now_s += FRESH_S
    assert await ring.find(key) is None


async def test_a_service_whose_last_key_was_revoked_is_not_open(store: CountingStore) -> None:
    _, record = create_key(store, "alice", ("read",))
    revoke_key(store, record.id)
    assert not await KeyRing({}, store).is_empty()


async def test_guesses_cost_the_store_nothing(store: CountingStore) -> None:
    ring = KeyRing({}, store, Clock())
    await asyncio.gather(*(ring.find(f"sp_{number:016x}_{'a' * 43}") for number in range(200)))
    assert store.lists == 2


async def test_where_the_store_cannot_be_read_nobody_is_let_in(store: CountingStore) -> None:
    clock = Clock()
    ring = KeyRing({"fixed": "bob"}, store, clock)
    key, _ = create_key(store, "alice", ("read",))
    assert await ring.find(key) is not None
    store.away = True
    clock.now_s += FRESH_S
    with pytest.raises(StoreError):
        await ring.find(key)
    assert await ring.find("fixed") is not None


async def test_a_key_with_another_secret_opens_nothing(store: CountingStore) -> None:
    key, _ = create_key(store, "alice", ("read",))
    assert await KeyRing({}, store).find(key[:-43] + "a" * 43) is None


async def test_keys_of_the_settings_stay_beside_those_of_the_store(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"right": "carol"})
    for headers, status in (
        ({"Authorization": "Bearer right"}, 200),
        (bench.key("alice"), 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
    ):
        assert (await bench.api.get("/v1/policies", headers=headers)).status_code == status


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.com"])
def test_a_public_bind_without_keys_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidSpec, match="needs API keys"):
        make_bench(tmp_path, host=host)


@pytest.mark.parametrize("settings", [{"api_keys": {"key": "alice"}}, {"trust_network": True}])
def test_a_public_bind_with_keys_or_on_a_closed_network_is_not(tmp_path: Path, settings: dict[str, Any]) -> None:
    make_bench(tmp_path, host="0.0.0.0", **settings)


def test_a_public_bind_is_good_with_a_key_in_the_store(tmp_path: Path, store: CountingStore) -> None:
    create_key(LocalStore(tmp_path / "store"), "alice", ("read",))
    assert make_bench(tmp_path, host="0.0.0.0").context.settings.host == "0.0.0.0"
    create_key(store, "alice", ("read",))
    check_bind(make_bench(tmp_path).context.settings, KeyRing({}, store))
