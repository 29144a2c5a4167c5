"""`python -m tests.service.watched FOLDER`: a service whose one evaluation takes steps all the time."""

import sys
import threading
import time
from pathlib import Path

import uvicorn

from tests.service.bench import make_bench
from tests.service.many import fill

_EVERY_S = 0.1


def main(folder: Path) -> None:
    """Serve at a port that is written to `port`."""
    bench = make_bench(folder)
    (evaluation_id,) = fill(folder / "store", 1, running=1, policy_id="policy")
    config = uvicorn.Config(bench.app, port=0, log_level="warning", access_log=False)
    listener = config.bind_socket()
    listener.listen()

    def play() -> None:
        steps = 0
        while True:
            steps += 100
            bench.queue.set_live(evaluation_id, "processing", steps // 1000, steps)
            time.sleep(_EVERY_S)

    threading.Thread(target=play, daemon=True).start()
    (folder / "id").write_text(evaluation_id)
    (folder / "port").write_text(str(listener.getsockname()[1]))
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
