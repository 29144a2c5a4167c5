"""What the doctor says of a store."""

from pathlib import Path

import pytest

from saddlepoint.errors import StoreError
from saddlepoint.schemas.checkups import Verdict
from saddlepoint.store.local import LocalStore
from worker.doctor.storage import disk, look_at_store, taken_once


class Overwriting(LocalStore):
    """The last put of a key wins."""

    def put(self, key: str, data: bytes) -> bool:
        self.delete(key)
        return super().put(key, data)


class Full(LocalStore):
    def put(self, key: str, data: bytes) -> bool:
        raise StoreError("The disk is full.")


def test_a_folder_is_looked_at_and_left_as_it_was(tmp_path: Path) -> None:
    findings = {finding.check: finding.verdict for finding in look_at_store(str(tmp_path))}
    assert findings.keys() == {"store", "disk", "store clock"}
    assert (findings["store"], findings["store clock"]) == ("ok", "ok")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_that_overwrites_fails(tmp_path: Path) -> None:
    finding = taken_once(Overwriting(tmp_path))
    assert (finding.verdict, finding.found) == ("fail", "overwrites what is there")


def test_a_store_that_takes_nothing_says_why(tmp_path: Path) -> None:
    finding = taken_once(Full(tmp_path))
    assert (finding.verdict, finding.found) == ("fail", "does not work: The disk is full.")


def test_a_url_of_no_store_fails() -> None:
    (finding,) = look_at_store("ftp://host/folder")
    assert finding.verdict == "fail"
    assert "A store is a path" in finding.remedy


@pytest.mark.parametrize(("gib", "verdict"), [(0.9, "fail"), (4.9, "warn"), (5.1, "ok")])
def test_a_disk_has_room(gib: float, verdict: Verdict) -> None:
    assert disk(int(gib * 2**30)).verdict == verdict
