"""A few hundred damaged files; `make fuzz N=100000` tries as many as wanted."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import onnx
import pytest

from saddlepoint.errors import InternalError
from tests.corpus.traps import GOOD
from tests.fuzz.campaign import prepare, run
from tests.fuzz.messages import mutate_message
from tests.fuzz.mutations import mutated
from tests.fuzz.uploads import CODES, TAKEN, Outcomes, damaged, judge
from tests.policies.networks import saved, zipped
from tests.policies.onnx_models import linear

WHOLE = linear().SerializeToString()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_damaged_files_are_taken_or_refused(tmp_path: Path) -> None:
    outcomes = Outcomes()
    run(prepare(tmp_path, seed=1), 400, outcomes)
    assert outcomes.wrong == {}
    assert (outcomes.codes.total(), outcomes.uploaded) == (400, 8)
    assert len(outcomes.codes) > 5
    assert 0 < outcomes.codes[TAKEN] < 100


def test_the_same_number_is_the_same_damage() -> None:
    files = [WHOLE, saved(GOOD)]
    first, again, other = (damaged(files, seed, 3) for seed in (1, 1, 2))
    assert first == again != other


def test_damage_to_a_message_leaves_most_messages_readable() -> None:
    """Else only the parser would be tried."""
    random = Random(0)
    readable = sum(_is_read(mutate_message(WHOLE, random)) for _ in range(200))
    assert readable > 120


def _is_read(data: bytes) -> bool:
    try:
        return bool(onnx.load_model_from_string(data).graph.node)
    except Exception:
        return False


@pytest.mark.parametrize("make", [lambda: WHOLE, lambda: saved(GOOD), lambda: zipped({"p.onnx": WHOLE}), lambda: b""])
def test_any_file_can_be_damaged(make: Callable[[], bytes]) -> None:
    data, random = make(), Random(0)
    assert len({mutated(data, [WHOLE], random) for _ in range(100)}) > (60 if data else 3)


def test_a_child_that_comes_to_harm_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are judged again, each alone; a code that is no refusal's is a finding."""
    outcomes = Outcomes()
    monkeypatch.setattr("tests.fuzz.uploads._imported", _die_of_bombs)
    judge([b"harmless", b"bomb", b"strange"], ["0", "1", "2"], outcomes)
    assert outcomes.alone == 3
    assert outcomes.codes == {TAKEN: 1, "malformed-policy": 1, "internal-error": 1}
    assert list(outcomes.wrong.values()) == [b"strange"]
    assert "internal-error" not in CODES


def _die_of_bombs(data: bytes) -> bytes:
    if data == b"bomb":
        os.abort()
    if data == b"strange":
        raise InternalError("It is strange.")
    return data
