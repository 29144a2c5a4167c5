"""From a file to a report, as somebody does it who has a browser and nothing else."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.visiting import Visit

LONG_MS = 180_000
_WATCH = """
const seen = JSON.parse(sessionStorage.getItem("seen") || "[]");
addEventListener("DOMContentLoaded", () => {
  const done = document.getElementById("done");
  if (!done) return;
  const note = () => { seen.push(done.textContent); sessionStorage.setItem("seen", JSON.stringify(seen)); };
  note();
  new MutationObserver(note).observe(done, { childList: true, characterData: true, subtree: true });
});
"""


def begin(page: Page, **fields: str) -> None:
    """Fill in an evaluation's form and start it."""
    page.get_by_text("Advanced").click()
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)
    expect(page.locator("#estimate")).to_contain_text("about", timeout=60_000)
    page.get_by_role("button", name="Start the evaluation").click()
    page.wait_for_url(re.compile(r"/evaluations/[0-9a-f]{32}$"))


def test_a_file_is_chosen_and_what_was_inside_is_shown(visit: Visit, cartpole: Path) -> None:
    policy_id = visit.upload(cartpole)
    expect(visit.page.locator("#accepted")).to_contain_text("cartpole is taken. The onnx file holds a network")
    expect(visit.page.locator("#yours")).to_contain_text("cartpole")
    visit.keep("uploaded")
    visit.page.get_by_role("link", name="What was inside").click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("cartpole")
    assert visit.page.url.endswith(f"/policies/{policy_id}")


def test_a_file_is_dropped(visit: Visit, cartpole: Path) -> None:
    page = visit.open("/policies")
    transfer = page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.onnx"));
            return transfer;
        }""",
        list(cartpole.read_bytes()),
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_have_class("drop over")
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#accepted")).to_be_visible(timeout=60_000)


def test_a_file_that_is_no_policy_is_refused_in_words(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "holiday.txt"
    path.write_text("sun and sea")
    page = visit.open("/policies")
    page.set_input_files("#file", path)
    expect(page.locator(".problem")).to_contain_text("unsupported-format", timeout=60_000)
    visit.keep("refused")


def test_an_evaluation_is_started_watched_and_read(visit: Visit, cartpole: Path) -> None:
    policy_id = visit.upload(cartpole)
    visit.page.add_init_script(_WATCH)
    page = visit.open(f"/evaluations/new?policy={policy_id}")
    page.get_by_label("Quick").check()
    begin(page, epsilon="0.05, 0.2", **{"f-max_episode_steps": "100"})
    expect(page.locator("#progress")).to_be_visible()
    visit.keep("running")
    report = page.get_by_role("link", name="Open the report")
    report.wait_for(timeout=LONG_MS)
    seen = json.loads(page.evaluate("sessionStorage.getItem('seen')"))
    assert len(set(seen)) >= 3, f"episodes shown: {seen}"
    expect(page.locator("#cells")).to_contain_text("worst found")
    expect(page.locator("#cells tbody tr").first).to_contain_text("100%")
    assert page.locator("#cells tbody tr").count() == 1 + 4 * 2
    visit.keep("finished")
    with page.context.expect_page() as opened:
        report.click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("cartpole")
    opened.value.screenshot(path=visit.screenshots / "report.png")
    visit.open("/")
    expect(page.get_by_role("region", name="Latest results")).to_contain_text("cartpole")
    visit.keep("overview")


def test_a_running_evaluation_is_canceled(visit: Visit, boxer: Path) -> None:
    policy_id = visit.upload(boxer)
    page = visit.open(f"/evaluations/new?policy={policy_id}")
    page.locator("#env").fill("BoxingNoFrameskip-v4")
    begin(page)
    page.get_by_role("button", name="Cancel").click()
    visit.keep("asked")
    page.get_by_role("button", name="Keep it running").click()
    expect(page.locator("#progress")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator(".warning").first).to_contain_text("It was canceled", timeout=60_000)
    visit.keep("canceled")


def test_what_is_wrong_with_a_form_is_said_beside_it(visit: Visit, cartpole: Path) -> None:
    policy_id = visit.upload(cartpole)
    page = visit.open(f"/evaluations/new?policy={policy_id}")
    expect(page.locator("#estimate")).to_contain_text("Episodes", timeout=60_000)
    page.get_by_text("Advanced").click()
    page.locator("#f-steps").fill("5000")
    expect(page.locator("#problem")).to_contain_text("less than or equal to 1000", timeout=60_000)
    expect(page.locator("#f-steps")).to_have_attribute("aria-invalid", "true")
    visit.keep("wrong")
    page.locator("#f-steps").fill("5")
    expect(page.locator("#estimate")).to_contain_text("Episodes", timeout=60_000)
    expect(page.locator("#problem")).to_be_empty()


def test_an_evaluation_can_be_started_without_a_mouse(visit: Visit, cartpole: Path) -> None:
    policy_id = visit.upload(cartpole)
    page = visit.open(f"/evaluations/new?policy={policy_id}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "submit":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/evaluations/[0-9a-f]{32}$"))
