"""argparse, friendlier."""

import argparse
import difflib
from typing import Any, NoReturn


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps what a command does on its line: argparse forgets how far commands are indented."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """argparse that guesses what a misspelt command meant."""

    def error(self, message: str) -> NoReturn:
        super().error(message.replace("argument command: ", ""))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            close = difflib.get_close_matches(str(value), map(str, action.choices or ()), 1)
            if not close:
                raise
            raise argparse.ArgumentError(action, f"there is no {value!r}; did you mean {close[0]!r}?") from error
