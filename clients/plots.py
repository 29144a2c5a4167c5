"""The figures of the ATPA paper from what the client holds, for those who have matplotlib (extra `plots`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.landscapes import LandscapeResult
from saddlepoint.schemas.reports import Cell, Interval, RobustnessReport
from saddlepoint.schemas.trainings import CurvePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#6b7885", "#3c9bd6", "#d18f00", "#008f6b", "#cf5000", "#b5609a", "#0067a8", "#8a6d3b")
"""Those of the report's page, told apart by the colour-blind too."""
_DASHES = ("-", (0, (6, 2)), (3, (4, 4)), (0, (2, 3)))
_SIZE = (7.0, 4.0)
"""Inches."""
_BAND = 0.18


def return_bars(report: RobustnessReport, ax: "Axes | None" = None) -> "Axes":
    """Figure 1: a bar a cell with its 95% interval, and the random policy's mean as a line."""
    axes = _axes(ax)
    colours = dict(zip(dict.fromkeys(cell.label for cell in report.cells), _COLOURS * len(report.cells), strict=False))
    _bars(
        axes,
        [cell.title for cell in report.cells],
        [cell.mean for cell in report.cells],
        [cell.ci95 for cell in report.cells],
        colours=[colours[cell.label] for cell in report.cells],
    )
    _random_policy(axes, report.reference.random_policy.mean)
    return _labelled(axes, title=str(report.env.get("id", "")), y="return")


def return_by_epsilon(report: RobustnessReport, ax: "Axes | None" = None) -> "Axes":
    """Figure 3: a line an attack from the unattacked return on, with its 95% interval as a band."""
    axes = _axes(ax)
    clean = [cell for cell in report.cells if cell.attack == "none"]
    labels = dict.fromkeys(cell.label for cell in report.cells if cell.attack != "none")
    for number, label in enumerate(labels, 1):
        attacked = [cell for cell in report.cells if cell.label == label]
        _line(axes, sorted(clean[:1] + attacked, key=lambda cell: cell.epsilon), label, number)
    _random_policy(axes, report.reference.random_policy.mean)
    return _labelled(axes, title=str(report.env.get("id", "")), y="return", x="epsilon")


def compared_bars(comparison: ComparisonResult, ax: "Axes | None" = None) -> "Axes":
    """Two bars a cell, the baseline's and the candidate's, with the intervals of each."""
    axes = _axes(ax)
    cells = comparison.cells
    sides = (
        (comparison.baseline.title, [cell.baseline for cell in cells]),
        (comparison.candidate.title, [cell.candidate for cell in cells]),
    )
    for number, (title, scores) in enumerate(sides):
        _bars(
            axes,
            [cell.title for cell in cells],
            [score.mean for score in scores],
            [score.ci95 for score in scores],
            colours=[_COLOURS[number]] * len(cells),
            name=title,
            place=(number, len(sides)),
        )
    _random_policy(axes, comparison.random_policy.mean)
    return _labelled(axes, title=str(comparison.env.get("id", "")), y="return")


def learning_curve(points: Sequence[CurvePoint], name: str, ax: "Axes | None" = None) -> "Axes":
    """Figure 2: the mean return of the acting policy's last episodes against steps."""
    axes = _axes(ax)
    known = [(point.steps, point.mean_return) for point in points if point.mean_return is not None]
    axes.plot([steps for steps, _ in known], [value for _, value in known], color=_COLOURS[1], label=name)
    return _labelled(axes, title="", y="return of the acting policy", x="steps")


def divergences(landscape: LandscapeResult, ax: "Axes | None" = None) -> "Axes":
    """Figure 4 as a distribution: the share of states whose largest KL is larger, a line a policy."""
    axes = _axes(ax)
    for number, policy in enumerate(landscape.policies, 1):
        colour = _COLOURS[number % len(_COLOURS)]
        axes.ecdf(policy.max_kl, complementary=True, color=colour, label=policy.name)
    return _labelled(axes, title="", y="share of states above", x="largest KL around a state, nats")


def _axes(ax: "Axes | None") -> "Axes":
    """The axes that were given, or those of a new figure."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise InvalidRequest("A plot needs matplotlib: pip install 'saddlepoint[plots]'.") from error
    return pyplot.subplots(figsize=_SIZE, layout="constrained")[1]


def _bars(
    axes: "Axes",
    names: Sequence[str],
    means: Sequence[float],
    intervals: Sequence[Interval | None],
    *,
    colours: Sequence[str],
    name: str | None = None,
    place: tuple[int, int] = (0, 1),
) -> None:
    """Bars over `names`; `place` is which of how many side by side."""
    which, many = place
    width = 0.8 / many
    at = [position + (which - (many - 1) / 2) * width for position in range(len(names))]
    axes.bar(at, means, width * 0.94, color=colours, label=name)
    for x, interval in zip(at, intervals, strict=True):
        if interval is not None:
            axes.plot([x, x], interval, color="#17212b", linewidth=1.4, marker="_", markersize=7)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")


def _line(axes: "Axes", cells: Sequence[Cell], label: str, number: int) -> None:
    """Dashed otherwise than its neighbours: attacks that do the same harm lie on each other."""
    colour, style = _COLOURS[number % len(_COLOURS)], _DASHES[(number - 1) % len(_DASHES)]
    epsilons, means = [cell.epsilon for cell in cells], [cell.mean for cell in cells]
    axes.plot(epsilons, means, marker=".", linestyle=style, color=colour, label=label)
    bands = [(cell.epsilon, *cell.ci95) for cell in cells if cell.ci95 is not None]
    if bands:
        at, lows, highs = zip(*bands, strict=True)
        axes.fill_between(at, lows, highs, color=colour, alpha=_BAND, linewidth=0)


def _random_policy(axes: "Axes", mean: float) -> None:
    axes.axhline(mean, color="#56626f", linestyle="--", linewidth=1, label="random policy")


def _labelled(axes: "Axes", *, title: str, y: str, x: str = "") -> "Axes":
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes
