"""Completion for shells, made from the parser itself; needs shtab, of the extra `completion`."""

import argparse
from collections.abc import Iterator

from clients.arguments import build_parser
from saddlepoint.errors import InvalidRequest


def script(shell: str) -> str:
    """What `shell` reads to complete `saddlepoint`. Raises InvalidRequest without shtab."""
    try:
        import shtab
    except ImportError as error:
        raise InvalidRequest("Completion needs shtab: pip install 'saddlepoint[completion]'.") from error
    parser = build_parser()
    for action in _actions(parser):
        if action.metavar in _PATHS:
            action.complete = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}[action.metavar]  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell=shell))


_PATHS = ("FILE", "DIR")


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of the parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
