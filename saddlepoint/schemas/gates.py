"""Passing or failing a policy by its report."""

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.base import Schema


class Gate(Schema):
    """What a gate decided, and every reason against."""

    passed: bool
    failures: list[str]


def decide(
    mean: float | None, normalized: float | None, *, min_normalized: float | None, min_mean: float | None
) -> Gate:
    """Whether the worst case reaches both thresholds; a number that is not there reaches none.

    Judged by the mean itself, not by its interval. Raises InvalidSpec without a threshold.
    """
    if min_normalized is None and min_mean is None:
        raise InvalidSpec("A gate needs a threshold: give min_normalized, min_mean or both.")
    failures = [
        *_below("normalized worst case", normalized, min_normalized),
        *_below("mean return of the worst case", mean, min_mean),
    ]
    return Gate(passed=not failures, failures=failures)


def _below(name: str, value: float | None, least: float | None) -> list[str]:
    if least is None or (value is not None and value >= least):
        return []
    if value is None:
        return [f"There is no {name}: nothing was attacked, or the clean score does not beat a random policy's."]
    return [f"The {name} is {value:.4g}, below {least:.4g}."]
