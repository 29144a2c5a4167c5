"""What a command writes: data on stdout, everything else on stderr. The only writer of the command line."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from clients.table import Table


@dataclass(frozen=True)
class Console:
    """Output of one command; `as_json` turns its data into JSON."""

    as_json: bool = False

    @property
    def width(self) -> int | None:
        """Of a terminal that data go to, in characters; a file takes any."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def say(self, text: str) -> None:
        """For the reader: progress and notes."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def guesses(self, guesses: Sequence[str]) -> None:
        """What a policy's file did not settle: the numbers are only as right as these, so they are said aloud."""
        for guess in guesses:
            self.say(f"Guessed: {guess}")

    def show(self, text: str) -> None:
        """Data as text."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def data(self, value: Any, text: str) -> None:
        """Data: `value` where JSON is asked for, else `text`, which says the same."""
        self.show(json.dumps(_plain(value), indent=2) if self.as_json else text)

    def rows(self, items: "list[Any]", columns: tuple[str, ...]) -> None:
        """A list: all its fields as JSON, else a table of `columns`."""
        plain = [_plain(item) for item in items]
        self.data(plain, Table(columns, [[str(item[column]) for column in columns] for item in plain]).text())
        if not plain:
            self.say("There are none yet.")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list) else value
