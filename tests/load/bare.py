"""`python -m tests.load.bare PORT FILE`: a route that reads a file and nothing else, for comparison."""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main(port: int, file: Path) -> None:
    async def read(request: Request) -> Response:
        return Response(await run_in_threadpool(file.read_bytes), media_type="application/json")

    uvicorn.run(Starlette(routes=[Route("/", read)]), port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
