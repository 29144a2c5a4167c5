"""PyTorch files: nothing in them is executed, and only dense weights come out."""

import io
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies.pickles import read_torch_file
from tests.policies.networks import imported, saved, zipped
from tests.policies.sb3_models import members

GOOD = {"actor.0.weight": torch.ones(3, 4), "actor.0.bias": torch.zeros(3)}


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "executed")


def with_pickle(data: bytes) -> bytes:
    """A PyTorch file with this pickle instead of its own."""
    return zipped({name: data if name.endswith("data.pkl") else part for name, part in members(saved(GOOD)).items()})


def torchscript() -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), target)
    return target.getvalue()


def tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    return target.getvalue()


def test_the_tensors_come_out_as_they_went_in() -> None:
    tensors = read_torch_file(saved({**GOOD, "count": torch.tensor(3)})).tensors
    assert set(tensors) == set(GOOD)
    assert all(torch.equal(tensors[name], GOOD[name]) for name in GOOD)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_same_tensors(protocol: int) -> None:
    state = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)).state_dict()
    for value in (state, {"model": dict(state), "lr": 1e-3, "step": 2**40, "done": None, "names": ["2", ("2", True)]}):
        tensors = read_torch_file(saved(value, pickle_protocol=protocol)).tensors
        assert tensors.keys() == state.keys()
        assert all(torch.equal(tensors[name], state[name]) for name in state)


@pytest.mark.parametrize(
    "key",
    ["network", "net", "actor_critic", "ac", "params", "weights", "model_state", "model_state_dict", "ema", "agent"],
)
def test_checkpoints_hold_the_weights_under_a_usual_name(key: str) -> None:
    beside = {"optimizer": {"state": {}, "param_groups": []}, "global_step": 7, "obs_rms": {"mean": torch.zeros(4)}}
    file = read_torch_file(saved({key: GOOD, **beside}))
    assert file.tensors.keys() == GOOD.keys()
    assert file.notes == [f"entry {key!r}: read; 'optimizer', 'global_step', 'obs_rms': ignored"]


STATISTICS = {"mean": torch.zeros(4), "var": torch.ones(4)}


@pytest.mark.parametrize(
    "beside",
    [
        {"obs_rms": STATISTICS},
        {"obs_norm_state_dict": STATISTICS},
        {"running_mean_std": STATISTICS},
        {"obs_mean": torch.zeros(4), "obs_var": torch.ones(4)},
    ],
)
def test_statistics_of_observations_beside_the_weights_are_said_not_to_be_applied(beside: dict[str, Any]) -> None:
    data = saved({"model": GOOD, "optimizer": {}, "reward_norm": 1.0, "rmsprop": {}, **beside})
    names = ", ".join(map(repr, beside))
    (said,) = [guess for guess in imported(data).card.guesses if "normalised" in guess]
    assert said.startswith(f"observations are not normalised by {names}, which the file holds beside the weights; if")
    stated = imported(data, observation_mean=[0.0], observation_std=[1.0]).card.guesses
    assert not any("normalised" in guess for guess in stated)


def test_two_that_could_be_meant_are_refused_by_name() -> None:
    with pytest.raises(PolicyRejected, match="this one has 'model', 'ema'"):
        read_torch_file(saved({"model": GOOD, "ema": GOOD}))
    with pytest.raises(PolicyRejected, match="none of those"):
        read_torch_file(saved({"mine": 1}))


def test_weights_under_a_name_of_their_own_are_refused_with_the_way_that_any_network_can_go() -> None:
    checkpoint = {"policy_model": GOOD, "val_model": {}, "iteration": 3}
    with pytest.raises(
        PolicyRejected, match=r"tensors under 'policy_model' alone\. Export the network to ONNX.*'logits'"
    ):
        read_torch_file(saved(checkpoint))


def test_plain_values_beside_tensors_are_left_out_and_listed() -> None:
    file = read_torch_file(saved({**GOOD, "step": 5, "best": 1.5, "env": "CartPole-v1", "<b>": None}))
    assert file.tensors.keys() == GOOD.keys()
    assert file.notes == ["'step', 'best', 'env', '?b?': no tensors, ignored"]
    assert (
        file.notes[0]
        in imported(saved({**GOOD, "step": 5, "best": 1.5, "env": "CartPole-v1", "<b>": None})).card.contents
    )


def test_parameters_come_out_as_tensors() -> None:
    """Of dict(network.named_parameters()), or state_dict(keep_vars=True)."""
    tensors = read_torch_file(saved({name: nn.Parameter(tensor) for name, tensor in GOOD.items()})).tensors
    assert all(torch.equal(tensors[name], GOOD[name]) for name in GOOD)
    assert not any(tensor.requires_grad for tensor in tensors.values())


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda trap: saved({"x": trap}), "unsafe-pickle", id="code in a .pt"),
        pytest.param(lambda trap: with_pickle(pickle.dumps(trap, 2)), "unsafe-pickle", id="code alone"),
        pytest.param(lambda trap: with_pickle(pickle.dumps(trap, 4)), "unsafe-pickle", id="newer protocol"),
        pytest.param(lambda trap: with_pickle(b"cos\nsystem\n(S'touch marker'\ntR."), "unsafe-pickle", id="oldest"),
        pytest.param(lambda trap: saved(nn.Linear(2, 2)), "unsafe-pickle", id="whole module"),
        pytest.param(lambda trap: pickle.dumps(trap), "unsafe-pickle", id="bare pickle"),
        pytest.param(lambda trap: pickle.dumps(trap, 0), "unsafe-pickle", id="bare pickle, protocol 0"),
        pytest.param(lambda trap: pickle.dumps(GOOD, 2), "unsafe-pickle", id="bare pickle of tensors"),
        pytest.param(
            lambda trap: saved(GOOD, _use_new_zipfile_serialization=False), "unsafe-pickle", id="legacy format"
        ),
        pytest.param(lambda trap: tar(), "unsafe-pickle", id="tar"),
        pytest.param(lambda trap: torchscript(), "unsupported-format", id="TorchScript"),
        pytest.param(lambda trap: with_pickle(b""), "malformed-policy", id="empty pickle"),
        pytest.param(lambda trap: with_pickle(b"\x80\x02}q\x00"), "malformed-policy", id="unfinished pickle"),
        pytest.param(lambda trap: with_pickle(b"\xff" * 100), "malformed-policy", id="no pickle"),
        pytest.param(lambda trap: saved(GOOD)[:-100], "malformed-policy", id="truncated"),
        pytest.param(
            lambda trap: zipped(members(saved(GOOD)), zipfile.ZIP_DEFLATED), "malformed-policy", id="deflated"
        ),
        pytest.param(
            lambda trap: zipped({k: v for k, v in members(saved(GOOD)).items() if not k.endswith("/0")}),
            "malformed-policy",
            id="record missing",
        ),
        pytest.param(
            lambda trap: zipped({**members(saved(GOOD)), "other/x": b""}), "unsupported-format", id="strange record"
        ),
        pytest.param(
            lambda trap: saved({"w": torch.ones(1).expand(10_000_000_000)}), "architecture-mismatch", id="expanded"
        ),
        pytest.param(lambda trap: saved({"w": torch.eye(3).to_sparse()}), "unsafe-pickle", id="sparse"),
        pytest.param(lambda trap: saved({"w": torch.ones(2, dtype=torch.complex64)}), "unsafe-pickle", id="complex"),
        pytest.param(lambda trap: saved([torch.ones(2)]), "architecture-mismatch", id="list"),
        pytest.param(lambda trap: saved({"a": [torch.ones(2)]}), "architecture-mismatch", id="nested"),
        pytest.param(lambda trap: saved({**GOOD, "b": [3]}), "architecture-mismatch", id="mixed"),
        pytest.param(lambda trap: saved({7: torch.ones(2)}), "architecture-mismatch", id="no names"),
        pytest.param(lambda trap: saved(torch.ones(2)), "architecture-mismatch", id="tensor"),
    ],
)
def test_anything_else_is_refused_unexecuted(
    make: Callable[[Trap], bytes], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = make(Trap(tmp_path / "marker"))
    with pytest.raises(PolicyRejected) as caught:
        imported(data)
    assert caught.value.code == code
    assert not (tmp_path / "marker").exists()


def test_many_views_of_one_storage_are_counted() -> None:
    storage = torch.zeros(2**22)
    state = {f"w{index}": storage for index in range(40)}
    with pytest.raises(PolicyRejected) as caught:
        read_torch_file(saved(state))
    assert caught.value.code == "unpacked-too-large"
