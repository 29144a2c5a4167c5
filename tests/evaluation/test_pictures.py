"""Observations as pictures."""

import numpy as np
import pytest

from saddlepoint.evaluation.pictures import enlarged, newest, shades


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param((4, 5, 6), (slice(None), 3), id="a stack of frames: the last one"),
        pytest.param((2, 5, 6, 3), (slice(None), 1), id="a stack of frames in colour"),
    ],
)
def test_the_newest_frame_of_a_stack_is_its_last(shape: tuple[int, ...], expected: tuple[slice, int]) -> None:
    stack = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert np.array_equal(newest(stack), stack[expected[1]])


def test_channels_may_come_last() -> None:
    stack = np.arange(8 * 8 * 4, dtype=np.float32).reshape(8, 8, 4)
    assert np.array_equal(newest(stack), stack[..., 3])


def test_of_colours_the_last_three_are_the_newest_picture() -> None:
    stack = np.arange(36 * 36 * 12, dtype=np.float32).reshape(36, 36, 12)
    assert np.array_equal(newest(stack), stack[..., 9:])


def test_one_picture_stays_whole_and_what_is_none_becomes_flat() -> None:
    assert newest(np.zeros((9, 8, 3), np.float32)).shape == (9, 8, 3)
    assert newest(np.zeros((9, 8), np.float32)).shape == (9, 8)
    assert newest(np.zeros(7, np.float32)).shape == (7,)


def test_shares_become_greys_and_colours_stay_colours() -> None:
    assert shades(np.array([[-1.0, 0.5, 2.0]])).tolist() == [[[0] * 3, [128] * 3, [255] * 3]]
    assert shades(np.array([[[0.0, 0.2, 1.0]]])).tolist() == [[[0, 51, 255]]]


def test_a_pixel_is_enlarged_to_a_square() -> None:
    pixels = np.array([[[1] * 3, [2] * 3]], np.uint8)
    assert enlarged(pixels, 2)[..., 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
