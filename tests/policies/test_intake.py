"""What stands between an environment's observation and the network of a file."""

from typing import Any

import numpy as np
import pytest
import torch

from saddlepoint.errors import ObservationMismatch
from saddlepoint.policies.builder import Live
from saddlepoint.policies.intake import as_taken_in, take_in, turned_by, turned_from_pixels
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.schemas.policies import PolicyHints

STACK_LAST, COLOURS_FIRST = (1, 2, 0), (2, 0, 1)
"""How the axes of the file's input come from the environment's."""


@pytest.mark.parametrize(
    ("layout", "shape", "turned", "guesses"),
    [
        (None, (4, 84, 84), None, 0),
        (None, (84, 84, 4), STACK_LAST, 1),
        ("nhwc", (84, 84, 4), STACK_LAST, 0),
        ("nhwc", (84, 84, 1), STACK_LAST, 0),
        ("nchw", (84, 84, 4), None, 0),
        (None, (96, 96, 3), None, 0),
        ("nhwc", (96, 96, 3), None, 0),
        (None, (3, 96, 96), COLOURS_FIRST, 1),
        ("nchw", (3, 96, 96), None, 0),
        (None, (84, 84, 12), None, 0),
        (None, (12, 84, 84), COLOURS_FIRST, 1),
        ("nchw", (12, 84, 84), None, 0),
        (None, (9, 84, 84), None, 0),
        (None, (2, 3, 4), None, 0),
        (None, (3, 3, 5), None, 0),
        (None, (4,), None, 0),
        ("nhwc", (4,), None, 0),
    ],
)
def test_onnx_inputs_are_turned_to_what_environments_give(
    layout: str | None, shape: tuple[int, ...], turned: tuple[int, ...] | None, guesses: int
) -> None:
    told: list[str] = []
    assert turned_by(layout, shape, told) == turned
    assert len(told) == guesses


@pytest.mark.parametrize(
    ("layout", "shape", "turned"),
    [
        (None, (4, 84, 84), None),
        ("nhwc", (4, 84, 84), None),
        (None, (3, 96, 96), COLOURS_FIRST),
        (None, (12, 84, 84), COLOURS_FIRST),
        ("nchw", (12, 84, 84), None),
        (None, (6, 84, 84), None),
        ("nhwc", (6, 84, 84), COLOURS_FIRST),
        ("nhwc", (3, 96, 96), COLOURS_FIRST),
        ("nchw", (3, 96, 96), None),
        (None, (1, 84, 84), None),
        ("nhwc", (1, 84, 84), COLOURS_FIRST),
    ],
)
def test_plain_weights_always_take_channels_first(
    layout: str | None, shape: tuple[int, ...], turned: tuple[int, ...] | None
) -> None:
    assert turned_from_pixels(layout, shape, []) == turned


@pytest.mark.parametrize(
    ("hints", "scale", "turned"),
    [
        ({}, None, None),
        ({}, 255.0, STACK_LAST),
        ({}, 10.0, COLOURS_FIRST),
        ({"observation_mean": [1.0], "observation_std": [2.0]}, None, None),
        ({"observation_mean": [float(n) for n in range(24)], "observation_clip": 5.0}, 2.0, STACK_LAST),
    ],
)
def test_the_graph_and_its_check_agree_on_what_goes_in(
    hints: dict[str, Any], scale: float | None, turned: tuple[int, ...] | None
) -> None:
    given = (2, 3, 4)
    shape = given if turned is None else tuple(given[axis] for axis in turned)
    intake = take_in(shape, PolicyHints(**hints), scale=scale, turned=turned)
    assert intake.build.observation.shapes[0] == (2, *given)
    flat = intake.build.live("Reshape", intake.x, shape=(-1, 24))
    assert isinstance(flat, Live)
    rows = np.random.default_rng(0).uniform(-9, 9, (5, *given)).astype(np.float32)
    found = PolicyNetwork(intake.build.finish(logits=flat))(torch.from_numpy(rows)).logits.numpy()
    expected = as_taken_in(rows, PolicyHints(**hints), scale=scale, turned=turned)
    assert expected.shape == (5, *shape)
    np.testing.assert_allclose(found, expected.reshape(5, 24), atol=1e-6)


@pytest.mark.parametrize(
    "hints", [{"observation_mean": [1.0, 2.0]}, {"observation_std": []}, {"observation_std": [1.0, 0.0, 1.0]}]
)
def test_statistics_that_do_not_fit_are_refused(hints: dict[str, Any]) -> None:
    with pytest.raises(ObservationMismatch):
        take_in((3,), PolicyHints(**hints), scale=None, turned=None)
