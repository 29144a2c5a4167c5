"""A browser, and a whole stack for it to look at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from clients.background import RunningStack, running_stack
from tests.browser.visiting import Visit, visiting
from tests.stack.policies import balancing_cartpole, random_boxer

_FOLDER = Path(os.environ.get("SADDLEPOINT_SCREENSHOTS", "build/screenshots"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without one tests are skipped here, and fail in CI.

    It is gone with the last test of this folder: while it is there no other test can run an event loop.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None and "CI" not in os.environ:
        pytest.skip("there is no chromium here")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("browser"), workers=1) as running:
        yield running


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where what the tests saw is kept."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    return _FOLDER


@pytest.fixture(scope="session")
def cartpole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return balancing_cartpole(tmp_path_factory.mktemp("policies") / "cartpole.onnx")


@pytest.fixture(scope="session")
def boxer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_boxer(tmp_path_factory.mktemp("policies") / "boxing.safetensors")


@pytest.fixture
def visit(browser: Browser, stack: RunningStack, screenshots: Path) -> Iterator[Visit]:
    """A window of a desktop, which may not find an error at its end."""
    with visiting(browser, stack.url, screenshots) as visit:
        yield visit
