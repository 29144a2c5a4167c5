"""Single Gymnasium environments by id, and what goes wrong with them in our own words."""

import difflib
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, find_highest_version

from saddlepoint.envs.mujoco_log import log_mujoco_warnings
from saddlepoint.envs.plugins import GROUP, load_plugins
from saddlepoint.errors import InvalidSpec, UnknownEnvironment, UnsupportedEnvironment
from saddlepoint.schemas.environments import EnvironmentSpec

_REFUSED_KWARGS = {
    "max_episode_steps": "set max_episode_steps of the evaluation instead",
    "disable_env_checker": "leave it out",
    "render_mode": "nothing is drawn during an evaluation; leave it out",
    "xml_file": "it names a file of the machine that plays; leave it out",
}
_RESET_WHOLLY = ("gymnasium.envs.classic_control.", "gymnasium.envs.mujoco.")
_REMEDIES = {
    "box2d": "pip install 'saddlepoint[box2d]' (where Box2D has no wheel, with swig and a C++ compiler)",
    "mujoco": "pip install 'saddlepoint[mujoco]'",
    "phys2d": "pip install 'gymnasium[jax]'",
    "tabular": "pip install 'gymnasium[jax]'",
}
"""What a folder of Gymnasium's environments needs."""


def registration(env: EnvironmentSpec) -> EnvSpec:
    """Gymnasium's own entry for an id; UnknownEnvironment where it has none.

    The registry is read as it is, with what plugins add to it: `gymnasium.make` on a string would
    import a module named in the id and warn of old versions.
    """
    failed = load_plugins()
    entry = gymnasium.registry.get(env.id)
    if entry is None:
        hint = f" The plugins {', '.join(failed)} could not be loaded; a worker's log says why." if failed else ""
        raise UnknownEnvironment(f"There is no environment {env.id!r}.{_suggestion(env.id)}{hint}")
    source = str(entry.entry_point)
    if source.startswith("ale_py"):
        raise UnknownEnvironment(f"Atari games are named '<Game>NoFrameskip-v4' or 'ALE/<Game>-v5'; got {env.id!r}.")
    if "shimmy" in source or env.id.startswith("GymV2"):
        raise UnsupportedEnvironment(
            f"{env.id} would import code named in its kwargs, which is never done; name an "
            "environment that is registered under its own id."
        )
    return entry


def make_instance(env: EnvironmentSpec, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
    """One instance without Gymnasium's checker, order and time-limit wrappers; it draws nothing unless asked to.

    Raises UnknownEnvironment, UnsupportedEnvironment where its code cannot be loaded on this
    machine, InvalidSpec for `kwargs` it does not take.
    """
    entry = deepcopy(registration(env))
    entry.order_enforce = False
    _check_kwargs(env)
    drawn = {} if render_mode is None else {"render_mode": render_mode}
    if _folder(entry) == "mujoco":
        log_mujoco_warnings()
    try:
        return gymnasium.make(entry, max_episode_steps=-1, disable_env_checker=True, **env.kwargs, **drawn)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise UnsupportedEnvironment(_missing(entry)) from error
    except Exception as error:
        if not env.kwargs:
            raise UnsupportedEnvironment(
                f"{env.id} is registered but cannot be made ({type(error).__name__}); "
                "its own installation on this machine has to be mended."
            ) from error
        raise InvalidSpec(
            f"kwargs must be what {env.id} accepts; with {sorted(env.kwargs)} it cannot be made "
            f"({type(error).__name__}). See the environment's own documentation."
        ) from error


def resets_wholly(env: EnvironmentSpec) -> bool:
    """Whether a seeded reset is known to leave nothing of the episode before.

    BipedalWalker's does not: its Box2D world lives on, and with it the order of contacts. Of environments from outside
    Gymnasium nobody knows.
    """
    return str(registration(env).entry_point).startswith(_RESET_WHOLLY)


def _check_kwargs(env: EnvironmentSpec) -> None:
    for name, remedy in _REFUSED_KWARGS.items():
        if name in env.kwargs:
            raise InvalidSpec(f"kwargs of {env.id} must not hold {name!r}: {remedy}.")


def _suggestion(env_id: str) -> str:
    known = [name for name, entry in gymnasium.registry.items() if _ours(entry)]
    close = difflib.get_close_matches(env_id, known, n=3)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" Neither Gymnasium nor a package with the entry point {GROUP} registers it where the workers run."


def _ours(entry: EnvSpec) -> bool:
    return not str(entry.entry_point).startswith(("ale_py", "shimmy"))


def _missing(entry: EnvSpec) -> str:
    newest = find_highest_version(entry.namespace, entry.name)
    if callable(entry.entry_point) and newest != entry.version:
        return f"{entry.id} has left Gymnasium; take {entry.name}-v{newest}."
    if _folder(entry) == "mujoco" and newest != entry.version and find_spec("mujoco") is not None:
        return f"{entry.id} needs an older MuJoCo than this machine has; take {entry.name}-v{newest}."
    remedy = _REMEDIES.get(_folder(entry), "install what its authors name")
    return f"{entry.id} needs a package that this machine lacks; where the workers run, {remedy}."


def _folder(entry: EnvSpec) -> str:
    """Of one of Gymnasium's own environments; empty for others."""
    head, _, rest = str(entry.entry_point).partition("gymnasium.envs.")
    return "" if head else rest.partition(".")[0]
