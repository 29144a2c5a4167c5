"""Return against agent steps as curves, with what the policies score that were evaluated beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.evaluation.epsilon_chart import Point
from saddlepoint.evaluation.figures import WIDE, Layout, span
from saddlepoint.evaluation.formatting import nice_ticks, number, tick_decimals
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text
from saddlepoint.schemas.trainings import DEFENSES

_LEGEND, _PLOT, _BESIDE = 22, 300, 90
_MARKS = "right: evaluated, disc without attack, triangle under ce"
_CLEAN, _ATTACKED = "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0Z", "M0 5L4.8-3.6h-9.6Z"


@dataclass(frozen=True)
class LearningCurve:
    """The return of the policy that acts, by agent step; bands are intervals over runs. Without points: marks only."""

    label: str
    colour: int
    points: Sequence[Point]
    """`epsilon` of each is its step."""
    clean: float | None
    """Of the evaluated policy without attack."""
    attacked: float | None
    """Likewise under `ce`."""


def label_of(method: str) -> str:
    """The method with what its acting policy sees, for that is whose return the curve is of."""
    return f"{method}: acts on {DEFENSES[method].acts_on}"


def learning_chart(curves: Sequence[LearningCurve], title: str, layout: Layout) -> str:
    """As the paper's Figure 2; right of the curves a disc is the clean return and a triangle the one under `ce`."""
    left, right, top = 72 if layout is WIDE else 46, layout.width - _BESIDE, 18 + _LEGEND * (len(curves) + 1)
    bottom = top + _PLOT
    points = [point for each in curves for point in each.points]
    beside = [value for each in curves for value in (each.clean, each.attacked) if value is not None]
    low, high = span([*(point.mean for point in points), *beside], (point.ci95 for point in points))
    x, y = Scale(0.0, max(point.epsilon for point in points), left, right), Scale(low, high, bottom, top)
    return picture(
        layout.width,
        bottom + 48,
        title,
        *_grid(x, y),
        *(_curve(each, x, y) for each in curves),
        *(_beside(each, right + 16 + 16 * index, y) for index, each in enumerate(curves)),
        *(_legend(each, left, 12 + _LEGEND * row) for row, each in enumerate(curves)),
        text(_MARKS, left, 12 + _LEGEND * len(curves) + 4, "caption") if beside else "",
        class_=f"figure {layout.name}",
    )


def _curve(curve: LearningCurve, x: Scale, y: Scale) -> str:
    if not curve.points:
        return ""
    upper = [(x(point.epsilon), y(min(point.ci95[1], y.high))) for point in curve.points if point.ci95]
    lower = [(x(point.epsilon), y(max(point.ci95[0], y.low))) for point in curve.points if point.ci95]
    return element(
        "g",
        element("path", d=polyline([*upper, *reversed(lower)]) + "Z", class_="band") if len(upper) > 1 else "",
        element("path", d=polyline((x(p.epsilon), y(p.mean)) for p in curve.points), class_="curve"),
        class_=f"s{curve.colour}",
    )


def _beside(curve: LearningCurve, place: float, y: Scale) -> str:
    shapes = [(curve.clean, _CLEAN), (curve.attacked, _ATTACKED)]
    return element(
        "g",
        *(
            element("path", d=shape, transform=f"translate({place:.1f} {y(value):.1f})", class_="mark")
            for value, shape in shapes
            if value is not None
        ),
        class_=f"s{curve.colour}",
    )


def _legend(curve: LearningCurve, left: float, y: float) -> str:
    return element(
        "g",
        element("path", d=polyline([(left, y), (left + 24, y)]), class_="curve") if curve.points else "",
        ""
        if curve.points
        else element("path", d=_CLEAN, transform=f"translate({left + 12:.1f} {y:.1f})", class_="mark"),
        text(curve.label, left + 32, y + 4.5, "name"),
        class_=f"s{curve.colour}",
    )


def _grid(x: Scale, y: Scale) -> list[str]:
    ticks = nice_ticks(y.low, y.high, 6)
    decimals = tick_decimals(ticks)
    parts = [line(x.start, y(tick), x.end, y(tick), "grid") for tick in ticks]
    parts += [text(number(tick, decimals), x.start - 10, y(tick) + 4, "tick", "end") for tick in ticks]
    for tick in nice_ticks(x.low, x.high, 5):
        parts.append(text(steps_text(tick), x(tick), y.start + 20, "tick", "middle"))
    caption = text("agent steps", (x.start + x.end) / 2, y.start + 40, "caption", "middle")
    return [line(x.start, y.start, x.end, y.start, "axis"), *parts, caption]


def steps_text(value: float) -> str:
    """A count of steps as a tick says it: 1.5M, 200k."""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"
