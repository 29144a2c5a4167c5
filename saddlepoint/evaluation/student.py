"""Quantiles of Student's t distribution, from the standard library alone."""

import math

_TINY = 1e-300
_PRECISION = 1e-15


def t_quantile(probability: float, degrees: float) -> float:
    """The value that a t variable of `degrees` >= 1 (whole or not) stays below with `probability`, 0 < probability < 1.

    By bisection of the distribution function, which rises; good to about 1e-12 relative.
    """
    if probability < 0.5:
        return -t_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while t_cdf(high, degrees) < probability:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def t_cdf(value: float, degrees: float) -> float:
    """The probability that a t variable of `degrees` is at most `value` (Abramowitz and Stegun, 26.7.1)."""
    tail = incomplete_beta(degrees / (degrees + value * value), degrees / 2, 0.5) / 2
    return 1 - tail if value > 0 else tail


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), 0 <= x <= 1."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    scale = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(scale) / (a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d1/(1 + d2/(1 + ...)) of Abramowitz and Stegun 26.5.8, by Lentz's method."""
    fraction, numerator, denominator = 1.0, 1.0, 0.0
    for index in range(1, 10_000):
        half = index // 2
        if index % 2 == 0:
            coefficient = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            coefficient = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        denominator = 1 / _away_from_zero(1 + coefficient * denominator)
        numerator = _away_from_zero(1 + coefficient / numerator)
        fraction *= numerator * denominator
        if abs(numerator * denominator - 1) < _PRECISION:
            break
    return fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
