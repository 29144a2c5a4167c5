"""One quantity of a training against agent steps, as a small picture of a kind that stands beside others."""

from collections.abc import Sequence

from saddlepoint.evaluation.figures import span
from saddlepoint.evaluation.formatting import nice_ticks, number, tick_decimals
from saddlepoint.evaluation.learning_chart import steps_text
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 300, 170, 52, 10, 140


def panel_chart(points: Sequence[tuple[float, float]], title: str, colour: int) -> str:
    """A curve through `points`, each a step and a value."""
    low, high = span([value for _, value in points], ())
    x = Scale(0.0, max(max(step for step, _ in points), 1.0), _LEFT, _WIDTH - 14)
    y = Scale(low, high, _BOTTOM, _TOP)
    curve = element("path", d=polyline((x(step), y(value)) for step, value in points), class_="curve")
    return picture(
        _WIDTH, _HEIGHT, title, *_grid(x, y), element("g", curve, class_=f"s{colour}"), class_="figure panel"
    )


def _grid(x: Scale, y: Scale) -> list[str]:
    ticks = nice_ticks(y.low, y.high, 3)
    decimals = tick_decimals(ticks)
    lines = [line(x.start, y(tick), x.end, y(tick), "grid") for tick in ticks]
    values = [text(number(tick, decimals), x.start - 8, y(tick) + 4, "tick", "end") for tick in ticks]
    steps = [text(steps_text(tick), x(tick), y.start + 20, "tick", "middle") for tick in nice_ticks(0.0, x.high, 3)]
    return [*lines, line(x.start, y.start, x.end, y.start, "axis"), *values, *steps]
