"""What the service asks of its store is counted, timed, and told apart by how it ended."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.store.local import LocalStore
from service.measured_store import MeasuredStore, store_seconds
from tests.service.bench import Bench


class Full(LocalStore):
    def put(self, key: str, data: bytes) -> bool:
        raise StoreError("The disk is full.")


def _count(registry: CollectorRegistry, operation: str, outcome: str) -> float | None:
    return registry.get_sample_value("saddlepoint_store_seconds_count", {"operation": operation, "outcome": outcome})


def test_it_does_what_the_store_does_and_counts_it(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    store = MeasuredStore(LocalStore(tmp_path / "store"), store_seconds(registry))
    (tmp_path / "file").write_bytes(b"two")
    assert store.put("a/one", b"one")
    assert not store.put("a/one", b"other")
    assert store.put_file("a/two", tmp_path / "file")
    assert store.get("a/one") == b"one"
    assert b"".join(store.stream("a/two").pieces) == b"two"
    assert store.exists("a/one")
    assert list(store.list("a/", start_after="a/one")) == ["a/two"]
    store.delete("a/one")
    assert store.sweep(0) == 0
    assert _count(registry, "put", "done") == 2
    for operation in ("put_file", "get", "stream", "exists", "list", "delete", "sweep"):
        assert _count(registry, operation, "done") == 1


def test_what_is_absent_is_no_failure_and_a_failure_is_one(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    store = MeasuredStore(Full(tmp_path), store_seconds(registry))
    with pytest.raises(ArtifactNotFound):
        store.get("no/such")
    with pytest.raises(StoreError, match="full"):
        store.put("a/one", b"")
    assert (_count(registry, "get", "absent"), _count(registry, "put", "failed")) == (1, 1)
    assert _count(registry, "get", "failed") is None


@pytest.mark.anyio
async def test_the_service_tells_of_its_own(bench: Bench) -> None:
    await bench.api.get("/v1/evaluations/nowhere")
    text = (await bench.api.get("/metrics")).text
    assert 'saddlepoint_store_seconds_count{operation="get",outcome="absent"}' in text
