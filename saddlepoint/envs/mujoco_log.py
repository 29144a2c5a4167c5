"""Where MuJoCo's warnings go."""

import logging
from importlib.util import find_spec

_log = logging.getLogger(__name__)


def log_mujoco_warnings() -> None:
    """To this process's log: left alone, MuJoCo appends them to a file in the working directory."""
    if find_spec("mujoco") is not None:
        import mujoco

        mujoco.set_mju_user_warning(_warn)


def _warn(text: str) -> None:
    _log.info("MuJoCo: %s", text)
