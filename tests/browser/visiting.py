"""One person's look at the dashboard, and everything that went wrong meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

DESKTOP, PHONE = 1280, 390
_HEIGHT = 860
_ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8").partition("\n")[2]
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""Chromium says so of every answer that is a problem, also where the page shows it."""


@dataclass
class Visit:
    """A page of the service at `url`, and what it did that it should not have."""

    page: Page
    url: str
    screenshots: Path
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def keep(self, name: str) -> None:
        """A picture of the whole page, for people to look at."""
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def obstacles(self) -> list[str]:
        """What keeps people from using the page."""
        return [str(one) for one in self.page.evaluate(_ACCESSIBILITY)]

    def upload(self, policy: Path) -> str:
        """The id of a policy that is chosen as a file."""
        page = self.open("/policies")
        page.set_input_files("#file", policy)
        link = page.get_by_role("link", name="Evaluate it")
        link.wait_for(timeout=60_000)
        return (link.get_attribute("href") or "").partition("policy=")[2]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _REFUSED.match(message.text):
            self.errors.append(f"console: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "blob:", "data:")):
            self.errors.append(f"a request left the service: {request.url}")


@contextmanager
def visiting(
    browser: Browser,
    url: str,
    screenshots: Path,
    *,
    width: int = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Visit]:
    """A window of that width; at its end nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": width, "height": _HEIGHT}, color_scheme=scheme)
    visit = Visit(context.new_page(), url, screenshots)
    context.on("console", visit._hear)
    context.on("request", visit._see)
    context.on("weberror", lambda error: visit.errors.append(f"error: {error.error}"))
    try:
        yield visit
    finally:
        context.close()
    assert visit.errors == []
