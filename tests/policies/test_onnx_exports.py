"""Models as today's exporters write them compute here what they compute in PyTorch."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import load_network
from tests.policies.conftest import Exported
from tests.policies.networks import (
    Attention,
    BytesCnn,
    ChannelsLastCnn,
    Dueling,
    Greedy,
    Impala,
    Mlp,
    NatureCnn,
    Sampling,
    frames,
    imported,
    network_of,
    seeded,
    vectors,
)

slow = pytest.mark.slow
"""The new exporter takes seconds a network."""
EXPORTS = [("new", False), pytest.param("new", True, marks=slow), ("old", False), ("old", True)]
EXPORTERS = [pytest.param("new", marks=slow), "old"]


def gelu_mlp() -> nn.Module:
    return Mlp(nn.GELU)


def elu_mlp() -> nn.Module:
    return Mlp(nn.ELU)


def inner(network: Callable[[], nn.Module]) -> nn.Module:
    """The part of a network that gives its logits."""
    part = seeded(network).inner
    assert isinstance(part, nn.Module)
    return part


def silu_mlp() -> nn.Module:
    return Mlp(nn.SiLU)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
def test_a_nature_cnn_gives_its_own_logits_and_values_at_any_batch(
    exported: Exported, exporter: str, dynamic: bool
) -> None:
    policy = imported(exported(NatureCnn, frames(1), exporter, dynamic))
    with torch.no_grad():
        logits, value = seeded(NatureCnn)(frames(3))
        outputs = load_network(policy.model)(frames(3))
    torch.testing.assert_close(outputs.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(outputs.value, value[:, 0], atol=1e-5, rtol=0)
    assert {"new": "onnx-zip", "old": "onnx"}[exporter] == policy.card.format
    assert len(policy.card.guesses) == 2


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("network", [Mlp, gelu_mlp, elu_mlp, silu_mlp, Dueling])
def test_heads_and_activations_of_perceptrons(exported: Exported, exporter: str, network: type[nn.Module]) -> None:
    observations = vectors(3)
    with torch.no_grad():
        outputs = network_of(exported(network, vectors(1), exporter, False))(observations)
        torch.testing.assert_close(outputs.logits, seeded(network)(observations), atol=1e-5, rtol=0)
    assert outputs.value is None


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_residual_blocks_and_pooling(exported: Exported, exporter: str) -> None:
    with torch.no_grad():
        outputs = network_of(exported(Impala, frames(1), exporter, False))(frames(2))
        torch.testing.assert_close(outputs.logits, seeded(Impala)(frames(2)), atol=1e-5, rtol=0)


def attention_of_one_head() -> nn.Module:
    return Attention(1)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("network", [Attention, attention_of_one_head])
def test_attention_at_a_fixed_batch_is_freed_of_it(
    exported: Exported, network: Callable[[], nn.Module], batch: int, exporter: str
) -> None:
    def history(rows: int) -> Tensor:
        return vectors(rows, 20).reshape(rows, 5, 4)

    with torch.no_grad():
        outputs = network_of(exported(network, history(batch), exporter, False))(history(3))
        torch.testing.assert_close(outputs.logits, seeded(network)(history(3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_bytes_go_in_as_floats(exported: Exported, exporter: str) -> None:
    policy = imported(exported(BytesCnn, frames(1).byte(), exporter, False))
    with torch.no_grad():
        logits, _ = seeded(BytesCnn)(frames(2))
        torch.testing.assert_close(load_network(policy.model)(frames(2)).logits, logits, atol=1e-5, rtol=0)
    assert policy.card.observation.dtype == "float32"


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_logits_are_found_behind_argmax(exported: Exported, exporter: str, dynamic: bool) -> None:
    policy = imported(exported(Greedy, vectors(1), exporter, dynamic))
    probabilities = load_network(policy.model)(vectors(3)).logits.softmax(-1)
    with torch.no_grad():
        expected = torch.softmax(inner(Greedy)(vectors(3)), -1)
    torch.testing.assert_close(probabilities, expected, atol=1e-6, rtol=0)
    assert any("before the choice of an action" in guess for guess in policy.card.guesses)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
def test_logits_are_found_behind_sampling(exported: Exported, exporter: str, dynamic: bool) -> None:
    network = network_of(exported(Sampling, vectors(1), exporter, dynamic))
    with torch.no_grad():
        expected = torch.softmax(inner(Sampling)(vectors(3)), -1)
    torch.testing.assert_close(network(vectors(3)).logits.softmax(-1), expected, atol=1e-6, rtol=0)


def test_channels_last_is_turned_so_that_frames_come_first(exported: Exported) -> None:
    data = exported(ChannelsLastCnn, frames(1).permute(0, 2, 3, 1).contiguous(), "old", False)
    policy = imported(data)
    assert policy.card.observation.shape == (4, 84, 84)
    with torch.no_grad():
        logits, _ = seeded(ChannelsLastCnn)(frames(2).permute(0, 2, 3, 1))
    torch.testing.assert_close(load_network(policy.model)(frames(2)).logits, logits, atol=1e-5, rtol=0)
    assert any("channels-last" in guess for guess in policy.card.guesses)
    assert imported(data, layout="nchw").card.observation.shape == (84, 84, 4)


def test_normalisation_of_the_card_is_folded_in_with_its_deviation_kept(exported: Exported) -> None:
    mean, deviation = [0.5, -1.0, 2.0, 0.0], [1.0, 2.0, 0.5, 4.0]
    data = exported(Mlp, vectors(1), "old", True)
    policy = imported(data, observation_mean=mean, observation_std=deviation, observation_clip=1.5)
    observations = 3 * vectors(5)
    with torch.no_grad():
        taken = ((observations - torch.tensor(mean)) / torch.tensor(deviation)).clamp(-1.5, 1.5)
        torch.testing.assert_close(
            load_network(policy.model)(observations).logits, seeded(Mlp)(taken), atol=1e-5, rtol=0
        )
    assert policy.card.observation_std == deviation


def test_a_pixel_scale_of_the_card_is_folded_in(exported: Exported) -> None:
    data = exported(Mlp, vectors(1), "old", True)
    with torch.no_grad():
        logits = network_of(data, pixel_scale=10.0)(vectors(2)).logits
        torch.testing.assert_close(logits, seeded(Mlp)(vectors(2) / 10), atol=1e-5, rtol=0)


def test_outputs_can_be_named_by_the_card(exported: Exported) -> None:
    data = exported(NatureCnn, frames(1), "old", False)
    first, second = (imported(data).card.guesses[index].split("'")[1] for index in (0, 1))
    policy = imported(data, outputs={"logits": first, "value": second})
    assert policy.card.guesses == []
    assert [output.name for output in policy.card.outputs] == ["logits", "value"]


def test_a_name_that_no_output_has_is_refused(exported: Exported) -> None:
    with pytest.raises(UnsupportedArchitecture, match="no output called 'nothing'"):
        imported(exported(Mlp, vectors(1), "old", True), outputs={"logits": "nothing"})


def test_the_card_says_what_was_found(exported: Exported) -> None:
    card = imported(exported(Mlp, vectors(1), "old", True), name="mine").card
    assert (
        card.name,
        card.format,
        card.architecture,
        card.head,
        card.observation.shape,
        card.actions,
    ) == ("mine", "onnx", "onnx", "logits", (4,), 3)
    assert card.parameters == 4 * 32 + 32 + 64 + 32 * 32 + 32 + 32 * 3 + 3
    assert card.max_disagreement < 1e-5
