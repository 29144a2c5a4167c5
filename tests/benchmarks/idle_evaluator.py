"""An evaluator with all that the real one has loaded, whose shards do nothing."""

import sys

from saddlepoint.queue import EVALUATE
from saddlepoint.rq_worker import run_worker
from saddlepoint.settings import Settings
from worker import tasks
from worker.__main__ import load_engine


def play_nothing(evaluation_id: str, shard: str) -> None:
    """What stands for a shard."""


if __name__ == "__main__":
    load_engine()
    tasks.play_shard = play_nothing
    sys.exit(run_worker(EVALUATE, Settings.from_environment()))
