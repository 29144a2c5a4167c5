"""Every file of the corpus through the whole intake: the answer is the one it should get, and nothing in it ran."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.corpus.benign import BENIGN
from tests.corpus.intake import Intake, make_intake
from tests.corpus.malicious import MALICIOUS

TIME_S = 30.0
pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("FutureWarning", "DeprecationWarning")]
"""PyTorch's exporters warn of themselves."""


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    return make_intake(tmp_path_factory.mktemp("intake"))


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Must not exist afterwards, nor anything beside it."""
    yield tmp_path / "marker"
    assert os.listdir(tmp_path) == []


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert (len(MALICIOUS), len(BENIGN)) == (31, 22)


@pytest.mark.parametrize("name", MALICIOUS)
def test_what_does_harm_is_refused(name: str, intake: Intake, marker: Path) -> None:
    sample = MALICIOUS[name]
    data = sample.make(marker)
    stored, began = intake.bench.stored(), monotonic()
    answer = intake.upload(data)
    assert (answer.status_code, answer.json()["code"]) == (sample.status, sample.code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert intake.bench.stored() == stored
    assert monotonic() - began < TIME_S


@pytest.mark.parametrize("name", BENIGN)
def test_what_is_a_policy_is_taken(name: str, intake: Intake, marker: Path) -> None:
    sample = BENIGN[name]
    answer = intake.upload(sample.make(marker))
    assert answer.status_code == 201, answer.text
    card = answer.json()
    assert (card["format"], card["head"], card["actions"]) == (sample.format, sample.head, sample.actions)
    assert tuple(card["observation"]["shape"]) == sample.shape
