"""A trainer whose first attempt stands still after an update, to be killed there."""

import sys
import time

from saddlepoint.queue import TRAINING
from saddlepoint.rq_worker import run_worker
from saddlepoint.settings import Settings
from trainer.__main__ import load_engine

HELD_AFTER = 3


def main() -> int:
    load_engine()
    from trainer import job
    from trainer.curve import UpdateRecord
    from trainer.training import Training

    keep = job._Attempt.keep

    def keep_and_hold(self: job._Attempt, training: Training, update: UpdateRecord) -> None:
        keep(self, training, update)
        while self.number == 0 and update.update == HELD_AFTER:
            time.sleep(0.1)

    job.CHECKPOINT_S = 0.0
    job._Attempt.keep = keep_and_hold  # type: ignore[method-assign]
    return run_worker(TRAINING, Settings.from_environment())


if __name__ == "__main__":
    sys.exit(main())
