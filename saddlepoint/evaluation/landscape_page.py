"""The KL landscape as one HTML page that opens offline: Figures 4 and 5 of the ATPA paper, for a user's policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from saddlepoint.evaluation.distribution_chart import LEAST, Distribution, distribution_chart
from saddlepoint.evaluation.figures import COLOURS, LAYOUTS
from saddlepoint.evaluation.formatting import epsilon_units
from saddlepoint.evaluation.html import page_environment
from saddlepoint.evaluation.landscape_result import summarised
from saddlepoint.evaluation.png import data_uri, heat, to_png
from saddlepoint.schemas.landscapes import LandscapeResult


@dataclass(frozen=True)
class Picture:
    """A matrix as a picture, and its largest entry."""

    source: str
    largest: float


def render_landscape(result: LandscapeResult) -> str:
    """The page. Equal results give equal bytes; every text in it is escaped."""
    return page_environment().get_template("landscape.html").render(_context(result))


def render_section(result: LandscapeResult, policy_id: str) -> str:
    """What a report on one of its policies shows of a landscape: of that policy alone, likewise escaped."""
    own = [each for each in result.policies if each.policy_id == policy_id]
    context = _context(result.model_copy(update={"policies": own}))
    return page_environment().get_template("landscape_section.html").render(context)


def _context(result: LandscapeResult) -> dict[str, Any]:
    low, high = _range(result)
    return {
        "result": result,
        "spec": result.spec,
        "units": epsilon_units(result.spec.env.id),
        "summaries": [summarised(each) for each in result.policies],
        "figure4": _figure4(result),
        "figure5": [
            (each.name, [_picture(np.array(matrix), low, high) for matrix in each.matrices])
            for each in result.policies
            if each.matrices
        ],
        "bar": data_uri(to_png(heat(np.linspace(0.0, 1.0, 128)[None]))),
        "low": low,
        "high": high,
        "colour_of": colour_of,
    }


def colour_of(index: int) -> int:
    """The colour class of a policy."""
    return 1 + index % (COLOURS - 1)


def _figure4(result: LandscapeResult) -> Markup:
    distributions = [
        Distribution(each.name, colour_of(index), each.max_kl) for index, each in enumerate(result.policies)
    ]
    title = "Share of states whose largest KL is at most x"
    return Markup("".join(distribution_chart(distributions, title, layout) for layout in LAYOUTS))


def _picture(matrix: NDArray[np.float64], low: float, high: float) -> Picture:
    """On the logarithmic scale that all matrices share."""
    logs = np.log10(np.maximum(matrix, low) / low) / np.log10(high / low)
    return Picture(data_uri(to_png(heat(logs))), float(matrix.max()))


def _range(result: LandscapeResult) -> tuple[float, float]:
    """Four decades below the largest divergence: what is less is drawn as nothing."""
    largest = max(_entries(result), default=LEAST)
    high = max(largest, LEAST)
    return high / 1e4, high


def _entries(result: LandscapeResult) -> Sequence[float]:
    return [value for each in result.policies for matrix in each.matrices for row in matrix for value in row]
