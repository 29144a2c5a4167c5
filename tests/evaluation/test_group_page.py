"""The comparison of methods as a page and as a table: complete, self-contained, escaped."""

from saddlepoint.assets import script
from saddlepoint.evaluation.group_page import render_groups
from saddlepoint.evaluation.group_table import groups_to_markdown
from saddlepoint.schemas.comparisons import Group
from saddlepoint.schemas.group_comparisons import GroupsResult
from tests.evaluation.sample_comparison import report
from tests.evaluation.sample_groups import ATTACKS, MEANS, grouped, sample_groups
from tests.evaluation.test_html import HOSTILE, Page


def test_every_element_is_closed_and_nothing_is_fetched() -> None:
    page = Page(render_groups(sample_groups()))
    assert page.open == []
    assert {tag for tag, _ in page.tags} & {"link", "img"} == set()
    assert [dict(attributes) for tag, attributes in page.tags if tag == "script"] == [{}]


def test_the_page_holds_the_verdict_every_method_and_every_attack() -> None:
    result = sample_groups()
    page = Page(render_groups(result))
    assert result.verdict in page.text
    assert page.count("svg") == 2
    for cell in result.cells:
        for score in cell.scores:
            assert f"{score.mean:.1f}" in page.text
    for method in MEANS:
        assert method in page.text


def test_its_only_script_sorts() -> None:
    page = render_groups(sample_groups())
    assert page.count("<script") == 1
    assert f"<script>{script('sort')}</script>" in page
    assert "</" not in script("sort")
    assert page.count("<table data-sortable>") == page.count("<table")


def test_the_same_comparison_gives_the_same_bytes() -> None:
    result = sample_groups()
    assert render_groups(result) == render_groups(GroupsResult.model_validate_json(result.model_dump_json()))


def test_names_are_text_on_the_page_and_in_the_table() -> None:
    result = sample_groups()
    hostile = result.model_copy(update={"groups": [Group(title=HOSTILE, runs=group.runs) for group in result.groups]})
    assert render_groups(hostile).count("<script") == 1
    assert "<script>" not in groups_to_markdown(hostile)


def test_the_table_has_a_row_an_attack_and_a_column_a_method() -> None:
    lines = groups_to_markdown(sample_groups()).splitlines()
    rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["attack", "epsilon", *MEANS]
    names = [attack.partition("@")[0] for attack in ATTACKS]
    assert [row[0] for row in rows[2:]] == [*names, "ce (greedy)", "worst case found"]
    assert "(runs " in rows[2][2]


def test_a_page_without_attacks_has_no_worst_case() -> None:
    clean = {"none": [1.0, 2.0]}
    page = Page(render_groups(grouped({name: [report(name, clean)] for name in ("a", "b")})))
    assert "Worst case" not in page.text
