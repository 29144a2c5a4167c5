"""`python -m worker.reconciler`: looks around every few seconds and leaves nothing undone that was accepted."""

import logging
import signal
import sys
import threading

from saddlepoint.errors import StoreError, Unavailable
from saddlepoint.logs import log_to_stderr
from saddlepoint.pulse import beat
from saddlepoint.settings import Settings
from worker.context import Context
from worker.lease import Lease
from worker.reconciling import Reconciler

_log = logging.getLogger(__name__)


def run(settings: Settings, stop: threading.Event) -> None:
    """Make a pass at once and then every interval, while nobody else does, until `stop`."""
    with Context.open(settings) as context:
        _run(context, stop)


def _run(context: Context, stop: threading.Event) -> None:
    settings = context.settings
    reconciler, lease = Reconciler(context), Lease(context.queue, "reconciler", settings.reconcile_interval_s)

    def may_go_on() -> bool:
        beat(settings.pulse_file)
        return not stop.is_set() and lease.is_held()

    while not stop.is_set():
        try:
            if may_go_on():
                reconciler.run_pass(may_go_on)
        except (Unavailable, StoreError) as error:
            _log.warning("no pass: %s", error.message)
        stop.wait(settings.reconcile_interval_s)


def main() -> int:
    """The process; SIGTERM and Ctrl-C end it between two steps of a pass."""
    settings = Settings.from_environment()
    log_to_stderr("reconciler", settings.log_level, settings.log_format)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    run(settings, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
