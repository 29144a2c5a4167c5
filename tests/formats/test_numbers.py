"""Numbers as they are printed in a report."""

import pytest

from saddlepoint.formats.numbers import decimals_for, number, share, signed, significant, typeset


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([], 1), ([0.0], 1), ([2557.98, 3.0], 0), ([-500.0], 1), ([99.4], 2), ([5.65], 2), ([0.054], 4), ([1e-9], 6)],
)
def test_decimals_follow_the_largest_value(values: list[float], decimals: int) -> None:
    assert decimals_for(values) == decimals


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (-5.651, "−5.65"), (-0.001, "0.00"), (12345.678, "12,345.68"), (0.0, "0.00")]
)
def test_numbers_have_a_true_minus_sign_and_no_negative_zero(value: float | None, shown: str) -> None:
    assert number(value, 2) == shown


@pytest.mark.parametrize(("value", "shown"), [(1.5, "+1.5"), (-1.5, "−1.5"), (0.0, "0.0"), (0.01, "0.0"), (None, "–")])
def test_differences_carry_their_sign(value: float | None, shown: str) -> None:
    assert signed(value, 1) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0%"), (1.0, "100%"), (0.0001, "<0.1%"), (0.9999, ">99.9%"), (0.123, "12.3%"), (-0.5, "−50.0%")],
)
def test_a_share_that_is_almost_all_or_none_does_not_read_as_such(value: float, shown: str) -> None:
    assert share(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("from 5 to -10.9 (-15 to -6.8)", "From 5 to −10.9 (−15 to −6.8)."), ("ce-4 and 1e-5", "Ce-4 and 1e-5.")],
)
def test_a_verdict_is_set_with_true_minus_signs(text: str, shown: str) -> None:
    assert typeset(text) == shown


@pytest.mark.parametrize(("value", "shown"), [(1.80108, "1.8"), (0.012345, "0.0123"), (123.4, "123")])
def test_what_was_interpolated_has_three_digits(value: float, shown: str) -> None:
    assert significant(value) == shown
