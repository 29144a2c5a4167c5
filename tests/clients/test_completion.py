"""Shell completion, as a shell does it."""

import subprocess
import sys
from pathlib import Path

import pytest

from clients.arguments import SHELLS, build_parser
from clients.cli import main
from clients.commands import COMMANDS


@pytest.fixture
def bash_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    assert main(["completion", "bash"]) == 0
    path = tmp_path / "saddlepoint.bash"
    path.write_text(capsys.readouterr().out)
    return path


def _completed(script: Path, *words: str) -> set[str]:
    """What bash offers for the last of `words`."""
    code = (
        f"cd {script.parent}; source {script.name}; COMP_WORDS=(saddlepoint {' '.join(words)!s}); "
        f"COMP_CWORD={len(words)}; _shtab_saddlepoint saddlepoint; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ev",), {"evaluate", "evaluations"}),
        (("evaluate", "--ti"), {"--tier"}),
        (("evaluate", "--tier", "p"), {"paper"}),
        (("evaluate", "saddle"), {"saddlepoint.bash"}),
    ],
)
def test_bash_completes_commands_options_choices_and_files(
    bash_script: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    assert _completed(bash_script, *words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in printed] == []


def test_without_shtab_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'saddlepoint[completion]'" in capsys.readouterr().err


def test_what_can_be_parsed_can_be_run() -> None:
    (commands,) = [action.choices for action in build_parser()._actions if action.dest == "command"]
    assert commands is not None
    assert set(commands) == set(COMMANDS)
