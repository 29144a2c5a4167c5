"""Figure 2: learning curves of several runs as one line a method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddlepoint.evaluation.comparison_statistics import group_mean
from saddlepoint.evaluation.epsilon_chart import Point
from saddlepoint.schemas.trainings import DEFENSES
from trainer import curve
from trainer.reproduce.models import Model
from trainer.run import CURVE

MOST_POINTS = 200


@dataclass(frozen=True)
class LearningCurve:
    """The return of the policy that acts, by agent step; bands are intervals over runs."""

    label: str
    colour: int
    points: Sequence[Point]
    """`epsilon` of each is its step."""
    clean: float | None
    """Of the trained policies, measured without attack."""
    attacked: float | None
    """Likewise under `ce`."""


def label_of(method: str) -> str:
    """The method with what its acting policy sees, for that is whose return the curve is of."""
    return f"{method}: acts on {DEFENSES[method].acts_on}"


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
