"""A training, from its form to the policy that it publishes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visiting import Visit

LONG_MS = 240_000


@pytest.mark.slow
def test_a_training_is_started_and_its_curve_grows(visit: Visit) -> None:
    page = visit.open("/trainings/new")
    page.locator("#steps").fill("16384")
    page.locator("#name").fill("balancer")
    page.locator("#prove").uncheck()
    visit.keep("new-training")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/trainings/[0-9a-f]{32}$"))
    expect(page.locator("#curve svg")).to_be_visible(timeout=LONG_MS)
    visit.keep("training")
    page.get_by_role("link", name="Open the policy").click(timeout=LONG_MS)
    expect(page.get_by_role("heading", level=1)).to_have_text("balancer")
    expect(page.get_by_role("main")).to_contain_text("standard, seed 0")
    visit.keep("trained")


def test_a_policy_is_hardened_from_where_it_stands(visit: Visit, boxer: Path) -> None:
    policy_id = visit.upload(boxer)
    page = visit.open(f"/policies/{policy_id}")
    page.get_by_role("link", name="Harden it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harden boxing")
    page.locator("#env").fill("BoxingNoFrameskip-v4")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/trainings/[0-9a-f]{32}$"))
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("#status")).to_have_text("canceled", timeout=60_000)
