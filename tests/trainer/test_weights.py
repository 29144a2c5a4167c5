"""Published weights compute what the trained network computes."""

import pytest
import torch
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional

from saddlepoint.errors import UnsupportedEnvironment
from tests.trainer.worlds import world
from trainer.network import ActorCritic, NatureNetwork, initialize, make_network
from trainer.weights import from_plain, to_published


def network(*shape: int) -> ActorCritic:
    made = make_network(world(shape, 6))
    initialize(made, torch.Generator().manual_seed(0), 1.0)
    return made


def frames(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 4, 84, 84), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def plain_nature(tensors: dict[str, Tensor], observation: Tensor) -> tuple[Tensor, Tensor]:
    """The Nature CNN as textbooks write it."""
    t = {name: value.float() for name, value in tensors.items()}
    x = observation.float() / 255
    for name, stride in (("conv1", 4), ("conv2", 2), ("conv3", 1)):
        x = functional.conv2d(x, t[f"{name}.weight"], t[f"{name}.bias"], stride).relu()
    x = functional.linear(x.flatten(1), t["hidden.weight"], t["hidden.bias"]).relu()
    policy = functional.linear(x, t["policy.weight"], t["policy.bias"])
    return policy, functional.linear(x, t["value.weight"], t["value.bias"]).squeeze(-1)


@pytest.mark.parametrize("center", [0, 110])
def test_the_published_nature_cnn_is_the_plain_one(center: int) -> None:
    trained = network(4, 84, 84)
    assert isinstance(trained, NatureNetwork)
    trained.conv1.center.fill_(center)
    for expected, got in zip(
        trained(trained.encode(frames(3))), plain_nature(load(to_published(trained)), frames(3)), strict=True
    ):
        assert torch.allclose(expected, got, atol=2e-3 * float(expected.detach().abs().max()))


def test_the_published_nature_cnn_has_its_own_names_and_half_precision() -> None:
    tensors = load(to_published(network(4, 84, 84)))
    layers = ("conv1", "conv2", "conv3", "hidden", "policy", "value")
    assert set(tensors) == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert tensors["conv1.weight"].shape == (32, 4, 8, 8)
    assert {value.dtype for value in tensors.values()} == {torch.float16}


def test_a_published_vector_network_is_exact() -> None:
    trained, other = network(5), network(5)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.123)
    from_plain(other, load(to_published(trained)))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), other.parameters(), strict=True))


def test_published_frames_come_back_in_half_precision() -> None:
    trained, other = network(4, 84, 84), network(4, 84, 84)
    from_plain(other, load(to_published(trained)))
    for name, value in trained.state_dict().items():
        assert torch.equal(other.state_dict()[name], value.half().float()), name


def test_centering_takes_the_commonest_pixel() -> None:
    made = network(4, 84, 84)
    observation = torch.full((2, 4, 84, 84), 7, dtype=torch.uint8)
    observation[:, :, :20] = 200
    made.center_on(observation, as_before=False)
    assert isinstance(made, NatureNetwork)
    assert made.conv1.center.item() == 7


def test_centering_a_trained_network_leaves_its_outputs_as_they_were() -> None:
    made = network(4, 84, 84)
    observation = torch.randint(100, 256, (3, 4, 84, 84), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    encoded = made.encode(observation)
    before, _ = made(encoded)
    made.center_on(torch.full_like(observation, 200), as_before=True)
    after, _ = made(encoded)
    assert torch.allclose(before, after, atol=1e-5)


def test_vectors_are_not_centred() -> None:
    made = network(3)
    made.center_on(torch.ones(2, 3), as_before=False)
    assert torch.equal(made.encode(torch.ones(2, 3)), torch.ones(2, 3))


def test_a_stored_vector_does_not_change_with_the_environment() -> None:
    observation = torch.ones(2, 3)
    stored = network(3).encode(observation)
    observation.zero_()
    assert torch.equal(stored, torch.ones(2, 3))


def test_bf16_computes_nearly_the_same() -> None:
    trained = network(4, 84, 84)
    assert isinstance(trained, NatureNetwork)
    encoded = trained.encode(frames(8))
    expected, _ = trained(encoded)
    trained.precision = "bf16"
    got, _ = trained(encoded)
    assert torch.allclose(expected, got, atol=0.02 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("shape", [(4, 84, 84), (5,)])
def test_a_gaussian_has_a_deviation_of_one_that_is_published(shape: tuple[int, ...]) -> None:
    made = make_network(world(shape, 2, continuous=True))
    initialize(made, torch.Generator().manual_seed(0), 1.0)
    observation = torch.zeros(3, *shape, dtype=torch.uint8 if len(shape) > 1 else torch.float32)
    head, _ = made(made.encode(observation))
    assert head.shape == (3, 4)
    assert head[:, 2:].tolist() == [[0.0, 0.0]] * 3
    assert load(to_published(made))["log_std"].tolist() == [0.0, 0.0]
    attacked = made.frozen().forward_attack(made.encode(observation).float()).head
    assert torch.equal(attacked, head.detach())


@pytest.mark.parametrize("shape", [(4, 35, 84), (210, 160, 3), (4, 84), ()])
def test_shapes_that_no_network_takes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedEnvironment, match=r"36 pixels or more.*not of shape"):
        make_network(world(shape, 2))
