"""`python -m tests.service.served FOLDER`: a service with workers in memory, whose memory can be measured."""

import sys
from pathlib import Path

import uvicorn

from tests.service.bench import make_bench


def main(folder: Path) -> None:
    """Serve at a port that is written to `port`."""
    bench = make_bench(folder)
    config = uvicorn.Config(bench.app, port=0, log_level="warning")
    listener = config.bind_socket()
    (folder / "port").write_text(str(listener.getsockname()[1]))
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
