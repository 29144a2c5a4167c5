"""Tables in a real browser, under the policies that they are served with: pressed headings sort them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from saddlepoint.evaluation.group_page import render_groups
from service.negotiation import FORMATS
from tests.evaluation.sample_groups import sample_groups
from tests.service.bench import make_bench
from tests.service.live import serving
from tests.standings import board, fill, standing


@pytest.fixture(params=[1280, 390])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Whatever the browser complains of, or what is wider than the window, fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": request.param, "height": 800})
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    width = opened.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert (complaints, width) == ([], request.param)


def methods(page: Page) -> list[str]:
    """The first table's first column."""
    return [text.strip() for text in page.locator("table").first.locator("tbody th").all_inner_texts()]


def test_a_comparison_is_sorted_by_the_column_that_is_pressed(page: Page) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=render_groups(sample_groups()), content_type="text/html", headers=FORMATS["html"].headers)

    page.route("**/*", answer)
    page.goto("http://comparison.invalid/")
    assert methods(page) == ["standard", "dataaugment", "atpa"]
    worst = page.locator("table").first.get_by_role("button", name="Worst case")
    worst.click()
    assert methods(page) == ["atpa", "dataaugment", "standard"]
    worst.press("Enter")
    assert methods(page) == ["standard", "dataaugment", "atpa"]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    page.locator("table").first.get_by_role("button", name="Method").click()
    assert methods(page) == ["standard", "dataaugment", "atpa"]


def test_a_leaderboard_is_sorted_and_what_has_no_number_stays_last(page: Page, tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bounds = {"middle": 5.0, "last": None, "low": -30.0, "high": 97.0}
    standings = [standing(number, bound, name) for number, (name, bound) in enumerate(bounds.items())]
    fill(tmp_path / "store", board(), standings)
    with serving(bench.app) as url:
        page.goto(f"{url}/leaderboard")
        assert methods(page) == ["high", "middle", "low", "last"]
        if page.viewport_size and page.viewport_size["width"] < 600:
            return  # headings are not shown there
        lower = page.get_by_role("button", name="Lower end")
        for expected in (["high", "middle", "low", "last"], ["low", "middle", "high", "last"]):
            lower.click()
            assert methods(page) == expected
