"""The gradient of a canonical network against finite differences of its own outputs, in float64."""

from collections.abc import Callable

import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

from saddlepoint.policies import PolicyNetwork, load_network
from tests.policies.conftest import Exported
from tests.policies.continuous_models import DependentGaussianMlp
from tests.policies.networks import (
    Attention,
    Dueling,
    Impala,
    Mlp,
    NatureCnn,
    frames,
    imported,
    vectors,
)
from tests.policies.recurrent_models import HIDDEN, AtariLstm, GruCellPolicy, GruPolicy, LstmCellPolicy, LstmPolicy

ROWS = 2


class Pooled(nn.Module):
    """Convolutions around pooling by mean and by maximum, and a leaky rectifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 6, 3)
        self.policy = nn.Linear(24, 3)

    def forward(self, observation: Tensor) -> Tensor:
        x = nn.functional.avg_pool2d(self.first(observation / 255.0), 2)
        x = nn.functional.max_pool2d(self.second(nn.functional.leaky_relu(x, 0.1)), 2)
        return self.policy(x.flatten(1))  # type: ignore[no-any-return]


def of(activation: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: Mlp(activation)


PICTURES = [(NatureCnn, frames(1)), (Impala, frames(1)), (Pooled, frames(1, size=12))]
VECTORS = [
    *(
        pytest.param(of(activation), vectors(1), id=f"LayerNorm and {activation.__name__}")
        for activation in (nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Softplus, nn.Mish, nn.Sigmoid)
    ),
    pytest.param(Dueling, vectors(1), id="dueling"),
    pytest.param(Attention, vectors(5).unsqueeze(0), id="attention"),
]
MEMORIES = [
    (LstmPolicy, [(1, 1, HIDDEN)] * 2),
    (LstmCellPolicy, [(1, HIDDEN)] * 2),
    (GruPolicy, [(2, 1, HIDDEN)]),
    (GruCellPolicy, [(1, HIDDEN)]),
]


def double(model: bytes) -> PolicyNetwork:
    network = load_network(model).double()
    network.dtype = torch.float64
    return network


def agrees(network: PolicyNetwork, x: Tensor, *, fast: bool = False) -> bool:
    """In the attack layout, entry by entry; `fast` along random directions."""
    generator = torch.Generator().manual_seed(1)
    states = [torch.randn(len(x), *shape, generator=generator) for shape in network.state_shapes]
    leaf = network.to_attack_layout(x).double().requires_grad_()

    def head(arranged: Tensor) -> Tensor:
        return network.forward_attack(arranged, states).head

    assert head(leaf).dtype == torch.float64
    return torch.autograd.gradcheck(head, leaf, eps=1e-6, atol=1e-7, rtol=1e-4, fast_mode=fast)


@pytest.mark.parametrize(("make", "example"), PICTURES)
def test_convolutions_and_pooling(exported: Exported, make: Callable[[], nn.Module], example: Tensor) -> None:
    network = double(imported(exported(make, example, "old", False)).model)
    assert agrees(network, frames(ROWS, seed=3, size=example.shape[-1]), fast=True)


@pytest.mark.parametrize(("make", "example"), VECTORS)
def test_layers_on_vectors(exported: Exported, make: Callable[[], nn.Module], example: Tensor) -> None:
    network = double(imported(exported(make, example, "old", False)).model)
    shape = network.observation_shape
    assert agrees(network, torch.randn(ROWS, *shape, generator=torch.Generator().manual_seed(3)))


@pytest.mark.parametrize(("make", "shapes"), MEMORIES)
def test_layers_with_memory(exported: Exported, make: Callable[[], nn.Module], shapes: list[tuple[int, ...]]) -> None:
    example = (vectors(1), *(torch.zeros(shape) for shape in shapes))
    network = double(imported(exported(make, example, "old", False)).model)
    assert network.state_shapes
    assert agrees(network, vectors(ROWS, seed=3))


def test_convolutions_before_a_memory(exported: Exported) -> None:
    example = (frames(1), *[torch.zeros(1, 1, 16)] * 2)
    network = double(imported(exported(AtariLstm, example, "old", False)).model)
    assert agrees(network, frames(ROWS, seed=3), fast=True)


def test_mean_and_deviation(exported: Exported) -> None:
    data = exported(DependentGaussianMlp, vectors(1), "old", False)
    names = [item.name for item in onnx.load_model_from_string(data).graph.output]
    policy = imported(data, outputs=dict(zip(["mean", "log_std", "value"], names, strict=True)))
    assert agrees(double(policy.model), vectors(ROWS, seed=3))


def test_a_gradient_that_is_wrong_is_seen(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    network = double(imported(exported(Dueling, vectors(1), "old", False)).model)
    monkeypatch.setattr("saddlepoint.policies.chains.through_relu", lambda gradient, y: gradient)
    with pytest.raises(GradcheckError):
        agrees(network, vectors(ROWS, seed=3))
