"""A training's page: complete, self-contained, escaped."""

import shlex

from clients.arguments import build_parser
from saddlepoint.evaluation.training_page import MOST_POINTS, commands, render_training
from saddlepoint.schemas.training_reports import TrainingReport
from tests.evaluation.sample_training import compared_training, curve, sample_training, training_record
from tests.evaluation.test_html import HOSTILE, Page


def test_every_element_is_closed_and_nothing_is_fetched() -> None:
    page = Page(render_training(compared_training()))
    assert page.open == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "img"} == set()


def test_the_page_holds_curves_differences_lineage_and_commands() -> None:
    report = compared_training()
    page = Page(render_training(report))
    assert report.comparison is not None
    assert report.verdict in page.text
    for shown in ("How it learned", "What changed", "Entropy", "Epsilon of the adversary", "hardened pole"):
        assert shown in page.text
    for cell in report.comparison.cells:
        assert f"{cell.candidate.mean:.1f}" in page.text
    assert page.count("svg") == 2 + 2 + 7


def test_a_training_from_nothing_has_no_comparison() -> None:
    page = Page(render_training(sample_training(record=training_record(policy_id=None))))
    assert "What changed" not in page.text
    assert "random weights" in page.text


def test_a_parent_without_a_comparison_is_explained() -> None:
    assert "No comparison with the policy that it started from" in Page(render_training(sample_training())).text


def test_a_training_in_which_no_game_ended_has_a_page() -> None:
    page = Page(render_training(sample_training(curve((None, None)))))
    assert "How it learned" not in page.text
    assert "No game ended" in page.text


def test_the_same_report_gives_the_same_bytes() -> None:
    report = compared_training()
    again = TrainingReport.model_validate_json(report.model_dump_json())
    assert render_training(report) == render_training(again)


def test_names_are_text() -> None:
    assert "<script>" not in render_training(sample_training(record=training_record(name=HOSTILE)))


def test_a_long_training_has_a_small_page() -> None:
    long = render_training(sample_training(curve(tuple(float(n) for n in range(2000)))))
    assert long.count("L") < 10 * MOST_POINTS + 2000
    assert len(long) < 150_000


def test_the_command_line_makes_the_same_training_again() -> None:
    report = sample_training()
    options = build_parser().parse_args(shlex.split(commands(report)[0])[1:])
    assert (options.env, options.method, options.seed, options.name) == ("CartPole-v1", "atpa", 3, "hardened pole")
    assert options.policy == report.spec.policy_id
    assert {**dict(options.config), "steps": options.train_steps} == report.spec.config
