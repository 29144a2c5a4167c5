"""How soon the command line is there."""

import statistics
import subprocess
import sys
import time

import pytest

from clients.cli import USAGE

HELP_S = 0.4


def _seconds(*arguments: str) -> float:
    """The median of five starts of a new interpreter."""
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def test_help_is_there_at_once() -> None:
    assert _seconds("-m", "clients", "--help") < max(HELP_S, 4 * _seconds("-c", "pass"))


@pytest.mark.parametrize("module", ["clients", "clients.cli"])
def test_either_module_is_the_command(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "inspect", "/nowhere"], capture_output=True, text=True)
    assert done.returncode == USAGE
    assert "'/nowhere' does not exist" in done.stderr


@pytest.mark.parametrize("words", ["--help", "evaluate --help", "--version"])
def test_help_loads_neither_the_client_nor_its_packages(words: str) -> None:
    code = (
        "import sys\nfrom clients.cli import main\n"
        f"try: main({words.split()!r})\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'httpx', 'pydantic', 'clients.sync', 'shtab'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
