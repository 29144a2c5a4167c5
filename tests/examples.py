"""What README.md and docs/ show: fenced blocks by language, and commands named within a line."""

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SYNONYMS = {"bash": "shell", "sh": "shell", "yml": "yaml"}
_DRAWING = "->"
_SEPARATORS = frozenset({"|", "&&", "||", ";", "&"})
_OPTION = re.compile(r"--[a-z][a-z-]*")
_INLINE = re.compile(r"`(?:saddlepoint ([a-z]+)([^`\n]*)|([a-z]+)( [^`\n]*--[^`\n]*))`")


@dataclass(frozen=True)
class Block:
    """A fenced block; its name says where it is."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(*languages: str) -> list[Block]:
    """The blocks of these languages, or all, in reading order.

    One without a language is `shell`, or `drawing` where it has arrows.
    """
    return [block for path in documents() for block in _blocks_of(path) if not languages or block.language in languages]


def _blocks_of(path: Path) -> Iterator[Block]:
    document = path.read_text(encoding="utf-8")
    for match in _FENCE.finditer(document):
        line = document[: match.start()].count("\n") + 1
        language = match[1] or ("drawing" if _DRAWING in match[2] else "shell")
        yield Block(str(path.relative_to(ROOT)), line, _SYNONYMS.get(language, language), match[2])


def commands(text: str) -> list[list[str]]:
    """The words of each command of a shell text: lines are joined, comments and redirections dropped, pipes split."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        parts = [list(part) for is_end, part in groupby(words, _SEPARATORS.__contains__) if not is_end]
        found += [_without_redirection(part) for part in parts]
    return found


def _without_redirection(words: list[str]) -> list[str]:
    ends = [at for at, word in enumerate(words) if word in (">", ">>", "2>", "<")]
    return words[: ends[0]] if ends else words


def named_commands(known: Collection[str]) -> list[tuple[str, str, list[str]]]:
    """Where, which command, and its options, of each that a line names: `saddlepoint X`, or a known X with options."""
    found = []
    for path in documents():
        text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"))
        for match in _INLINE.finditer(text):
            if match[1] or match[3] in known:
                where = f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}"
                found.append((where, match[1] or match[3], _OPTION.findall(match[0])))
    return found
