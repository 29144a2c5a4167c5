"""What a Dockerfile says, read without an engine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.compose.engine import ROOT

DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it: instructions as (word, rest)."""

    base: str
    name: str
    instructions: tuple[tuple[str, str], ...]

    def all(self, word: str) -> list[str]:
        """What follows each instruction of a kind."""
        return [rest for found, rest in self.instructions if found == word]


def stages(path: Path) -> dict[str, Stage]:
    """The stages of a file by name, in order."""
    found: dict[str, Stage] = {}
    for block in re.split(r"^FROM ", _joined(path), flags=re.M)[1:]:
        head, *lines = block.splitlines()
        base, name = head.split(" AS ")
        pairs = (line.split(maxsplit=1) for line in lines if line)
        found[name] = Stage(base, name, tuple((word, rest) for word, rest in pairs))
    return found


def inherited(path: Path, target: str) -> Stage:
    """A stage with the instructions of those it is built on before its own."""
    known = stages(path)
    stage = known[target]
    instructions = stage.instructions
    while stage.base in known:
        stage = known[stage.base]
        instructions = stage.instructions + instructions
    return Stage(stage.base, target, instructions)


def words(text: str) -> list[str]:
    """The words of an instruction in exec form. Raises JSONDecodeError where it is for a shell."""
    parsed: list[str] = json.loads(text)
    return parsed


def _joined(path: Path) -> str:
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
    return re.sub(r"\s*\\\n\s*", " ", text)
