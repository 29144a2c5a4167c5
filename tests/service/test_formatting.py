import pytest

from service.pages.formatting import (
    architecture,
    duration,
    interval,
    left,
    moment,
    number,
    sentence,
    share,
    size,
)
from tests.service.doubles import NOON


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (4.0, "4"),
        (16.333, "16.3"),
        (-6.94, "−6.94"),
        (1234.5, "1,234"),
        (0.00123, "0.00123"),
        (-0.0, "0"),
    ],
)
def test_a_number_has_about_three_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_intervals_shares_and_sizes() -> None:
    assert (interval((1.234, -5.0)), interval(None)) == ("[1.23, −5]", "")
    assert (share(0.1234), share(1.0), share(None)) == ("12.3%", "100%", "–")
    assert (left(0.5), left(-0.07)) == ("50% left", "nothing left")
    assert (size(999), size(12_345), size(3_400_000)) == ("999 bytes", "12 kB", "3.4 MB")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0.4, "0 s"), (59, "59 s"), (61, "1 min"), (7_800, "2 h 10 min"), (90_000, "1 d 1 h"), (1e6, "11 d")],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_texts_and_moments() -> None:
    assert moment(NOON) == '<time datetime="2026-01-02T12:00:00+00:00">2 Jan 2026, 12:00 UTC</time>'
    assert (architecture("mlp"), architecture("onnx"), architecture("other")) == ("MLP", "own graph", "other")
    assert (sentence("It holds"), sentence("It holds.")) == ("It holds.", "It holds.")
