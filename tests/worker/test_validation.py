"""From quarantine to a policy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from saddlepoint.errors import StoreError, UnsafePickle
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard, PolicyHints, UploadRequest, Verdict
from saddlepoint.schemas.problems import problem_of
from saddlepoint.store import get_record, put_record
from saddlepoint.store.local import LocalStore
from tests.worker.world import NOW, make_card, make_context
from worker.context import Context
from worker.validation import Imported, validate

REQUEST = UploadRequest(
    upload_id="upload",
    policy_id="policy",
    owner="owner",
    sha256="0" * 64,
    size=5,
    filename="policy.zip",
    hints=PolicyHints(),
    created_at=NOW,
)


@dataclass(frozen=True)
class Policy:
    model: bytes
    card: PolicyCard


@pytest.fixture
def uploaded(tmp_path: Path, redis_url: str) -> Context:
    context = make_context(tmp_path, redis_url)
    context.store.put(keys.upload_file("upload"), b"bytes")
    put_record(context.store, keys.upload_request("upload"), REQUEST)
    return context


def accept(data: bytes, request: UploadRequest, now: datetime) -> Imported:
    assert (data, request) == (b"bytes", REQUEST)
    assert now.tzinfo
    return Policy(b"model", make_card())


def refuse(data: bytes, request: UploadRequest, now: datetime) -> Imported:
    raise UnsafePickle("It carries code.")


def break_down(data: bytes, request: UploadRequest, now: datetime) -> Imported:
    raise OSError("no more processes")


def never(data: bytes, request: UploadRequest, now: datetime) -> Imported:
    raise AssertionError


def verdict(context: Context) -> Verdict:
    return get_record(context.store, keys.upload_verdict("upload"), Verdict)


def test_an_accepted_upload_becomes_a_policy_and_leaves_quarantine(uploaded: Context) -> None:
    validate(uploaded, accept, "upload")
    assert verdict(uploaded) == Verdict(policy_id="policy")
    assert uploaded.store.get(keys.policy_model("policy")) == b"model"
    assert get_record(uploaded.store, keys.policy_card("policy"), PolicyCard) == make_card()
    assert list(uploaded.store.list("index/")) == [keys.policy_index("owner", NOW, "policy")]
    assert not uploaded.store.exists(keys.upload_file("upload"))


def test_a_rejected_upload_leaves_a_verdict_and_nothing_else(uploaded: Context) -> None:
    validate(uploaded, refuse, "upload")
    assert verdict(uploaded) == Verdict(problem=problem_of(UnsafePickle("It carries code.")))
    assert list(uploaded.store.list("")) == [keys.upload_request("upload"), keys.upload_verdict("upload")]


def test_a_validator_that_does_not_start_is_no_verdict(uploaded: Context) -> None:
    with pytest.raises(OSError, match="no more processes"):
        validate(uploaded, break_down, "upload")
    assert not uploaded.store.exists(keys.upload_verdict("upload"))
    validate(uploaded, accept, "upload")
    assert verdict(uploaded).policy_id == "policy"


def test_what_was_judged_is_not_opened_again(uploaded: Context) -> None:
    put_record(uploaded.store, keys.upload_verdict("upload"), Verdict(policy_id="policy"))
    validate(uploaded, never, "upload")
    assert not uploaded.store.exists(keys.upload_file("upload"))


def test_a_policy_that_is_there_is_not_imported_again(uploaded: Context) -> None:
    put_record(uploaded.store, keys.policy_card("policy"), make_card())
    validate(uploaded, never, "upload")
    assert verdict(uploaded).policy_id == "policy"


def test_a_model_without_a_card_is_replaced(uploaded: Context) -> None:
    uploaded.store.put(keys.policy_model("policy"), b"of an attempt that died")
    validate(uploaded, accept, "upload")
    assert uploaded.store.get(keys.policy_model("policy")) == b"model"


@pytest.mark.parametrize("withdrawn", [keys.upload_request, keys.upload_file])
def test_a_withdrawn_upload_gets_no_verdict(uploaded: Context, withdrawn: Callable[[str], str]) -> None:
    uploaded.store.delete(withdrawn("upload"))
    validate(uploaded, never, "upload")
    assert not uploaded.store.exists(keys.upload_verdict("upload"))


class FullBeforeTheCard(LocalStore):
    def put(self, key: str, data: bytes) -> bool:
        if key == keys.policy_card("policy"):
            raise StoreError("The disk is full.")
        return super().put(key, data)


def test_a_full_disk_is_no_verdict(uploaded: Context, tmp_path: Path) -> None:
    full = replace(uploaded, store=FullBeforeTheCard(tmp_path))
    with pytest.raises(StoreError):
        validate(full, accept, "upload")
    assert not uploaded.store.exists(keys.upload_verdict("upload"))
    validate(uploaded, accept, "upload")
    assert verdict(uploaded).policy_id == "policy"
