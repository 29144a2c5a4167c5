"""Environments that installed packages bring along, by the entry point group `saddlepoint.environments`.

An entry names a callable without arguments that registers ids with Gymnasium, which itself has no such group:

    [project.entry-points."saddlepoint.environments"]
    mypackage = "mypackage.envs:register"

Whoever installs packages where the workers run decides what is loaded; a request can only name an id.
"""

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "saddlepoint.environments"
_log = logging.getLogger(__name__)


@cache
def load_plugins() -> tuple[str, ...]:
    """Call every entry of the group, once in a process; returns the names of those that failed.

    One that fails costs the ids that it would have registered, and leaves its traceback in the log.
    """
    return tuple(entry.name for entry in entry_points(group=GROUP) if not _registers(entry))


def _registers(entry: EntryPoint) -> bool:
    try:
        entry.load()()
    except Exception:
        _log.exception("The entry point %s = %s of %s failed", entry.name, entry.value, GROUP)
        return False
    return True
