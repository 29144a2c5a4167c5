"""Every page for everybody: on a phone, in the dark, without eyes or a mouse, and where keys are asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visiting import DESKTOP, PHONE, visiting
from tests.service.bench import Bench, cell, make_bench
from tests.service.live import serving
from tests.service.many import fill
from tests.service.test_many import put_card

PAGES = {
    "overview": "/",
    "evaluations": "/evaluations",
    "new-evaluation": "/evaluations/new?policy=policy",
    "choose-a-policy": "/evaluations/new",
    "evaluation-running": "/evaluations/{running}",
    "evaluation-ended": "/evaluations/{ended}",
    "policies": "/policies",
    "policy": "/policies/policy",
    "trainings": "/trainings",
    "new-training": "/trainings/new",
    "harden": "/trainings/new?policy=policy",
    "leaderboard": "/leaderboard",
    "workers": "/workers",
    "reference": "/reference",
    "api": "/docs",
    "login": "/login?wrong=1",
    "not-found": "/policies/nothing",
}
COUNT = 60


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A service with a few dozen evaluations, and what stands for the names in paths."""
    folder = tmp_path_factory.mktemp("filled")
    ids = fill(folder / "store", COUNT, running=3, policy_id="policy")
    bench = make_bench(folder)
    put_card(bench)
    for evaluation_id in ids[-3:]:
        bench.queue.set_live(evaluation_id, "processing", 70, 120_000)
    with serving(bench.app) as url:
        yield url, {"ended": ids[0], "running": ids[-1]}


@pytest.mark.parametrize(
    ("width", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]
)
def test_every_page_can_be_used_by_everybody(
    browser: Browser,
    filled: tuple[str, dict[str, str]],
    screenshots: Path,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    url, names = filled
    with visiting(browser, url, screenshots, width=width, scheme=scheme) as visit:
        for name, path in PAGES.items():
            page = visit.open(path.format(**names))
            for details in page.locator("details:not([id])").all():
                details.evaluate("(one) => { one.open = true; }")
            visit.keep(f"{name}-{width}-{scheme}")
            assert (name, visit.overflow()) == (name, 0)
            assert (name, visit.obstacles()) == (name, [])


def test_the_check_finds_what_is_wrong(browser: Browser, screenshots: Path) -> None:
    with visiting(browser, "about:blank", screenshots) as visit:
        visit.page.set_content(
            """<main><h2>Second</h2><input id="a"><p style="color: #999">pale</p><button></button><p id="a">twice</p>
            <table><thead><tr><th>no scope</th></tr></thead></table>
            <i tabindex="3" aria-describedby="none">x</i></main>"""
        )
        found = [one.partition(":")[0] for one in visit.obstacles()]
    assert found == [
        "no language",
        "no title",
        "not one h1",
        "a heading of level 2 after one of 0",
        "no label",
        "no name",
        "an order of its own",
        "two with the id a",
        "nothing has the id none",
        "no scope",
        "a contrast of 2.85",
    ]


def test_empty_pages_say_what_to_do_next(browser: Browser, tmp_path: Path, screenshots: Path) -> None:
    bench = make_bench(tmp_path)
    with serving(bench.app) as url, visiting(browser, url, screenshots) as visit:
        for name, path, link in (
            ("overview", "/", "Upload the first policy"),
            ("evaluations", "/evaluations", "Upload a policy"),
            ("new-evaluation", "/evaluations/new", "Upload a policy"),
            ("trainings", "/trainings", "train from scratch"),
        ):
            page = visit.open(path)
            expect(page.get_by_role("link", name=link)).to_be_visible()
            visit.keep(f"empty-{name}")


@pytest.fixture
def guarded(tmp_path: Path) -> Bench:
    return make_bench(tmp_path, api_keys={"open sesame": "default"})


def test_a_key_is_asked_for_and_opens_everything(browser: Browser, guarded: Bench, screenshots: Path) -> None:
    (evaluation_id,) = fill(guarded.folder / "store", 1, running=1, policy_id="policy")
    put_card(guarded)
    with serving(guarded.app) as url, visiting(browser, url, screenshots) as visit:
        page = visit.open(f"/evaluations/{evaluation_id}")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("not, or no longer, a valid key")
        visit.keep("login-wrong")
        page.get_by_label("API key").fill("open sesame")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#status")).to_have_text("queued")
        guarded.queue.set_live(evaluation_id, "processing", 5, 100)
        expect(page.locator("#done")).to_have_text("5")
        guarded.finish(evaluation_id, cell("ce"))
        expect(page.locator("#progress")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
        visit.open("/policies")
        expect(page.get_by_label("API key")).to_be_visible()
