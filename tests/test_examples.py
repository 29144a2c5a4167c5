"""What README.md and docs/ show is what there is: commands are parsed by the real parser, names are looked up.

The examples in Python, and the requests of curl, are run by tests/stack/test_examples.py.
"""

import importlib.util
import json
import logging
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from clients.arguments import build_parser
from clients.commands import COMMANDS
from clients.given import environment, specification
from clients.requests import evaluation_spec
from saddlepoint.errors import SaddlepointError
from saddlepoint.logs import JsonLines, working_on
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.settings import PREFIX, Settings
from tests.examples import ROOT, Block, blocks, commands, named_commands

_OF_CLIENTS = {f"{PREFIX}URL", f"{PREFIX}API_KEY"}
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_RECIPE_LINE = re.compile(r"^\s*(?:- )?(?:run: )?(saddlepoint (?:.*\\\n)*.*)$", re.MULTILINE)


def _saddlepoint(words: list[str]) -> None:
    """The real parser takes it, and what it asks for can be asked for."""
    options = build_parser().parse_args(words)
    if options.command in ("evaluate", "harden"):
        EvaluationSpec.model_validate(evaluation_spec(environment(options), specification(options)))
    _files([word for word in words if word.startswith(("trainer/", "docker/"))])


def _make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [word for word in words if "=" not in word and word not in targets] == []


def _pip(words: list[str]) -> None:
    assert words[0] == "install"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [extra for word in words for extra in re.findall(r"saddlepoint\[(.*)\]", word)]
    assert {name for extra in extras for name in extra.split(",")} <= set(project["optional-dependencies"])


def _python(words: list[str]) -> None:
    """The module is there, and its text knows the options."""
    assert words[0] == "-m"
    spec = importlib.util.find_spec(words[1])
    assert spec is not None
    origin = Path(str(spec.origin))
    sources = origin.parent.glob("*.py") if spec.submodule_search_locations else [origin]
    text = "".join(source.read_text() for source in sources)
    assert [word for word in words[2:] if word.startswith("--") and f'"{word}"' not in text] == []


def _curl(words: list[str]) -> None:
    """It is run against a stack elsewhere; here it is one that would be."""
    assert any("127.0.0.1:8000" in word for word in words)


def _jq(words: list[str]) -> None:
    """It asks for fields that the log has."""
    record = logging.makeLogRecord({"msg": "a shard is played"})
    with working_on(kind="evaluation", id="8f0c", task="play_shard"):
        fields = json.loads(JsonLines("evaluator").format(record))
    asked = re.findall(r"\.(\w+)", words[1])
    assert asked
    assert set(asked) <= fields.keys()


def _files(words: list[str]) -> None:
    """Every file of the tree that is named is there."""
    tops = tuple(f"{path.name}{'/' if path.is_dir() else ''}" for path in ROOT.iterdir())
    named = [word for word in words if word.startswith(tops) and "=" not in word]
    assert [word for word in named if not (ROOT / word).exists()] == []


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "saddlepoint": _saddlepoint,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "torchrun": _files,
    "curl": _curl,
    "jq": _jq,
    "docker": _files,
    "kubectl": _files,
    "helm": _files,
    "git": _files,
    "cd": _files,
    "cp": _files,
    "export": _files,
    ".": lambda words: None,
    **dict.fromkeys(("trap", "until", "do", "done"), lambda words: None),
}
"""By program: a check of the words behind it. An example of another program needs one here.

The shell's own words are those of the recipe for CI, which tests/stack/test_recipes.py runs as it stands.
"""


def check(text: str) -> None:
    """Raises where a command of a shell text could not be run as it is shown."""
    for words in commands(text):
        _check(words)


def _check(words: list[str]) -> None:
    while words and (assigned := _ASSIGNMENT.fullmatch(words[0])):
        name = assigned[1]
        if name.startswith(PREFIX):
            assert name in _OF_CLIENTS or name.removeprefix(PREFIX).lower() in Settings.model_fields
        words = words[1:]
    if words:
        assert words[0] in CHECKS, f"{words[0]} is a program that no check of examples knows"
        CHECKS[words[0]](words[1:])


@pytest.mark.parametrize("block", blocks("shell"), ids=str)
def test_commands_can_be_run_as_they_are_shown(block: Block) -> None:
    check(block.text)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_commands_of_recipes_can_be_run(block: Block) -> None:
    for text in _RECIPE_LINE.findall(block.text):
        check(text)


@pytest.mark.parametrize("block", blocks("toml", "json", "python"), ids=str)
def test_data_and_code_can_be_read(block: Block) -> None:
    read: dict[str, Callable[[str], object]] = {
        "toml": tomllib.loads,
        "json": json.loads,
        "python": lambda text: compile(text, str(block), "exec"),
    }
    read[block.language](block.text)


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    kinds = {"shell", "drawing", "yaml", "toml", "json", "python", "text"}
    assert [str(block) for block in blocks() if block.language not in kinds] == []


def test_commands_named_in_a_sentence_exist_with_their_options() -> None:
    (parsers,) = [action.choices for action in build_parser()._actions if action.dest == "command"]
    assert isinstance(parsers, dict)
    named = named_commands(COMMANDS)
    assert len(named) >= 5
    wrong = [
        (where, name, option)
        for where, name, options in named
        for option in ["--help", *options]
        if name not in parsers or option not in parsers[name]._option_string_actions
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "stale",
    [
        "saddlepoint evaluate policy.zip --env CartPole-v1 --epsilon 1 --speed 9",
        "saddlepoint evaluate policy.zip --env CartPole-v1 --epsilon 1 --attacks gentle",
        "saddlepoint assess policy.zip",
        "saddlepoint inspect trainer/zoo/nobody.safetensors",
        "make coffee",
        "pip install 'saddlepoint[kitchen]'",
        "python -m trainer.reproduce --nowhere",
        "python -m nobody",
        "docker compose -f docker/nowhere.yml up",
        "SADDLEPOINT_SPEED=9 python -m worker --queue evaluate",
        "brew install saddlepoint",
    ],
)
def test_an_example_that_went_stale_is_found(stale: str) -> None:
    with pytest.raises((AssertionError, SystemExit, SaddlepointError, ValidationError)):
        check(stale)
