"""A training's report as one HTML page that opens offline: how it learned, what it gained, how to make it again."""

import json
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from markupsafe import Markup

from saddlepoint.evaluation import provenance
from saddlepoint.evaluation.comparison_page import comparison_context
from saddlepoint.evaluation.epsilon_chart import Point
from saddlepoint.evaluation.figures import LAYOUTS
from saddlepoint.evaluation.html import page_environment
from saddlepoint.evaluation.learning_chart import LearningCurve, label_of, learning_chart
from saddlepoint.evaluation.panel_chart import panel_chart
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.training_reports import TrainingReport
from saddlepoint.schemas.trainings import DEFENSES, CurvePoint

T = TypeVar("T")
MOST_POINTS = 300
"""Of a curve; the JSON report has them all."""
_CHILD, _PARENT = 1, 2
"""Colours."""


class Measure(NamedTuple):
    title: str
    note: str


MEASURES = {
    "epsilon": Measure("Epsilon of the adversary", "in units of the observation; grows over the ramp"),
    "entropy": Measure("Entropy", "of the policy, nats; near zero it has stopped exploring"),
    "approximate_kl": Measure("KL of an update", "from the policy that acted, nats; large ones break what was learned"),
    "policy_loss": Measure("Policy loss", "of the clipped ratio, mean of the minibatches"),
    "value_loss": Measure("Value loss", "of the predicted return"),
    "clipped_share": Measure("Clipped ratios", "share of samples beyond the clip range"),
    "explained_variance": Measure("Explained variance", "of the returns by the predicted ones; 1 is all of it"),
    "steps_per_second": Measure("Speed", "agent steps a second"),
}
"""What is drawn of each update, in a reader's order; what is zero throughout is not."""


def render_training(report: TrainingReport) -> str:
    """The page. Equal reports give equal bytes; every text in it is escaped."""
    return page_environment().get_template("training.html").render(_context(report))


def _context(report: TrainingReport) -> dict[str, Any]:
    lineage = report.policy.get("lineage") or {}
    return {
        "report": report,
        "defense": DEFENSES[report.spec.method],
        "compared": comparison_context(report.comparison) if report.comparison else None,
        "figure": _learning(report),
        "panels": list(_panels(report.curve)),
        "parent": lineage.get("parent"),
        "changed": _changed(report.config),
        "settings": report.config.model_dump(mode="json"),
        "policy": provenance.policy_facts({key: value for key, value in report.policy.items() if key != "lineage"}),
        "environment": _environment(report.spec.env),
        "waited_s": (report.finished_at - report.created_at).total_seconds(),
        "commands": commands(report),
    }


def _environment(env: EnvironmentSpec) -> str | dict[str, Any]:
    """Its id where nothing else is said of it."""
    said = env.model_dump(mode="json", exclude_defaults=True)
    return env.id if said == {"id": env.id} else said


def _changed(config: TrainingConfig) -> dict[str, Any]:
    """Fields that differ from Table 2 of the paper."""
    plain = TrainingConfig().model_dump(mode="json")
    return {name: value for name, value in config.model_dump(mode="json").items() if value != plain[name]}


def _learning(report: TrainingReport) -> Markup | None:
    """Figure 2: the return of the acting policy, and beside it what was measured of both policies afterwards."""
    points = [Point(float(p.steps), p.mean_return, None) for p in report.curve if p.mean_return is not None]
    if not points:
        return None
    curves = [LearningCurve(label_of(report.spec.method), _CHILD, _thinned(points), *_marks(report.comparison, False))]
    if report.comparison is not None:
        curves.append(LearningCurve("the policy it started from", _PARENT, (), *_marks(report.comparison, True)))
    title = "Return of the policy that acts while it trains"
    return Markup("".join(learning_chart(curves, title, layout) for layout in LAYOUTS))


def _marks(comparison: ComparisonResult | None, of_parent: bool) -> tuple[float | None, float | None]:
    """The mean return without attack, and under `ce` at its largest epsilon."""
    if comparison is None:
        return None, None
    clean = [cell for cell in comparison.cells if cell.attack == "none"]
    attacked = sorted((cell for cell in comparison.cells if cell.attack == "ce"), key=lambda cell: cell.epsilon)
    found = [_side(cells[-1], of_parent) if cells else None for cells in (clean, attacked)]
    return found[0], found[1]


def _side(cell: ComparedCell, of_parent: bool) -> float:
    return (cell.baseline if of_parent else cell.candidate).mean


def _panels(curve: Sequence[CurvePoint]) -> list[tuple[Measure, Markup]]:
    panels = []
    for name, measure in MEASURES.items():
        points = [(float(point.steps), point.extra[name]) for point in curve if name in point.extra]
        if len(points) > 1 and any(value for _, value in points):
            panels.append((measure, Markup(panel_chart(_thinned(points), measure.title, _CHILD))))
    return panels


def _thinned(points: Sequence[T]) -> Sequence[T]:
    """At most MOST_POINTS of them, evenly chosen, the last one among them."""
    if len(points) <= MOST_POINTS:
        return points
    return [points[round(place * (len(points) - 1) / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]


def commands(report: TrainingReport) -> list[str]:
    """What makes this training again: the command line, and curl."""
    spec = report.spec
    body = {**spec.model_dump(mode="json", exclude_defaults=True), "method": spec.method, "env": _environment(spec.env)}
    url = "http://127.0.0.1:8000/v1/trainings"
    curl = ["curl", "-H", "Content-Type: application/json", "-d", json.dumps(body, sort_keys=True), url]
    return [shlex.join(_command_line(report)), shlex.join(curl)]


def _command_line(report: TrainingReport) -> list[str]:
    spec, config = report.spec, dict(report.spec.config)
    environment = _environment(spec.env)
    words = ["saddlepoint", "train", "--env", environment if isinstance(environment, str) else json.dumps(environment)]
    words += ["--method", spec.method, "--steps", str(report.config.steps), "--seed", str(spec.seed)]
    words += ["--policy", spec.policy_id] if spec.policy_id else []
    words += ["--name", spec.name] if spec.name else []
    settings = [f"{name}={json.dumps(value)}" for name, value in sorted(config.items()) if name != "steps"]
    return [*words, *(["--set", *settings] if settings else [])]
