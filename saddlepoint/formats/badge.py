"""A badge for a README: an SVG that fetches nothing and that a screen reader reads."""

import html

from saddlepoint.formats.numbers import share
from saddlepoint.schemas.gates import Gate, Standing, standing
from saddlepoint.schemas.reports import RobustnessReport

LABEL = "robustness"
_GREEN, _OCHRE, _ORANGE, _RED, _GREY = "#2e7d32", "#8a6100", "#b04a00", "#b3261e", "#5f6770"
"""On each of them white text has a contrast of at least 4.5 (WCAG 2, AA)."""
_COLOURS: dict[Standing, str] = {
    "holds": _GREEN,
    "unproven": _OCHRE,
    "weakened": _OCHRE,
    "loses": _ORANGE,
    "undone": _RED,
}
_NARROW, _WIDE = frozenset("fijlrt.,:;|!'()[] "), frozenset("mwMW%@≥")
_HEIGHT, _PADDING = 20, 6


def to_badge(report: RobustnessReport, gate: Gate | None = None) -> str:
    """How a gate ended, or without one how the policy stands, and the share of its score that is sure to be left."""
    worst = report.worst_case
    stands = standing(worst) if worst else None
    if gate is not None:
        outcome, colour = ("passed", _GREEN) if gate.passed else ("failed", _RED)
        kept = _kept(report)
        return _drawn(f"{outcome}, {kept}" if kept else outcome, colour)
    return _drawn(_kept(report) or "unknown", _COLOURS[stands] if stands else _GREY)


def _kept(report: RobustnessReport) -> str:
    """Of the lead over a random policy, by the lower end of the interval; empty where that is not known."""
    worst = report.worst_case
    if worst is None or worst.normalized is None:
        return ""
    largest = max(cell.epsilon for cell in report.cells)
    if worst.normalized_ci95 is None:
        return f"about {share(max(0.0, worst.normalized))} at ε {largest:g}"
    least = worst.normalized_ci95[0]
    return f"≥ {share(least)} at ε {largest:g}" if least > 0 else f"may lose all at ε {largest:g}"


def _drawn(message: str, colour: str) -> str:
    left, right = (_width(text) + 2 * _PADDING for text in (LABEL, message))
    size = f'width="{left + right}" height="{_HEIGHT}"'
    said = html.escape(f"{LABEL}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{said}"><title>{said}</title>'
        f'<clipPath id="r"><rect {size} rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left}" height="{_HEIGHT}" fill="#3f464d"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f"{_text(LABEL, _PADDING)}{_text(message, left + _PADDING)}</g></svg>\n"
    )


def _text(text: str, x: int) -> str:
    """Stretched to its width, so that it fits in whatever font there is."""
    width = f'textLength="{_width(text)}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x}" y="14" {width}>{html.escape(text)}</text>'


def _width(text: str) -> int:
    """About what Verdana takes at 11 pixels."""
    return round(sum(4.2 if letter in _NARROW else 10.5 if letter in _WIDE else 7.0 for letter in text))
