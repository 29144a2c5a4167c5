"""The `saddlepoint` command: parse, run, and turn every failure into a sentence and an exit status."""

import os
import sys
from collections.abc import Sequence

from clients.arguments import build_parser
from saddlepoint.errors import (
    Canceled,
    CleanScoreTooLow,
    Conflict,
    FaultsFound,
    GateFailed,
    InvalidRequest,
    JobFailed,
    NotFound,
    PolicyRejected,
    SaddlepointError,
)

FAILED, USAGE, JOB, SERVICE, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 4, 130, 141
_STATUSES: tuple[tuple[type[SaddlepointError], int], ...] = (
    (GateFailed, FAILED),
    (FaultsFound, FAILED),
    (InvalidRequest, USAGE),
    (NotFound, USAGE),
    (Conflict, USAGE),
    (PolicyRejected, JOB),
    (CleanScoreTooLow, JOB),
    (JobFailed, JOB),
    (Canceled, JOB),
    (SaddlepointError, SERVICE),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = build_parser().parse_args(arguments)
    # Loading them takes most of the start, which whoever asks for help need not wait for.
    from clients.commands import COMMANDS
    from clients.console import Console

    console = Console(as_json=getattr(options, "as_json", False))
    try:
        COMMANDS[options.command](options, console)
    except SaddlepointError as error:
        console.say(f"saddlepoint: {error} [{error.code}]")
        return next(status for kind, status in _STATUSES if isinstance(error, kind))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return 0


if __name__ == "__main__":
    sys.exit(main())
