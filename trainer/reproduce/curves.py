"""Figure 2: learning curves of several runs as one line a method."""

from collections.abc import Sequence

import numpy as np

from saddlepoint.evaluation.comparison_statistics import group_mean
from saddlepoint.evaluation.epsilon_chart import Point
from trainer import curve
from trainer.reproduce.models import Model
from trainer.run import CURVE

MOST_POINTS = 200


def mean_curve(runs: Sequence[Model]) -> list[Point]:
    """The mean over runs at the steps that all of them have come to and finished a game before."""
    curves = [_by_step(run) for run in runs]
    curves = [found for found in curves if found]
    shared = sorted(set.intersection(*(set(found) for found in curves))) if curves else []
    chosen = sorted({round(place) for place in np.linspace(0, len(shared) - 1, min(MOST_POINTS, len(shared)))})
    points = []
    for step in (shared[index] for index in chosen):
        found = group_mean([[each[step]] for each in curves])
        points.append(Point(float(step), found.mean, found.ci95))
    return points


def _by_step(run: Model) -> dict[int, float]:
    records = curve.read(run.training / CURVE)
    return {record.steps: record.mean_return for record in records if record.mean_return is not None}
