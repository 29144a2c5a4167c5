"""The comparison as a page and as a table: complete, self-contained, escaped."""

from saddlepoint.evaluation.comparison_page import render_comparison
from saddlepoint.evaluation.comparison_table import to_markdown
from saddlepoint.schemas.comparisons import ComparedRun, ComparisonResult, Group
from tests.evaluation.sample_comparison import compared, report, sample_comparison
from tests.evaluation.test_html import HOSTILE, Page


def hostile() -> ComparisonResult:
    run = ComparedRun(evaluation_id="e", policy_id="p", name=HOSTILE)
    return sample_comparison().model_copy(update={"candidate": Group(title=HOSTILE, runs=[run])})


def test_every_element_is_closed_and_nothing_is_fetched() -> None:
    page = Page(render_comparison(sample_comparison()))
    assert page.open == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "img"} == set()


def test_the_page_holds_the_verdict_the_table_and_the_figure() -> None:
    result = sample_comparison()
    page = Page(render_comparison(result))
    assert result.verdict in page.text
    assert page.count("svg") == 2
    for cell in result.cells:
        assert f"{cell.baseline.mean:.1f}" in page.text
        assert f"{cell.candidate.mean:.1f}" in page.text
    assert "ce (greedy)" in page.text


def test_the_same_comparison_gives_the_same_bytes() -> None:
    result = sample_comparison()
    assert render_comparison(result) == render_comparison(
        ComparisonResult.model_validate_json(result.model_dump_json())
    )


def test_names_are_text_on_the_page_and_in_the_table() -> None:
    assert "<script>" not in render_comparison(hostile())
    assert "<script>" not in to_markdown(hostile())


def test_the_table_has_a_row_an_attack_and_a_column_a_method() -> None:
    lines = to_markdown(sample_comparison()).splitlines()
    rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0][:5] == ["attack", "epsilon", "baseline", "atpa", "difference"]
    assert [row[0] for row in rows[2:]] == ["none", "random", "ce", "ce (greedy)"]
    assert len({len(row) for row in rows}) == 1
    assert rows[4][3].startswith("13") or rows[4][3].startswith("14")


def test_runs_stand_under_their_mean() -> None:
    first, second = ({"none": [mean, mean + 2.0]} for mean in (9.0, 19.0))
    result = compared([report("a", first)], [report("b", first), report("c", second)])
    assert "runs 10.00 to 20.00" in Page(render_comparison(result)).text
    assert "(runs 10.00 to 20.00)" in to_markdown(result)
