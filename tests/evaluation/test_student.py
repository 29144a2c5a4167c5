import pytest
from scipy import special, stats

from saddlepoint.evaluation.student import incomplete_beta, t_cdf, t_quantile


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 28, 29, 100, 1000, 100_000])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9999])
def test_quantiles_are_scipys(degrees: int, probability: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 7, 50])
@pytest.mark.parametrize("value", [-30.0, -2.0, 0.0, 0.1, 5.0])
def test_the_distribution_function_is_scipys(degrees: int, value: float) -> None:
    assert t_cdf(value, degrees) == pytest.approx(stats.t.cdf(value, degrees), rel=1e-10)


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.2, 0.5, 0.97, 1.0])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2.0, 7.5), (500.0, 0.5)])
def test_the_incomplete_beta_function_is_scipys(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-10)


def test_the_textbook_value() -> None:
    assert t_quantile(0.975, 9) == pytest.approx(2.262, abs=5e-4)
