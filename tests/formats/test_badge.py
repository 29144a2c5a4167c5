"""The badge: right in words and colour, readable, and without anything from elsewhere."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from saddlepoint.formats.badge import to_badge
from saddlepoint.schemas.gates import Thresholds, decide
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report

SVG = "{http://www.w3.org/2000/svg}"
GREEN, OCHRE, ORANGE, RED, GREY = "#2e7d32", "#8a6100", "#b04a00", "#b3261e", "#5f6770"


def report_with(**fields: Any) -> RobustnessReport:
    report = sample_report()
    assert report.worst_case is not None
    return report.model_copy(update={"worst_case": report.worst_case.model_copy(update=fields)})


def said(svg: str) -> tuple[str, str]:
    """What a screen reader says, and the colour of the right half."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    colours = [rect.attrib["fill"] for rect in root.iter(f"{SVG}rect") if "fill" in rect.attrib]
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title")
    return root.attrib["aria-label"], colours[-1]


@pytest.mark.parametrize(
    ("normalized", "interval", "message", "colour"),
    [
        (0.97, (0.91, 1.02), "robustness: ≥ 91.0% at ε 4", GREEN),
        (0.97, (0.8, 1.1), "robustness: ≥ 80.0% at ε 4", OCHRE),
        (0.6, (0.45, 0.7), "robustness: ≥ 45.0% at ε 4", OCHRE),
        (0.3, (-0.1, 0.7), "robustness: may lose all at ε 4", ORANGE),
        (-0.2, None, "robustness: about 0% at ε 4", RED),
        (None, None, "robustness: unknown", GREY),
    ],
)
def test_without_a_gate_it_tells_what_is_left_for_sure(
    normalized: float | None, interval: tuple[float, float] | None, message: str, colour: str
) -> None:
    assert said(to_badge(report_with(normalized=normalized, normalized_ci95=interval))) == (message, colour)


@pytest.mark.parametrize(
    ("least", "message", "colour"),
    [(0.4, "robustness: passed, ≥ 45.0% at ε 4", GREEN), (0.5, "robustness: failed, ≥ 45.0% at ε 4", RED)],
)
def test_with_a_gate_it_tells_how_that_ended(least: float, message: str, colour: str) -> None:
    report = report_with(normalized=0.6, normalized_ci95=(0.45, 0.7))
    assert said(to_badge(report, decide(report, Thresholds(min_normalized=least)))) == (message, colour)


def test_where_nothing_was_attacked_it_claims_nothing() -> None:
    assert said(to_badge(sample_report().model_copy(update={"worst_case": None}))) == ("robustness: unknown", GREY)


@pytest.mark.parametrize("colour", ["#3f464d", GREEN, OCHRE, ORANGE, RED, GREY])
def test_white_text_can_be_read_on_every_colour(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_fetches_nothing() -> None:
    svg = to_badge(sample_report())
    assert set(re.findall(r"(?:https?:|url\()[^\"]*", svg)) == {"http://www.w3.org/2000/svg", "url(#r)"}
