"""`python -m worker --queue evaluate`: one worker process of one queue."""

import argparse
import os
import sys

from saddlepoint.logs import log_to_stderr
from saddlepoint.queue import EVALUATE, VALIDATION
from saddlepoint.rq_worker import run_worker
from saddlepoint.settings import Settings
from saddlepoint.tracing import trace_jobs
from worker.hangs import note_death


def main(arguments: list[str] | None = None) -> int:
    """Work until a signal; the exit status, 1 where a supervisor should start it again."""
    options = _parser().parse_args(arguments)
    settings = Settings.from_environment()
    log_to_stderr(options.queue, settings.log_level, settings.log_format)
    trace_jobs(options.queue)
    load_engine()
    return run_worker(options.queue, settings, on_death=note_death if options.queue == EVALUATE else None)


def load_engine() -> None:
    """Import once what every job needs. No operator may run before the fork: a pool of threads does not survive it."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when the libraries are loaded
    import torch

    import worker.tasks  # noqa: F401

    torch.set_num_threads(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Works on one queue of Saddlepoint.")
    parser.add_argument("--queue", required=True, choices=[EVALUATE, VALIDATION])
    return parser


if __name__ == "__main__":
    sys.exit(main())
