"""What is asked of a store is observed, and told apart by how it ended."""

from collections import Counter
from pathlib import Path

import pytest

from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.store import MeasuredStore
from saddlepoint.store.local import LocalStore


class Full(LocalStore):
    def put(self, key: str, data: bytes) -> bool:
        raise StoreError("The disk is full.")


class Observed(Counter[tuple[str, str]]):
    """How often operations ended how; no time is negative."""

    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self[operation, outcome] += 1


def test_it_does_what_the_store_does_and_tells_of_it(tmp_path: Path) -> None:
    observed = Observed()
    store = MeasuredStore(LocalStore(tmp_path / "store"), observed)
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
    others = ("put_file", "get", "stream", "exists", "list", "delete", "sweep")
    assert observed == {("put", "done"): 2, **{(operation, "done"): 1 for operation in others}}


def test_what_is_absent_is_no_failure_and_a_failure_is_one(tmp_path: Path) -> None:
    observed = Observed()
    store = MeasuredStore(Full(tmp_path), observed)
    with pytest.raises(ArtifactNotFound):
        store.get("no/such")
    with pytest.raises(StoreError, match="full"):
        store.put("a/one", b"")
    assert observed == {("get", "absent"): 1, ("put", "failed"): 1}
