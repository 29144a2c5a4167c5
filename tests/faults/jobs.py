"""Jobs that leave traces, for workers that are killed while they run them."""

import os
import time
from pathlib import Path


def work_until_told(folder: str) -> None:
    """Leave a file named by the process, and end when there is a file `end`."""
    Path(folder, f"{os.getpid()}.started").touch()
    while not Path(folder, "end").exists():
        time.sleep(0.02)
    Path(folder, f"{os.getpid()}.done").touch()
