"""`python -m trainer`: one process that works on the queue `train`."""

import os
import sys

from saddlepoint.logs import log_to_stderr
from saddlepoint.queue import TRAINING
from saddlepoint.rq_worker import run_worker
from saddlepoint.settings import Settings
from saddlepoint.tracing import trace_jobs


def main() -> int:
    """Work until a signal; the exit status, 1 where a supervisor should start it again."""
    settings = Settings.from_environment()
    log_to_stderr(TRAINING, settings.log_level, settings.log_format)
    trace_jobs(TRAINING)
    load_engine()
    return run_worker(TRAINING, settings)


def load_engine() -> None:
    """Import once what every job needs. No operator may run before the fork: a pool of threads does not survive it."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when the libraries are loaded
    import torch

    import trainer.tasks  # noqa: F401

    torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(main())
