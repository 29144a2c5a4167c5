"""Attacks on observations that are sent."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from saddlepoint.errors import InvalidRequest
from saddlepoint.evaluation.observations import (
    attack_chunk,
    from_npz,
    joined,
    read_observations,
    summary_of,
    to_npz,
)
from saddlepoint.schemas.observation_attacks import CHUNK_ROWS, ObservationArray, ObservationAttackSpec
from saddlepoint.schemas.policies import InputDescription
from tests.evaluation.episodes import CARD
from tests.evaluation.networks import linear_policy, tanh_policy

LINEAR = linear_policy(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
"""Chooses by the sign of the first number; the second one means nothing."""
CARD_OF_2 = CARD.model_copy(update={"observation": InputDescription(shape=(2,)), "actions": 2})


def attacked(observations: NDArray[Any], model: bytes = LINEAR, chunk: int = 0, **spec: Any) -> dict[str, NDArray[Any]]:
    asked = ObservationAttackSpec.model_validate({"kind": "ce", "epsilon": 0.5, **spec})
    return from_npz(attack_chunk(model, CARD_OF_2, asked, observations, chunk))


def test_an_attack_by_hand() -> None:
    """The gradient is along the first number alone; what lies within epsilon of 0 flips."""
    found = attacked(np.array([[0.3, 7.0], [-0.3, 7.0], [0.8, 7.0]], np.float32))
    assert found["observations"][:, 0] == pytest.approx([-0.2, 0.2, 0.3], abs=1e-6)
    assert found["flip"].tolist() == [True, True, False]
    assert (found["loss"] > found["clean_loss"]).all()
    assert (found["linf"] <= 0.5).all()
    assert found["l2"][0] == pytest.approx(np.linalg.norm(found["observations"][0] - [0.3, 7.0]), abs=1e-6)
    assert found["clean_outputs"][:, 0] == pytest.approx([0.3, -0.3, 0.8])


def test_the_same_attack_gives_the_same_bytes() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    asked = ObservationAttackSpec.model_validate({"kind": "ce", "epsilon": 0.5, "restarts": 2, "seed": 3})
    first, again = (attack_chunk(LINEAR, CARD_OF_2, asked, rows, 0) for _ in range(2))
    assert first == again


def test_a_row_does_not_depend_on_the_others() -> None:
    rows = np.random.default_rng(0).normal(size=(CHUNK_ROWS + 70, 2)).astype(np.float32)
    model = tanh_policy(2, 8, 2)
    whole = joined([attacked(rows, model, chunk) for chunk in (0, 1)])
    fewer = attacked(rows[:70], model)
    assert len(whole["loss"]) == len(rows)
    for name, values in fewer.items():
        assert np.array_equal(values, whole[name][:70]), name


def test_bounds_hold() -> None:
    rows = np.array([[0.3, 0.0]], np.float32)
    assert attacked(rows, low=0.0, high=1.0)["observations"].min() >= 0
    pixels = np.array([[1, 250]], np.uint8)
    found = attacked(pixels, epsilon=8.0)["observations"]
    assert found.min() >= 0
    assert found.max() <= 255


@pytest.mark.parametrize(
    "spec",
    [{"kind": "none"}, {"kind": "random"}, {"kind": "square"}, {"kind": "fgsm"}, {"norm": "l2"}, {"kind": "worst"}],
)
def test_every_kind_works(spec: dict[str, Any]) -> None:
    found = attacked(np.array([[0.3, 7.0]], np.float64), **spec)
    assert found["observations"].shape == (1, 2)
    assert found["observations"].dtype == np.float32
    assert (found["linf"] <= 0.5).all()


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="NaN"):
        attacked(np.array([[np.nan, 0.0]], np.float32))


def test_an_answer_that_is_no_number_is_told() -> None:
    steep = linear_policy(torch.tensor([[1e30, 0.0], [-1e30, 0.0]]))
    with pytest.raises(InvalidRequest, match="answer with finite numbers"):
        attacked(np.array([[1e30, 0.0]], np.float32), steep)


def test_a_file_that_is_not_what_its_header_said_is_refused() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 2), np.float32))
    said = ObservationArray(shape=(2, 2), dtype="float32")
    assert read_observations(buffer.getvalue(), said).shape == (2, 2)
    for data, array in (
        (b"x", said),
        (buffer.getvalue(), said.model_copy(update={"shape": (1, 4)})),
        (buffer.getvalue(), said.model_copy(update={"dtype": "float64"})),
    ):
        with pytest.raises(InvalidRequest):
            read_observations(data, array)


def test_objects_are_never_unpickled() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[print]], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidRequest, match=r"numpy\.save"):
        read_observations(buffer.getvalue(), ObservationArray(shape=(1, 1), dtype="object"))


def test_the_summary_by_hand() -> None:
    summary = summary_of(attacked(np.array([[0.3, 7.0], [0.8, 7.0]], np.float32)))
    assert (summary.rows, summary.flip_rate) == (2, 0.5)
    assert summary.mean_loss > summary.mean_clean_loss


def test_npz_goes_there_and_back() -> None:
    columns = {"a": np.arange(3), "b": np.ones((3, 2))}
    back = from_npz(to_npz(columns))
    assert all(np.array_equal(columns[name], back[name]) for name in columns)
