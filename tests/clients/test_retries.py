"""How long a client pauses before it asks again."""

from datetime import UTC, datetime

import pytest

from clients.retries import RetryPolicy, retry_after_s

POLICY = RetryPolicy(attempts=4, first_s=1.0, longest_s=10.0)


def test_pauses_double_and_end() -> None:
    assert [POLICY.pause_s(attempt, None, 1.0) for attempt in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, None]


def test_half_of_a_pause_is_spread() -> None:
    assert [POLICY.pause_s(3, None, share) for share in (0.0, 0.5, 1.0)] == [2.0, 3.0, 4.0]


def test_a_pause_is_at_least_what_the_service_asks_for() -> None:
    assert POLICY.pause_s(1, 7.0, 1.0) == 7.0


def test_a_service_that_asks_for_too_much_is_not_asked_again() -> None:
    assert POLICY.pause_s(1, 11.0, 1.0) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("3", 3.0),
        ("-3", 0.0),
        ("Thu, 01 Jan 2026 00:00:05 GMT", 5.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_read_in_both_spellings(header: str | None, expected: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 1, 1, tzinfo=UTC)) == expected
