"""The replay in a real browser: it plays, seeks by pointer and by keyboard, and offends no policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from saddlepoint.evaluation.evidence import Evidence
from saddlepoint.evaluation.html import render_html
from service.report_forms import REPORT_FORMATS
from tests.evaluation.sample_evidence import STEPS, sample_evidence, vector_evidence
from tests.evaluation.sample_report import sample_report

URL = "http://report.invalid/"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The report as the service sends it; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def open_report(page: Page, evidence: Evidence) -> None:
    body = render_html(sample_report(), evidence)

    def answer(route: Route) -> None:
        route.fulfill(body=body, headers={"Content-Type": "text/html", **REPORT_FORMATS["html"].headers})

    page.route("**/*", answer)
    page.goto(URL)
    if evidence.footage:
        wait_until(page, "document.querySelector('video').readyState >= 2")


def wait_until(page: Page, condition: str) -> None:
    """Asked from outside: the report's policy forbids the browser to evaluate a text, which polling inside does."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"it never came to be that {condition}")


def step_of(page: Page) -> int:
    return int(page.locator("#timeline").get_attribute("aria-valuenow") or -1)


def second_of(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def test_the_video_is_read_and_plays_when_asked(page: Page) -> None:
    open_report(page, sample_evidence())
    assert page.evaluate("document.querySelector('video').paused")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx((STEPS + 1) / 30, abs=0.05)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "Number(document.querySelector('#timeline').ariaValueNow) > 3")
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate("document.querySelector('video').paused")


def test_keys_on_the_timeline_seek(page: Page) -> None:
    open_report(page, sample_evidence())
    page.get_by_role("slider", name="Agent step of the replay").focus()
    for key, step in (("ArrowRight", 1), ("PageUp", 7), ("End", STEPS), ("ArrowLeft", STEPS - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert step_of(page) == step
        wait_until(page, "!document.querySelector('video').seeking")
        assert int(second_of(page) * 30) == step
        assert step_of(page) == step


def test_a_click_on_the_timeline_seeks(page: Page) -> None:
    open_report(page, sample_evidence())
    track = page.locator(".track.wide")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    assert box is not None
    start, end = (float(track.get_attribute(name) or 0) for name in ("data-start", "data-end"))
    page.mouse.click(box["x"] + box["width"] * (start + (end - start) * 0.5), box["y"] + 60)
    assert step_of(page) == STEPS // 2


def test_a_moment_is_shown_in_the_replay(page: Page) -> None:
    open_report(page, sample_evidence())
    page.get_by_role("button", name="Show step 25 in the replay").click()
    assert step_of(page) == 25
    said = page.locator("#readout").inner_text()
    assert said == "Step 25 · without attack 25 · under attack -25 · KL 1.28 · most likely action changed"
    assert page.locator("#timeline").get_attribute("aria-valuetext") == said


def test_without_a_video_the_timeline_still_reads_out(page: Page) -> None:
    open_report(page, vector_evidence())
    page.locator("#timeline").focus()
    page.keyboard.press("End")
    assert page.locator("#readout").inner_text() == f"Step {STEPS} · without attack 60 (over) · under attack 40 (over)"
    assert page.get_by_role("button", name="Play", exact=True).count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_report(page, sample_evidence())
    assert page.evaluate("document.documentElement.scrollWidth") == width
