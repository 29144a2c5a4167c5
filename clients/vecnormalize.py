"""The statistics of Stable-Baselines3's VecNormalize as hints, read on the user's machine without running its pickle.

A policy that was trained on normalised observations is another one without them. SB3 keeps them in a pickle beside the
zip, which stays here: the service gets three lists of numbers (stable_baselines3/common/vec_env/vec_normalize.py).
"""

from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from saddlepoint.errors import InvalidRequest
from saddlepoint.inert import InertReader, Recorded
from saddlepoint.inert_arrays import numbers_of
from saddlepoint.schemas.policies import PolicyHints

_FILE = "Give the file that VecNormalize.save() wrote."
_MAX_BYTES = 256 * 2**20
_EPSILON = 1e-8
"""VecNormalize's default, for files of versions that had it fixed."""


def read_vecnormalize(path: str | Path) -> PolicyHints | None:
    """What a policy's observations were normalised with; None where it was rewards alone. Raises InvalidRequest."""
    path = Path(path).expanduser()
    root = _root(path)
    state = root.state if isinstance(root, Recorded) else None
    if not isinstance(state, dict) or not {"norm_obs", "clip_obs"} <= state.keys():
        raise InvalidRequest(f"{str(path)!r} is a pickle of something else than a VecNormalize. {_FILE}")
    if not state["norm_obs"]:
        return None
    statistics = state.get("obs_rms")
    if not isinstance(statistics, Recorded) or not isinstance(statistics.state, dict):
        raise InvalidRequest(
            f"{str(path)!r} must hold the statistics of one Box of observations; it holds those of a dict or none. "
            "A policy over a dict of observations is not taken."
        )
    try:
        return _hints(statistics.state, clip=state["clip_obs"], epsilon=state.get("epsilon", _EPSILON))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InvalidRequest(f"The statistics in {str(path)!r} cannot be read: {error}. {_FILE}") from error


def _root(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidRequest(f"{str(path)!r} has more than {_MAX_BYTES} bytes, which statistics never have.")
        return InertReader(path.read_bytes()).load()
    except OSError as error:
        raise InvalidRequest(f"{str(path)!r} cannot be read. {_FILE}") from error
    except InvalidRequest:
        raise
    except Exception as error:
        # Whatever a pickle machine finds wrong (a dozen exception types) is wrong with the file.
        raise InvalidRequest(f"{str(path)!r} is no pickle. {_FILE}") from error


def _hints(statistics: dict[str, Any], *, clip: Any, epsilon: Any) -> PolicyHints:
    mean, variance = numbers_of(statistics["mean"]), numbers_of(statistics["var"])
    (bound,), (floor,) = numbers_of(clip), numbers_of(epsilon)
    if not mean or len(mean) != len(variance) or not all(map(isfinite, (*mean, *variance, floor))):
        raise ValueError("mean and var must be finite and of one length")
    if not bound > 0 or min(variance) + floor <= 0:
        raise ValueError("clip_obs and the variances must be positive")
    return PolicyHints(
        observation_mean=mean,
        observation_std=[sqrt(number + floor) for number in variance],
        observation_clip=bound if isfinite(bound) else None,
    )
