"""Jobs that leave traces, for workers that are killed while they run them, and one that is stuck."""

import ctypes
import os
import time
from pathlib import Path
from typing import Any


def work_until_told(folder: str) -> None:
    """Leave a file named by the process, and end when there is a file `end`."""
    Path(folder, f"{os.getpid()}.started").touch()
    while not Path(folder, "end").exists():
        time.sleep(0.02)
    Path(folder, f"{os.getpid()}.done").touch()


def hang_in_native_code(evaluation_id: str, shard: str) -> None:
    """Play a shard with an engine that holds the interpreter and never returns, under an impatient watchdog."""
    from saddlepoint.settings import Settings
    from tests.worker.world import make_engine
    from worker import shards
    from worker.context import Context

    def hang(*_: Any, **__: Any) -> None:
        ctypes.PyDLL(None).sleep(1000)

    shards._STALL_S = shards._STALL_PER_GRADIENT_S = 0.5
    with Context.open(Settings.from_environment()) as context:
        shards.run_shard(context, make_engine(hang), evaluation_id, int(shard))
