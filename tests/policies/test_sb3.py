"""Zips of the real stable-baselines3 give its own probabilities, and old, odd and hostile ones are handled."""

import base64
import pickle
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from saddlepoint.errors import (
    ArchitectureMismatch,
    MalformedPolicy,
    PolicyRejected,
    UnsafePickle,
    UnsupportedArchitecture,
)
from saddlepoint.policies import ImportedPolicy, load_network
from tests.policies.networks import frames, imported, network_of, saved, vectors, zipped
from tests.policies.sb3_models import (
    CHOICE,
    PIXELS_LAST,
    VECTOR,
    edited,
    make,
    members,
    probabilities,
    values,
    zip_of,
)

PICTURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "ppo": (PPO, {}),
    "a2c": (A2C, {}),
    "own extractors": (A2C, {"share_features_extractor": False}),
    "layers after": (PPO, {"net_arch": {"pi": [32], "vf": [16, 16]}}),
    "narrow features": (PPO, {"features_extractor_kwargs": {"features_dim": 64}}),
}
VECTORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ppo": (PPO, {}),
    "a2c": (A2C, {}),
    "relu": (PPO, {"activation_fn": nn.ReLU, "ortho_init": False}),
    "silu": (PPO, {"activation_fn": nn.SiLU, "net_arch": [32]}),
    "leaky": (PPO, {"activation_fn": nn.LeakyReLU}),
    **{
        kind: (PPO, {"activation_fn": getattr(nn, kind)})
        for kind in ("Identity", "ReLU6", "Hardtanh", "LogSigmoid", "Tanhshrink", "Hardsigmoid")
    },
    "uneven": (A2C, {"net_arch": {"pi": [64, 32], "vf": []}}),
    "no hidden layer": (PPO, {"net_arch": []}),
}


class Halved(FlattenExtractor):
    """A features extractor that has no weights and is not the identity."""

    def forward(self, observations: Tensor) -> Tensor:
        return super().forward(observations) / 2


@cache
def perceptron(kind: str) -> BaseAlgorithm:
    algorithm, settings = VECTORS[kind]
    return make(algorithm, "MlpPolicy", VECTOR, **settings)


@cache
def convolutional(kind: str) -> BaseAlgorithm:
    algorithm, settings = PICTURES[kind]
    return make(algorithm, "CnnPolicy", PIXELS_LAST, **settings)


def assert_same(model: BaseAlgorithm, data: bytes, observations: Tensor) -> None:
    outputs = network_of(data)(observations)
    expected = probabilities(model, observations)
    assert float(expected.std()) > 0.01
    torch.testing.assert_close(outputs.logits.softmax(-1), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(outputs.value, values(model, observations), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", VECTORS)
def test_perceptrons_give_the_probabilities_of_sb3(kind: str) -> None:
    assert_same(perceptron(kind), zip_of(perceptron(kind)), vectors(16))


@pytest.mark.parametrize("kind", PICTURES)
def test_convolutional_policies_give_the_probabilities_of_sb3(kind: str) -> None:
    data = zip_of(convolutional(kind))
    assert_same(convolutional(kind), data, frames(4))
    card = imported(data).card
    assert (card.format, card.architecture, card.observation.shape) == ("sb3-zip", "nature-cnn", (4, 84, 84))
    assert card.guesses == []


def test_pictures_that_are_scaled_outside_are_not_scaled_again() -> None:
    space = spaces.Box(0.0, 1.0, (4, 84, 84), np.float32)
    model = make(PPO, "CnnPolicy", space, normalize_images=False)
    assert_same(model, zip_of(model), frames(2) / 255)


def test_pictures_that_are_no_bytes_stand_as_the_environment_gives_them() -> None:
    """SB3's VecTransposeImage turns bytes alone."""
    model = make(PPO, "CnnPolicy", spaces.Box(0.0, 1.0, (3, 40, 48), np.float32), normalize_images=False)
    card = imported(zip_of(model)).card
    assert (card.observation.shape, card.guesses) == ((3, 40, 48), [])
    pixels = torch.rand((2, 3, 40, 48), generator=torch.Generator().manual_seed(0))
    assert_same(model, zip_of(model), pixels)
    assert imported(zip_of(model), layout="nhwc").card.observation.shape == (40, 48, 3)


def test_a_perceptron_over_pictures_divides_by_255() -> None:
    model = make(PPO, "MlpPolicy", spaces.Box(0, 255, (4, 5, 6), np.uint8))
    generator = torch.Generator().manual_seed(0)
    assert_same(model, zip_of(model), torch.randint(0, 256, (4, 4, 5, 6), generator=generator).float())


def test_a_perceptron_over_a_byte_vector_does_not() -> None:
    model = make(PPO, "MlpPolicy", spaces.Box(0, 255, (8,), np.uint8))
    assert_same(model, zip_of(model), 5 * vectors(4, 8).abs())


def test_colour_pictures_are_taken_channels_last_as_environments_give_them() -> None:
    model = make(PPO, "CnnPolicy", spaces.Box(0, 255, (40, 48, 3), np.uint8))
    policy = imported(zip_of(model))
    assert policy.card.observation.shape == (40, 48, 3)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (3, 40, 48, 3), generator=generator).float()
    logits = load_network(policy.model)(pixels).logits
    expected = probabilities(model, pixels.permute(0, 3, 1, 2))
    torch.testing.assert_close(logits.softmax(-1), expected, atol=1e-5, rtol=0)
    assert imported(zip_of(model), layout="nchw").card.observation.shape == (3, 40, 48)


def test_the_card_tells_what_the_zip_held() -> None:
    card = imported(zip_of(perceptron("relu"))).card
    assert "policy.optimizer.pth: ignored" in card.contents
    assert any("pickled objects dropped unread" in line for line in card.contents)
    assert any("ActorCriticPolicy" in line for line in card.contents)
    assert card.observation_space == {"kind": "Box", "shape": [4], "dtype": "float32", "low": -5.0, "high": 5.0}


def _as_old_gym(settings: dict[str, Any]) -> None:
    """As SB3 1.x with gym 0.21 wrote spaces: other modules, other attributes, JSON numbers instead of text."""
    space = settings["observation_space"]
    shape = space.pop("_shape")
    space |= {":type:": "<class 'gym.spaces.box.Box'>", "shape": shape}
    for key in ("low_repr", "high_repr"):
        space.pop(key, None)
    settings["action_space"] |= {":type:": "<class 'gym.spaces.discrete.Discrete'>", "n": int(CHOICE.n)}


def _without_mirrors(settings: dict[str, Any]) -> None:
    for key in ("observation_space", "action_space", "policy_class", "policy_kwargs"):
        if isinstance(settings[key], dict):
            settings[key] = {":serialized:": settings[key].get(":serialized:", "")}


@pytest.mark.parametrize("change", [_as_old_gym, _without_mirrors])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_of_other_versions(change: Any, compression: int) -> None:
    pictures = zipped(edited(zip_of(convolutional("ppo")), change), compression)
    assert_same(convolutional("ppo"), pictures, frames(2))
    assert_same(perceptron("a2c"), zipped(edited(zip_of(perceptron("a2c")), change), compression), vectors(4))


def test_missing_mirrors_are_guesses_on_the_card() -> None:
    card = imported(zipped(edited(zip_of(convolutional("ppo")), _without_mirrors))).card
    assert "pixels divided by 255, as SB3 does by default" in card.guesses
    assert any(guess.startswith("pictures of 84x84") for guess in card.guesses)
    card = imported(zipped(edited(zip_of(perceptron("ppo")), _without_mirrors))).card
    assert card.guesses == ["tanh after every hidden layer, SB3's default"]


def test_a_channels_last_mirror_is_turned() -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["observation_space"]["_shape"] = [84, 84, 4]

    assert_same(convolutional("ppo"), zipped(edited(zip_of(convolutional("ppo")), change)), frames(2))


def test_weights_without_the_copies_for_actor_and_critic() -> None:
    """SB3 before 1.7 had one features extractor only."""
    state = convolutional("ppo").policy.state_dict()
    single = {name: tensor for name, tensor in state.items() if not name.startswith(("pi_", "vf_"))}
    assert len(single) < len(state)
    entries = {**members(zip_of(convolutional("ppo"))), "policy.pth": saved(single)}
    assert_same(convolutional("ppo"), zipped(entries), frames(2))


def test_the_weights_alone_are_a_policy_too() -> None:
    data = members(zip_of(convolutional("ppo")))["policy.pth"]
    assert_same(convolutional("ppo"), data, frames(2))
    assert imported(data).card.format == "torch-state-dict"
    assert_same(perceptron("a2c"), members(zip_of(perceptron("a2c")))["policy.pth"], vectors(3))


def test_layers_shared_by_actor_and_critic() -> None:
    """SB3 before 1.8 had them, from net_arch=[8, dict(pi=[5], vf=[])]."""
    generator = torch.Generator().manual_seed(2)
    shapes = {
        "mlp_extractor.shared_net.0": (8, 4),
        "mlp_extractor.policy_net.0": (5, 8),
        "action_net": (3, 5),
        "value_net": (1, 8),
    }
    state = {f"{name}.weight": torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    state |= {f"{name}.bias": torch.randn(shape[0], generator=generator) for name, shape in shapes.items()}
    outputs = network_of(zipped({"data": b"{}", "policy.pth": saved(state)}))(vectors(4))

    def layer(name: str, x: Tensor) -> Tensor:
        return nn.functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    shared = layer("mlp_extractor.shared_net.0", vectors(4)).tanh()
    logits = layer("action_net", layer("mlp_extractor.policy_net.0", shared).tanh())
    torch.testing.assert_close(outputs.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(outputs.value, layer("value_net", shared)[:, 0], atol=1e-5, rtol=0)


def test_weights_count_more_than_what_the_text_says() -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["observation_space"]["_shape"] = [7]

    policy = imported(zipped(edited(zip_of(perceptron("ppo")), change)))
    assert policy.card.observation.shape == (4,)
    assert any("as the weights take" in guess for guess in policy.card.guesses)


CHOICES = "a wrapper can number the combinations"
ONE_BOX = r"one Box of observations \(gymnasium.wrappers.FlattenObservation"


@pytest.mark.parametrize(
    ("algorithm", "policy", "observation", "action", "way_out"),
    [
        (PPO, "MlpPolicy", VECTOR, spaces.MultiDiscrete([2, 3]), CHOICES),
        (A2C, "MlpPolicy", VECTOR, spaces.MultiBinary(3), CHOICES),
        (PPO, "MlpPolicy", spaces.Discrete(5), CHOICE, ONE_BOX),
        (PPO, "MultiInputPolicy", spaces.Dict({"a": VECTOR}), CHOICE, ONE_BOX),
        (DQN, "MultiInputPolicy", spaces.Dict({"a": VECTOR}), CHOICE, ONE_BOX),
        (PPO, "MultiInputPolicy", spaces.Dict({"a": PIXELS_LAST}), CHOICE, ONE_BOX),
    ],
)
def test_other_policies_are_refused_with_the_way_out_that_they_have(
    algorithm: Any, policy: str, observation: spaces.Space[Any], action: spaces.Space[Any], way_out: str
) -> None:
    with pytest.raises(UnsupportedArchitecture, match=way_out):
        imported(zip_of(make(algorithm, policy, observation, action)))


def test_weights_that_another_tool_wrote_into_the_zip_are_to_be_saved_by_sb3() -> None:
    entries = members(zip_of(perceptron("ppo")))
    deflated = zipped(members(entries["policy.pth"]), zipfile.ZIP_DEFLATED)
    with pytest.raises(PolicyRejected, match=r"again with model\.save\(\)") as caught:
        imported(zipped({**entries, "policy.pth": deflated}))
    assert "torch.save" not in caught.value.message


def test_zips_of_the_time_before_torch_wrote_zips() -> None:
    model = perceptron("ppo")
    old = saved(model.policy.state_dict(), _use_new_zipfile_serialization=False)
    assert_same(model, zipped({**members(zip_of(model)), "policy.pth": old}), vectors(3))


def test_a_custom_features_extractor_is_refused() -> None:
    state = dict(convolutional("ppo").policy.state_dict())
    state["features_extractor.extra.weight"] = torch.zeros(3)
    with pytest.raises(UnsupportedArchitecture, match="NatureCNN"):
        imported(zipped({"data": b"{}", "policy.pth": saved(state)}))


def test_weights_of_no_kind_are_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match="are of none"):
        imported(zipped({"data": b"{}", "policy.pth": saved({"pi.weight": torch.zeros(3, 4)})}))


def test_an_actor_critic_without_a_critic_is_refused() -> None:
    names = ("mlp_extractor.policy_net.0", "action_net")
    state = {
        f"{name}.{part}": torch.zeros((3, 4)[: 2 - at]) for name in names for at, part in enumerate(("weight", "bias"))
    }
    with pytest.raises(UnsupportedArchitecture, match=r"'mlp_extractor\.policy_net\.0\.weight' is none of those"):
        imported(zipped({"data": b"{}", "policy.pth": saved(state)}))


def test_endless_bounds_are_no_numbers_on_the_card() -> None:
    model = make(PPO, "MlpPolicy", spaces.Box(-np.inf, np.inf, (4,), np.float32))
    policy = imported(zip_of(model))
    assert policy.card.observation_space == {"kind": "Box", "shape": [4], "dtype": "float32", "low": None, "high": None}
    assert ImportedPolicy.from_bytes(policy.to_bytes()) == policy


@pytest.mark.parametrize(
    ("activation", "named"),
    [
        ("<class 'mine.Wave'>", "'Wave'"),
        ("functools.partial(<class 'x.LeakyReLU'>, negative_slope=0.2)", r"'functools\.partial\?\?class"),
        (["<script>"], r"'\?\?\?script"),
        ("", "'nothing'"),
    ],
)
def test_an_unknown_activation_is_refused_by_name(activation: Any, named: str) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["policy_kwargs"]["activation_fn"] = activation

    with pytest.raises(UnsupportedArchitecture, match=f"activation .* this one is {named}"):
        imported(zipped(edited(zip_of(perceptron("relu")), change)))


def test_action_counts_that_contradict_each_other_are_refused() -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["action_space"]["n"] = "7"

    with pytest.raises(ArchitectureMismatch, match="7 actions"):
        imported(zipped(edited(zip_of(perceptron("ppo")), change)))


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "executed")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


def test_a_trap_works_where_it_is_unpickled(marker: Path) -> None:
    """Else the tests below would show nothing."""
    pickle.loads(pickle.dumps(Trap(marker)))
    assert marker.exists()


def test_serialized_objects_are_never_unpickled(marker: Path) -> None:
    trap = base64.b64encode(pickle.dumps(Trap(marker))).decode()

    def change(settings: dict[str, Any]) -> None:
        for value in settings.values():
            if isinstance(value, dict):
                value[":serialized:"] = trap

    assert_same(perceptron("relu"), zipped(edited(zip_of(perceptron("relu")), change)), vectors(4))
    assert not marker.exists()


@pytest.mark.parametrize("where", ["policy.pth", "policy.optimizer.pth", "pytorch_variables.pth"])
def test_code_in_a_pth_is_never_run(marker: Path, where: str) -> None:
    trap = saved({"x": Trap(marker)})
    entries = {**members(zip_of(perceptron("ppo"))), where: trap}
    if where == "policy.pth":
        with pytest.raises(UnsafePickle):
            imported(zipped(entries))
    else:
        assert_same(perceptron("ppo"), zipped(entries), vectors(4))
    assert not marker.exists()


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'"text"', b"[" * 100_000, b"\xff\xfe"])
def test_data_that_is_no_json_object_is_malformed(text: bytes) -> None:
    entries = {**members(zip_of(perceptron("ppo"))), "data": text}
    with pytest.raises(MalformedPolicy):
        imported(zipped(entries))


@pytest.mark.parametrize(
    "mirror", [None, 3, "text", [], {"_shape": "x" * 1000}, {"_shape": [1e300]}, {"_shape": [-4]}, {"n": {}}]
)
def test_odd_mirrors_are_no_reason_to_fail(mirror: object) -> None:
    def change(settings: dict[str, Any]) -> None:
        for key in ("observation_space", "action_space", "policy_class", "policy_kwargs"):
            settings[key] = mirror

    data = zipped(edited(zip_of(perceptron("ppo")), change))
    assert imported(data).card.observation.shape == (4,)


@pytest.mark.timeout(20)
def test_the_name_of_a_class_is_not_searched_for_in_a_megabyte() -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["observation_space"][":type:"] = "<class '" + "a" * 2**20

    assert imported(zipped(edited(zip_of(perceptron("ppo")), change))).card.observation_space is None


def test_a_layer_that_does_not_fit_is_refused() -> None:
    state = dict(perceptron("ppo").policy.state_dict())
    state["action_net.weight"] = torch.zeros(6, 63)
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({**members(zip_of(perceptron("ppo"))), "policy.pth": saved(state)}))
    assert caught.value.code == "architecture-mismatch"


def test_action_masks_are_said_not_to_be_applied() -> None:
    model = make(MaskablePPO, "MlpPolicy", VECTOR)
    policy = imported(zip_of(model))
    expected = probabilities(model, vectors(8))
    torch.testing.assert_close(load_network(policy.model)(vectors(8)).logits.softmax(-1), expected, atol=1e-5, rtol=0)
    assert any("masks are not applied" in guess for guess in policy.card.guesses)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation_fn": partial(nn.LeakyReLU, 0.3)},
        {"activation_fn": lambda: nn.Tanh()},
        {"activation_fn": nn.Softshrink},
        {"features_extractor_class": Halved},
    ],
    ids=["partial", "lambda", "another", "extractor without weights"],
)
def test_settings_that_change_the_network_are_not_overlooked(settings: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedArchitecture):
        imported(zip_of(make(PPO, "MlpPolicy", VECTOR, **settings)))


def _of_module(module: str | None) -> bytes:
    """A model whose file says that its policy's class is of this module, or says nothing of it."""

    def change(settings: dict[str, Any]) -> None:
        settings["policy_class"] |= {"__module__": module}
        if module is None:
            del settings["policy_class"]["__module__"]

    return zipped(edited(zip_of(perceptron("ppo")), change))


@pytest.mark.parametrize(
    "module",
    [
        None,
        "stable_baselines3.common.policies",
        "stable_baselines3.a2c.policies",
        "stable_baselines3.ppo.policies",
        "sb3_contrib.common.maskable.policies",
        "sb3_contrib.trpo.policies",
    ],
)
def test_policy_classes_of_sb3_itself_in_any_version(module: str | None) -> None:
    assert_same(perceptron("ppo"), _of_module(module), vectors(2))


@pytest.mark.parametrize("module", ["__main__", "utils.policies", "stable_baselines3_mine", ".stable_baselines3", ""])
def test_a_policy_class_of_the_users_own_is_refused(module: str) -> None:
    """Its weights may have the usual names and its code another activation."""
    with pytest.raises(UnsupportedArchitecture, match=f"module '{module}'.*set_parameters.*ONNX"):
        imported(_of_module(module))


@pytest.mark.parametrize("shape", [(40, 48, 3), (7, 7, 3)], ids=["colours", "MiniGrid"])
def test_pictures_are_taken_channels_last_by_perceptrons_too(shape: tuple[int, ...]) -> None:
    model = make(PPO, "MlpPolicy", spaces.Box(0, 255, shape, np.uint8))
    policy = imported(zip_of(model))
    assert policy.card.observation.shape == shape
    pixels = torch.randint(0, 256, (3, *shape), generator=torch.Generator().manual_seed(0)).float()
    expected = probabilities(model, pixels.permute(0, 3, 1, 2))
    torch.testing.assert_close(load_network(policy.model)(pixels).logits.softmax(-1), expected, atol=1e-5, rtol=0)
    assert imported(zip_of(model), layout="nchw").card.observation.shape == (shape[2], *shape[:2])


def test_a_critic_of_several_values_is_refused() -> None:
    state = {
        **perceptron("ppo").policy.state_dict(),
        "value_net.weight": torch.ones(2, 64),
        "value_net.bias": torch.ones(2),
    }
    with pytest.raises(ArchitectureMismatch, match="one number"):
        imported(zipped({**members(zip_of(perceptron("ppo"))), "policy.pth": saved(state)}))
