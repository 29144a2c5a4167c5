"""`python -m service`: the HTTP service of this machine, by the settings in its environment."""

import uvicorn

from saddlepoint.logs import log_to_stderr
from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store import open_store
from saddlepoint.tracing import trace_service
from service.app import create_app
from service.request_ids import WithRequestId

_REDIS_ANSWER_S = 1.0
"""Somebody waits for each of our answers, so a frozen Redis is given up sooner than by workers."""
_SHUTDOWN_S = 5
"""Event streams would go on for ever; their readers resume elsewhere."""


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    log_to_stderr("service", settings.log_level, settings.log_format, WithRequestId())
    trace_service()
    queue = JobQueue.open(settings.redis_url, answer_s=_REDIS_ANSWER_S)
    app = create_app(settings, open_store(settings.store_url), queue)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )


if __name__ == "__main__":
    main()
