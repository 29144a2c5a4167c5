"""The HTML report: complete, self-contained, escaped, small, and the same bytes for the same report."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from saddlepoint.evaluation.html import render_html
from saddlepoint.formats.commands import minimal_spec
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report

VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})
HOSTILE = "<script>alert('x')</script>\"&"


class Page(HTMLParser):
    """Checks that elements nest, and collects what they are and say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def changed(report: RobustnessReport, **fields: Any) -> RobustnessReport:
    return report.model_copy(update=fields)


def test_the_same_report_gives_the_same_bytes() -> None:
    report = sample_report()
    again = RobustnessReport.model_validate_json(report.model_dump_json())
    assert render_html(report) == render_html(again)


def test_every_element_is_closed_in_order() -> None:
    assert Page(render_html(sample_report(epsilons=(1.0, 4.0)))).open == []


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = Page(render_html(sample_report(epsilons=(1.0, 4.0))))
    assert page.count("script") == page.count("link") == page.count("img") == 0
    fetching = {"src", "href", "srcset", "action", "data", "poster"}
    assert [attributes for _, attributes in page.tags if fetching & attributes.keys()] == []
    policy = next(attributes for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert (policy["content"] or "").startswith("default-src 'none'")
    assert "url(" not in render_html(sample_report())
    assert "@import" not in render_html(sample_report())


def test_verdict_worst_case_and_warnings_are_said_in_words() -> None:
    report = changed(sample_report(), verdict="It keeps a third of its score", warnings=["few episodes"])
    text = Page(render_html(report)).text
    assert "It keeps a third of its score." in text
    assert "Few episodes." in text
    assert "picked on one half of the seeds" in text
    assert "upper bound" in text


def test_what_stands_between_backticks_is_set_as_code() -> None:
    cells = [cell.model_copy(update={"warnings": ["of `ce` alone"]}) for cell in sample_report().cells]
    report = changed(sample_report(), verdict="`none` is missing", warnings=["tier `quick` plays 30"], cells=cells)
    page = render_html(report)
    for name in ("none", "quick", "ce"):
        assert f"<code>{name}</code>" in page
    assert "`" not in re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)


def test_a_worst_case_of_one_seed_is_called_what_it_is() -> None:
    report = sample_report(seeds=1)
    assert report.worst_case is not None
    report = changed(report, worst_case=report.worst_case.model_copy(update={"selection": "in_sample"}))
    assert "picked and measured on the same episodes" in Page(render_html(report)).text


def test_why_no_score_remains_is_said_as_it_is() -> None:
    report = sample_report()
    assert report.worst_case is not None
    weak = changed(report, worst_case=report.worst_case.model_copy(update={"normalized": None}))
    unattacked = changed(report, worst_case=None, cells=report.cells[:1], greedy_cells=[])
    without_clean = changed(weak, cells=report.cells[1:])
    said = ["does not beat a random one" in Page(render_html(each)).text for each in (weak, unattacked, without_clean)]
    assert said == [True, False, False]


def test_the_table_has_every_number_of_a_cell() -> None:
    report = sample_report(epsilons=(2.5,))
    cell = report.cells[-1].model_copy(
        update={
            "mean": -12.25,
            "ci95": (-20.5, -4.0),
            "normalized": -0.181,
            "iqm": -11.75,
            "cvar10": -31.0,
            "flip_rate": 0.625,
            "mean_kl": 1.2346,
            "max_linf": 2.25,
            "difference_to_clean": 8.5,
        }
    )
    text = Page(render_html(changed(report, cells=[*report.cells[:-1], cell]))).text
    for shown in ("−12.25", "[−20.50, −4.00]", "−18.1%", "−11.75", "−31.00", "62.5%", "1.235", "2.25", "+8.50"):
        assert shown in text


def test_an_untouched_policy_has_dashes_not_zeros_for_what_an_attack_does() -> None:
    html = render_html(sample_report())
    row = re.search(r"<th scope=\"row\">[^\n]*none</th>(.*?)</tr>", html, re.S)
    assert row is not None
    assert re.findall(r"<td>([–])", row[1]) == ["–"] * 5


@pytest.mark.parametrize(("epsilons", "figures"), [((4.0,), 2), ((1.0, 2.0, 4.0), 4)])
def test_the_curve_appears_with_several_epsilons(epsilons: tuple[float, ...], figures: int) -> None:
    page = Page(render_html(sample_report(epsilons=epsilons)))
    assert page.count("svg") == figures
    assert ("Return against epsilon" in page.text) == (figures == 4)


def test_texts_of_the_report_cannot_leave_their_place() -> None:
    report = sample_report()
    cells = [
        cell.model_copy(update={"label": f"{HOSTILE}{index}", "warnings": [HOSTILE]})
        for index, cell in enumerate(report.cells)
    ]
    report = changed(
        report,
        policy={**report.policy, "name": HOSTILE, "guesses": [HOSTILE], "contents": [HOSTILE], HOSTILE: HOSTILE},
        spec={**report.spec, "env": {**report.spec["env"], "kwargs": {HOSTILE: HOSTILE}}},
        env={HOSTILE: HOSTILE},
        protocol={HOSTILE: {HOSTILE: [HOSTILE]}},
        versions={HOSTILE: HOSTILE},
        statistics={HOSTILE: HOSTILE},
        verdict=HOSTILE,
        warnings=[HOSTILE],
        cells=cells,
    )
    html = render_html(report)
    page = Page(html)
    assert "<script" not in html
    assert page.open == []
    assert "alert" in page.text


def test_missing_parts_leave_a_page_that_says_so() -> None:
    report = sample_report()
    attacked = [cell.model_copy(update={"normalized": None, "ci95": None}) for cell in report.cells[1:2]]
    report = changed(report, cells=attacked, greedy_cells=[], worst_case=None, warnings=[], policy={})
    text = Page(render_html(report)).text
    assert "not played: add the attack “none”" in text
    assert "no attack was played" in text
    assert "Did the attacks work" not in text
    assert "chance" not in text


def test_a_policy_that_does_not_beat_chance_has_no_normalised_score() -> None:
    report = sample_report()
    assert report.worst_case is not None
    report = changed(report, worst_case=report.worst_case.model_copy(update={"normalized": None}))
    assert "does not beat a random one" in Page(render_html(report)).text


def test_a_large_evaluation_stays_a_small_page() -> None:
    report = sample_report(epsilons=tuple(float(value) for value in range(1, 50)), seeds=10, per_seed=50)
    html = render_html(report)
    assert len(report.cells) == 197
    assert len(html.encode()) < 1_000_000
    assert "a quantile of the episodes" in html
    assert "at its largest epsilon" in html


def test_broken_attacks_are_shown_as_findings() -> None:
    report = sample_report()
    health = report.cells[-1].health
    assert health is not None
    flagged = report.cells[-1].model_copy(
        update={"health": health.model_copy(update={"flags": ["gradients are zero"], "zero_gradient": 0.8})}
    )
    html = render_html(changed(report, cells=[*report.cells[:-1], flagged]))
    assert "Gradients are zero." in html
    assert "width:80.0%" in html


@pytest.mark.parametrize(("half", "said"), [(1.80108, "half is lost at epsilon 1.8"), (None, "costs half of it")])
def test_where_half_is_lost_is_said_at_the_top_and_drawn(half: float | None, said: str) -> None:
    html = render_html(changed(sample_report(epsilons=(1.0, 4.0)), epsilon_half_score=half))
    assert said in Page(html[: html.index("<main>")]).text
    assert ("half lost" in html, "reference half" in html) == (half is not None, half is not None)


def test_the_request_is_there_as_commands_to_copy_and_as_json() -> None:
    report = sample_report()
    page = Page(render_html(report))
    commands = [text for text in page.texts if text.startswith(("saddlepoint evaluate", "curl "))]
    assert [text.split()[0] for text in commands] == ["saddlepoint", "curl"]
    assert json.loads(next(text for text in page.texts if text.startswith("{"))) == minimal_spec(report.spec)


def test_what_scrolls_can_be_reached_by_keys_and_has_a_name() -> None:
    page = Page(render_html(sample_report(epsilons=(1.0, 4.0))))
    regions = [attributes for tag, attributes in page.tags if tag == "div" and attributes.get("class") == "scroll"]
    assert len(regions) == 4
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
