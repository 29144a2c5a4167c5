"""Statistics of the real VecNormalize arrive in the card, and pickles that are programs stay unread."""

import pickle
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from clients.cli import main
from clients.vecnormalize import read_vecnormalize
from saddlepoint.errors import InvalidRequest
from tests.clients import fakes
from tests.clients.fakes import Service, answer, call, call_async


class Walker(gymnasium.Env[Any, Any]):
    """Observations of any shape, normally distributed."""

    def __init__(self, shape: tuple[int, ...] = (3,)) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, shape, np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._random = np.random.default_rng(0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._observation(), 1.0, False, False, {}

    def _observation(self) -> Any:
        shape = self.observation_space.shape
        assert shape is not None
        return self._random.normal(3.0, 2.0, shape) * np.arange(1, 1 + np.prod(shape)).reshape(shape)


class Renamed(VecNormalize):
    """A user's own; pickled by value when it is `__main__`'s."""


def normalised(shape: tuple[int, ...] = (3,), kind: type[VecNormalize] = VecNormalize, **options: Any) -> VecNormalize:
    wrapper = kind(DummyVecEnv([lambda: Walker(shape)]), **options)
    wrapper.reset()
    for _ in range(20):
        wrapper.step(np.zeros((1, 2)))
    return wrapper


def expected(wrapper: VecNormalize) -> tuple[list[float], list[float], float]:
    rms: Any = wrapper.obs_rms
    return rms.mean.reshape(-1).tolist(), np.sqrt(rms.var + wrapper.epsilon).reshape(-1).tolist(), wrapper.clip_obs


def read(content: bytes, folder: Path) -> tuple[Any, Any, Any]:
    path = folder / "vecnormalize.pkl"
    path.write_bytes(content)
    hints = read_vecnormalize(path)
    assert hints is not None
    return hints.observation_mean, hints.observation_std, hints.observation_clip


def assert_read(wrapper: VecNormalize, content: bytes, folder: Path) -> None:
    mean, deviation, clip = read(content, folder)
    wanted = expected(wrapper)
    assert (mean, clip) == (wanted[0], wanted[2])
    assert deviation == pytest.approx(wanted[1], rel=1e-12)


def test_what_save_writes(tmp_path: Path) -> None:
    wrapper = normalised(clip_obs=5.0, epsilon=1e-4)
    wrapper.save(str(tmp_path / "saved.pkl"))
    assert_read(wrapper, (tmp_path / "saved.pkl").read_bytes(), tmp_path)


def test_the_hints_normalise_as_the_wrapper_does(tmp_path: Path) -> None:
    wrapper = normalised(clip_obs=1.5)
    mean, deviation, clip = read(pickle.dumps(wrapper), tmp_path)
    observation = np.array([[4.0, -20.0, 9.5]])
    by_hints = np.clip((observation - mean) / deviation, -clip, clip)
    np.testing.assert_allclose(by_hints, np.asarray(wrapper.normalize_obs(observation)), rtol=1e-6)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3)])
def test_every_protocol_and_shape(protocol: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    wrapper = normalised(shape)
    assert_read(wrapper, pickle.dumps(wrapper, protocol), tmp_path)
    assert_read(wrapper, cloudpickle.dumps(wrapper, protocol), tmp_path)


@pytest.mark.parametrize("protocol", [2, 3])
def test_files_of_numpy_before_2(protocol: int, tmp_path: Path) -> None:
    wrapper = normalised()
    content = pickle.dumps(wrapper, protocol)
    older = content.replace(b"numpy._core.", b"numpy.core.")
    assert older != content
    assert_read(wrapper, older, tmp_path)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ">f8", np.int64])
def test_other_types_and_orders(protocol: int, dtype: Any, tmp_path: Path) -> None:
    wrapper = normalised((2, 3))
    rms: Any = wrapper.obs_rms
    rms.mean = np.asfortranarray(rms.mean.astype(dtype))
    rms.var = rms.var.astype(np.float32)
    wrapper.clip_obs, wrapper.epsilon = np.float32(7.0), np.float64(0.5)  # type: ignore[assignment]
    assert_read(wrapper, pickle.dumps(wrapper, protocol), tmp_path)


def test_a_class_written_by_value(tmp_path: Path) -> None:
    wrapper = normalised(kind=Renamed)
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        content = cloudpickle.dumps(wrapper)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert_read(wrapper, content, tmp_path)


def test_an_endless_clip_is_none(tmp_path: Path) -> None:
    assert read(pickle.dumps(normalised(clip_obs=np.inf)), tmp_path)[2] is None


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "executed")


def test_a_trap_is_sprung_neither_alone_nor_within_statistics(tmp_path: Path) -> None:
    marker, wrapper = tmp_path / "marker", normalised()
    wrapper.__dict__["extra"] = Trap(marker)
    inside = pickle.dumps(wrapper)
    with pytest.raises(InvalidRequest, match="something else than a VecNormalize"):
        read(pickle.dumps(Trap(marker)), tmp_path)
    assert_read(wrapper, inside, tmp_path)
    assert not marker.exists()
    pickle.loads(inside)
    assert marker.exists(), "else this would show nothing"


def test_no_module_is_imported(tmp_path: Path) -> None:
    content = b"cthis_module_of_no_one\nfunction\n(S'x'\ntR."
    with pytest.raises(InvalidRequest, match="something else"):
        read(content, tmp_path)
    assert "antigravity" not in sys.modules
    with pytest.raises(InvalidRequest):
        read(b"cantigravity\nfly\n.", tmp_path)
    assert "antigravity" not in sys.modules


IO, OPEN, WRITE = b"\x8c\x02io", b"\x8c\x04open", b"\x8c\x01w"


@pytest.mark.parametrize(
    "named",
    [
        IO + OPEN + b"\x93",
        IO + b"\x94" + OPEN + b"\x9400h\x00h\x01\x93",
        b"\x8c\x0bcollections" + b"q\x000" + IO + b"q\x000h\x00" + OPEN + b"\x93",
        b"cio\nopen\n",
        b"\x8c\x08builtins\x8c\x0a__import__\x93\x8c\x02io\x85R0" + IO + OPEN + b"\x93",
    ],
    ids=["two texts", "memo", "memo written twice", "oldest", "after an import"],
)
def test_names_are_never_followed_however_they_are_put_together(named: bytes, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = b"\x8c" + len(str(marker)).to_bytes(1, "little") + str(marker).encode()
    content = b"\x80\x04" + named + path + WRITE + b"\x86R."
    with pytest.raises(InvalidRequest):
        read(content, tmp_path)
    assert not marker.exists()
    pickle.loads(content).close()
    assert marker.exists(), "else this would show nothing"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x80\x04Nr" + (2**26).to_bytes(4, "little") + b".", id="number in the memo"),
        pytest.param(b"\x80\x04\x8e" + (2**29).to_bytes(8, "little") + b"x.", id="length of bytes"),
        pytest.param(b"\x80\x05\x96" + (2**29).to_bytes(8, "little") + b"x.", id="length of a buffer"),
    ],
)
def test_a_pickle_of_some_bytes_takes_no_more_than_some(content: bytes, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest):
            read(content, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


WHOLE = pickle.dumps(normalised())


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", b"\x80\x04", WHOLE[:-200], WHOLE[:20], b"\x80\x02\x82\x01.", b"\x80\x02Pid\n.", b"(" * 100_000],
)
def test_what_is_no_pickle_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"is no pickle|something else"):
        read(content, tmp_path)


@pytest.mark.parametrize("found", [{"a": 1}, [1], None, np.zeros(3), {"norm_obs": True, "clip_obs": 1.0}])
def test_other_pickles_are_refused(found: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="something else"):
        read(pickle.dumps(found), tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.zeros(2)),
        ("mean", np.full(3, np.nan)),
        ("mean", np.array([None] * 3)),
        ("mean", "text"),
        ("mean", True),
        ("mean", 10**400),
        ("var", -np.ones(3)),
        ("var", np.zeros(0)),
        ("var", np.zeros(3, complex)),
    ],
)
def test_statistics_that_are_none_are_refused(name: str, value: Any, tmp_path: Path) -> None:
    wrapper = normalised()
    setattr(wrapper.obs_rms, name, value)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read(pickle.dumps(wrapper), tmp_path)


def test_a_dict_of_observations_is_refused(tmp_path: Path) -> None:
    wrapper = normalised()
    wrapper.obs_rms = {"a": wrapper.obs_rms}  # type: ignore[dict-item]
    with pytest.raises(InvalidRequest, match="one Box"):
        read(pickle.dumps(wrapper), tmp_path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_vecnormalize(tmp_path / "none.pkl")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def statistics(tmp_path: Path) -> Path:
    path = tmp_path / "vecnormalize.pkl"
    path.write_bytes(WHOLE)
    return path


@pytest.mark.parametrize("run", [call, call_async])
def test_the_statistics_are_sent_in_the_card(run: Any, policy: Path, statistics: Path) -> None:
    service = Service(answer(fakes.card(), 201))
    run(service, lambda client: client.upload(policy, {"name": "mine"}, vecnormalize=statistics))
    sent = fakes.json_part(service.requests[0], "card")
    hints = read_vecnormalize(statistics)
    assert hints is not None
    assert sent["name"] == "mine"
    assert sent["observation_mean"] == hints.observation_mean
    assert sent["observation_clip"] == 10.0


def test_an_evaluation_sends_them_too(policy: Path, statistics: Path) -> None:
    service = Service(answer(fakes.evaluation(), 202))
    call(service, lambda client: client.evaluate(policy, env="Hopper-v5", vecnormalize=str(statistics)))
    assert len(fakes.json_part(service.requests[0], "card")["observation_std"]) == 3


def test_a_card_that_says_the_same_again_is_refused(policy: Path, statistics: Path) -> None:
    with pytest.raises(InvalidRequest, match="observation_mean"):
        call(Service(), lambda client: client.upload(policy, {"observation_mean": [1.0]}, statistics))


def test_a_policy_by_id_has_its_statistics_already(statistics: Path) -> None:
    with pytest.raises(InvalidRequest, match="instead of its id"):
        call(Service(), lambda client: client.evaluate("a" * 32, env="Hopper-v5", vecnormalize=statistics))


def test_rewards_alone_need_no_hints_and_that_is_said(
    policy: Path, statistics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statistics.write_bytes(pickle.dumps(normalised(norm_obs=False)))
    service = Service(answer(fakes.card(), 201))
    call(service, lambda client: client.upload(policy, vecnormalize=statistics))
    assert b'name="card"' not in service.requests[0].content
    assert "normalises rewards only" in capsys.readouterr().err


def test_the_command_line_takes_the_file(policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.pkl")
    assert main(["inspect", str(policy), "--vecnormalize", missing]) == 2
    assert "none.pkl" in capsys.readouterr().err
