"""Models in folders and repositories that were zipped as they are."""

import pytest
import torch
from stable_baselines3 import PPO

from saddlepoint.errors import PolicyRejected
from tests.policies.networks import imported, saved, zipped
from tests.policies.onnx_models import linear
from tests.policies.sb3_models import VECTOR, make, members, zip_of

STATE = {"actor.0.weight": torch.ones(3, 4), "actor.0.bias": torch.zeros(3)}


@pytest.fixture(scope="module")
def sb3() -> bytes:
    return zip_of(make(PPO, "MlpPolicy", VECTOR))


def folder(data: bytes, name: str) -> dict[str, bytes]:
    """The entries of a zip, in a folder."""
    return {f"{name}/{entry}": content for entry, content in members(data).items()}


def test_the_folder_of_an_unpacked_model(sb3: bytes) -> None:
    policy = imported(zipped(folder(sb3, "ppo-LunarLander-v2")))
    assert policy.model == imported(sb3).model
    assert policy.card.format == "sb3-zip"
    assert policy.card.contents[0] == "ppo-LunarLander-v2/: taken as the model"
    assert "policy.optimizer.pth: ignored" in policy.card.contents


def test_a_repository_as_package_to_hub_writes_it(sb3: bytes) -> None:
    repository = {
        "repo-main/README.md": b"# PPO",
        "repo-main/ppo-LunarLander-v2.zip": sb3,
        **folder(sb3, "repo-main/ppo-LunarLander-v2"),
        "__MACOSX/repo-main/._ppo-LunarLander-v2.zip": b"",
        "repo-main/config.json": b"{}",
    }
    policy = imported(zipped(repository))
    assert policy.model == imported(sb3).model
    first, second, *_ = policy.card.contents
    assert first == "repo-main/ppo-LunarLander-v2.zip: taken as the model"
    assert second.startswith("repo-main/README.md, repo-main/ppo-LunarLander-v2/data")
    assert second.endswith("repo-main/config.json: ignored")


@pytest.mark.parametrize("inner", [saved(STATE), zipped({"p.onnx": linear().SerializeToString()})], ids=["pt", "onnx"])
def test_the_packed_model_may_be_of_any_kind(inner: bytes) -> None:
    assert imported(zipped({"model.zip": inner})).model == imported(inner).model


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a.zip": b"", "b.zip": b""}, "holds 2: a.zip, b.zip"),
        ({"a/data": b"{}", "a/policy.pth": b"", "b/data": b"{}", "b/policy.pth": b""}, "holds 2: a, b"),
        ({"a/data": b"{}", "b/policy.pth": b""}, "none of the kinds"),
        ({"a.zip": zipped({"b.zip": zipped({"data": b"{}", "policy.pth": b""})})}, "none of the kinds"),
        ({"a.zip": b"no archive"}, "no readable directory"),
    ],
)
def test_what_holds_no_single_model_is_refused(entries: dict[str, bytes], said: str) -> None:
    with pytest.raises(PolicyRejected, match=said):
        imported(zipped(entries))


@pytest.mark.parametrize("name", ["vec_normalize.pkl", "CartPole-v1/vecnormalize.pkl", "vec_normalize_100_steps.pkl"])
def test_statistics_beside_a_model_are_not_overlooked(name: str, sb3: bytes) -> None:
    data = zipped({"ppo.zip": sb3, name: b"a pickle"})
    assert [name in guess for guess in imported(data).card.guesses] == [True]
    assert imported(data, observation_mean=[0.0], observation_std=[1.0]).card.guesses == []
    assert len(imported(zipped({**members(sb3), name: b"a pickle"})).card.guesses) == 1
