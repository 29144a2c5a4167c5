"""What an evaluation's page shows."""

from datetime import UTC, datetime

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import Evaluation, EvaluationSpec, Status
from saddlepoint.schemas.reports import RandomPolicyReference, WorstCase
from service.dashboard.evaluation import cell_rows, evaluation_view, spec_facts
from service.headlines import Headline
from service.wire import with_links
from tests.service.bench import cell

BOXING = EnvironmentSpec(id="BoxingNoFrameskip-v4")


def evaluation(status: Status = "processing", **spec: object) -> Evaluation:
    asked = EvaluationSpec.model_validate({"env": BOXING, "epsilon": [1, 2], "attacks": ["none", "ce"], **spec})
    created = datetime(2026, 1, 2, tzinfo=UTC)
    return with_links(Evaluation(id="e", status=status, policy_id="policy-of-mine", spec=asked, created_at=created))


def headline(label: str, epsilon: float) -> Headline:
    worst = WorstCase(attack=label, label=label, epsilon=epsilon, mean=1.0, ci95=None, selection="held_out")
    return Headline.model_validate(
        {
            "verdict": "It holds",
            "worst_case": worst,
            "cells": [
                {"attack": "none", "label": "none", "epsilon": 0.0, "mean": 5.0, "ci95": None, "normalized": 1.0},
                {"attack": "ce", "label": "ce", "epsilon": 2.0, "mean": 1.0, "ci95": None, "normalized": 0.25},
            ],
            "reference": {"random_policy": RandomPolicyReference(mean=0.0, episodes=5, returns=[])},
            "warnings": [],
            "environment_steps": 10,
            "wall_time_s": 1.0,
        }
    )


def test_every_cell_has_its_row_before_it_is_finished() -> None:
    finished = [cell("none", 0.0), cell("ce", 2.0), cell("ce", 2.0).model_copy(update={"action_mode": "greedy"})]
    rows = cell_rows(evaluation().spec.cells(), finished, headline("ce", 2.0))
    assert [(row.name, row.epsilon, row.cell is not None, row.is_worst, row.normalized) for row in rows] == [
        ("none", None, True, False, 1.0),
        ("ce", 1.0, False, False, None),
        ("ce", 2.0, True, True, 0.25),
        ("ce, greedy actions", 2.0, True, False, None),
    ]


def test_what_was_asked_for_is_told_but_for_what_is_as_usual() -> None:
    assert spec_facts(evaluation(tier="smoke")) == [
        ("Size", "2 seeds × 1 episodes, in each of 3 rows"),
        ("Epsilon", "1, 2, in pixel values"),
        ("Gradient steps", "7"),
    ]
    facts = dict(spec_facts(evaluation(action_mode="greedy", when={"kind": "every", "every": 3})))
    assert (facts["Action mode"], facts["Attacks when"]) == ("greedy", "every")


def test_downloads_are_there_with_the_report() -> None:
    assert evaluation_view(evaluation(), None, None).downloads == []
    view = evaluation_view(evaluation("succeeded"), None, headline("ce", 1.0))
    assert (view.downloads[0].title, view.downloads[0].path) == (
        "JSON, with every episode",
        "/v1/evaluations/e/report?format=json",
    )
    assert view.title == "Policy policy-o"
