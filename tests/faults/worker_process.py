"""A worker that is quick to notice that others died: `python -m tests.faults.worker_process QUEUE [HEARTBEAT_S]`."""

import logging
import sys

from saddlepoint.queue import EVALUATE
from saddlepoint.rq_worker import Pace, run_worker
from saddlepoint.settings import Settings
from worker.__main__ import load_engine
from worker.hangs import note_death

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(process)d %(name)s %(message)s")
queue, heartbeat_s = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
if queue == EVALUATE:
    load_engine()
pace = Pace(heartbeat_s=heartbeat_s, maintenance_s=1, worker_ttl_s=16)
sys.exit(run_worker(queue, Settings.from_environment(), pace, on_death=note_death))
