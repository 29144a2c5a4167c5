"""A trainer that keeps a checkpoint after every update: `python -m tests.trainer.trainer_process BEHAVIOUR`.

`hold` stands still in its first attempt, to be killed there; `hopeless` kills itself in the first update of every
attempt, before anything is stored; `steady` does neither, and is quick to notice that others died.
"""

import logging
import os
import signal
import sys
import time

from saddlepoint.queue import TRAINING
from saddlepoint.rq_worker import Pace, run_worker
from saddlepoint.settings import Settings
from trainer.__main__ import load_engine

HELD_AFTER = 3
QUICK = Pace(heartbeat_s=1, maintenance_s=1, worker_ttl_s=16)


def main(behaviour: str) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(process)d %(name)s %(message)s")
    load_engine()
    from trainer import job
    from trainer.curve import UpdateRecord
    from trainer.training import Training

    keep = job._Attempt.keep

    def keep_or_not(self: job._Attempt, training: Training, update: UpdateRecord) -> None:
        if behaviour == "hopeless":
            os.kill(os.getpid(), signal.SIGKILL)
        keep(self, training, update)
        while behaviour == "hold" and self.number == 0 and update.update == HELD_AFTER:
            time.sleep(0.1)

    job.CHECKPOINT_S = job.CURVE_S = 0.0
    job._Attempt.keep = keep_or_not  # type: ignore[method-assign]
    return run_worker(TRAINING, Settings.from_environment(), QUICK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
