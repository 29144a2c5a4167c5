"""Environments of packages that somebody installed, made of a few files on the path."""

import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from saddlepoint.envs.describe import describe
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.envs.plugins import GROUP, load_plugins
from saddlepoint.errors import UnknownEnvironment
from saddlepoint.schemas.environments import ContinuousSpace, EnvironmentSpec

REGISTER = """
import gymnasium

def register():
    gymnasium.register("mypackage/MyEnv-v0", entry_point="tests.envs.toys:Echo", max_episode_steps=7)
"""
MINE = EnvironmentSpec(id="mypackage/MyEnv-v0")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """As in a process that has looked for no plugin yet."""
    load_plugins.cache_clear()
    yield
    load_plugins.cache_clear()
    gymnasium.registry.pop(MINE.id, None)
    for name in ("mypackage", "broken"):
        sys.modules.pop(name, None)


def install(folder: Path, name: str, source: str) -> None:
    """A distribution as pip leaves it: a module, and metadata that names an entry point."""
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:register\n", encoding="utf-8")


def test_an_installed_packages_environment_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "mypackage", REGISTER)
    monkeypatch.syspath_prepend(tmp_path)
    description = describe(MINE)
    assert ContinuousSpace(n=2, shape=(2,), low=-1, high=1) == description.action
    assert description.max_episode_steps == 7
    lanes = make_lanes(MINE, 2)
    lanes.reset([0, 1], [1, 2])
    assert lanes.step(np.full((2, 2), 0.5, dtype=np.float32)).rewards.tolist() == [1.0, 1.0]


def test_a_package_is_called_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "mypackage", REGISTER)
    monkeypatch.syspath_prepend(tmp_path)
    describe(MINE)
    del gymnasium.registry[MINE.id]
    with pytest.raises(UnknownEnvironment, match=MINE.id):
        describe(MINE)


@pytest.mark.parametrize("source", ["import nothing_such", "def register(): raise ValueError", "register = None"])
def test_a_broken_package_is_named_and_costs_no_other(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, "broken", source)
    install(tmp_path, "mypackage", REGISTER)
    monkeypatch.syspath_prepend(tmp_path)
    assert describe(MINE).max_episode_steps == 7
    with pytest.raises(UnknownEnvironment, match="plugins broken could not be loaded"):
        describe(EnvironmentSpec(id="broken/Env-v0"))
    assert "broken:register" in caplog.text


@pytest.mark.parametrize("env_id", ["mypackage/MyEnv-v0", "mypackage", "mypackage.MyEnv-v0"])
def test_a_request_imports_nothing(env_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mypackage.py").write_text(REGISTER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownEnvironment, match="There is no environment"):
        describe(EnvironmentSpec(id=env_id))
    assert "mypackage" not in sys.modules


def test_a_module_in_an_id_is_no_id() -> None:
    with pytest.raises(UnknownEnvironment, match="is a name such as"):
        EnvironmentSpec(id="mypackage:mypackage/MyEnv-v0")
