"""Networks as users write them, and the bytes that real tools make of them."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from saddlepoint.policies import ImportedPolicy, PolicyNetwork, import_policy, load_network
from saddlepoint.schemas.policies import PolicyHints

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FRAMES = (4, 84, 84)


class NatureCnn(nn.Module):
    """Mnih et al. 2015 with pixels scaled inside, under our own names."""

    def __init__(self, actions: int = 6, size: int = 84) -> None:
        super().__init__()
        side = ((size - 8) // 4 + 1 - 4) // 2 + 1 - 2
        self.conv1 = nn.Conv2d(4, 32, 8, 4)
        self.conv2 = nn.Conv2d(32, 64, 4, 2)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.hidden = nn.Linear(64 * side * side, 512)
        self.policy = nn.Linear(512, actions)
        self.value = nn.Linear(512, 1)

    def features(self, observation: Tensor) -> Tensor:
        x = observation / 255.0
        for layer in (self.conv1, self.conv2, self.conv3):
            x = layer(x).relu()
        return self.hidden(x.flatten(1)).relu()  # type: ignore[no-any-return]

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(observation)
        return self.policy(features), self.value(features)


class BytesCnn(NatureCnn):
    """The same on uint8 pixels."""

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(observation.float())


class ChannelsLastCnn(NatureCnn):
    """The same on (N, rows, columns, frames)."""

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(observation.permute(0, 3, 1, 2))


class Mlp(nn.Module):
    """A multilayer perceptron with LayerNorm."""

    def __init__(self, activation: Callable[[], nn.Module] = nn.Tanh, actions: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 32), nn.LayerNorm(32), activation(), nn.Linear(32, 32), activation(), nn.Linear(32, actions)
        )

    def forward(self, observation: Tensor) -> Tensor:
        return self.layers(observation)  # type: ignore[no-any-return]


class Dueling(nn.Module):
    """A dueling head: value plus advantage less its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.advantage, self.value = nn.Linear(4, 16), nn.Linear(16, 3), nn.Linear(16, 1)

    def forward(self, observation: Tensor) -> Tensor:
        x = self.body(observation).relu()
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Attention over a history of five observations, with the batch second, as PyTorch's own has it."""

    def __init__(self, heads: int = 2) -> None:
        super().__init__()
        self.embed, self.policy = nn.Linear(4, 8), nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(8, heads)

    def forward(self, observation: Tensor) -> Tensor:
        x = self.embed(observation).transpose(0, 1)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.policy(x.relu().mean(0))  # type: ignore[no-any-return]


class Greedy(nn.Module):
    """An action instead of logits."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Mlp()

    def forward(self, observation: Tensor) -> Tensor:
        return torch.softmax(self.inner(observation), -1).argmax(-1)


class Sampling(nn.Module):
    """A sampled action and its log-probability, as PyTorch's own distribution gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Mlp()

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        choice = torch.distributions.Categorical(logits=self.inner(observation), validate_args=False)
        action = choice.sample()  # type: ignore[no-untyped-call]
        return action, choice.log_prob(action)  # type: ignore[no-untyped-call]


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x.relu()).relu())  # type: ignore[no-any-return]


class Impala(nn.Module):
    """Espeholt et al. 2018, Figure 3, at a third of the width."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 4
        for width in (5, 10, 10):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(3, 2, 1), _Residual(width)]
            channels = width
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.ReLU(), nn.Linear(10 * 11 * 11, 6))

    def forward(self, observation: Tensor) -> Tensor:
        return self.layers(observation / 255.0)  # type: ignore[no-any-return]


def seeded(network: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """A network with weights that depend on the seed alone, in evaluation mode."""
    torch.manual_seed(seed)
    return network().eval()


def export_new(
    network: nn.Module, example: Tensor | tuple[Tensor, ...], folder: Path, *, dynamic: bool = False, **options: Any
) -> bytes:
    """What torch.onnx.export makes today: p.onnx and p.onnx.data, here zipped together.

    Inputs after the first have the batch as their last axis but one.
    """
    arguments = example if isinstance(example, tuple) else (example,)
    batch = torch.export.Dim("batch")
    shapes: Any = ({0: batch}, *({item.ndim - 2: batch} for item in arguments[1:])) if dynamic else None
    path = folder / "p.onnx"
    torch.onnx.export(network, arguments, path, dynamic_shapes=shapes, verbose=False, **options)
    return zipped({item.name: item.read_bytes() for item in sorted(folder.iterdir()) if "p.onnx" in item.name})


def export_old(
    network: nn.Module, example: Tensor | tuple[Tensor, ...], *, dynamic: bool = False, **options: Any
) -> bytes:
    """What the TorchScript-based exporter makes: one file."""
    arguments = example if isinstance(example, tuple) else (example,)
    target = io.BytesIO()
    if dynamic:
        names = ["observation", *(f"memory{index}" for index in range(len(arguments) - 1))]
        axes = {
            name: {0 if name == "observation" else item.ndim - 2: "batch"}
            for name, item in zip(names, arguments, strict=True)
        }
        options = {"input_names": names, "dynamic_axes": axes, **options}
    torch.onnx.export(network, arguments, target, dynamo=False, **options)  # type: ignore[arg-type]
    return target.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of these members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def saved(obj: object, **options: Any) -> bytes:
    """torch.save."""
    target = io.BytesIO()
    torch.save(obj, target, **options)
    return target.getvalue()


def as_safetensors(network: nn.Module) -> bytes:
    return save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})


def imported(data: bytes, **hints: Any) -> ImportedPolicy:
    """`import_policy` with what does not matter filled in."""
    return import_policy(data, filename_hint=None, hints=PolicyHints(**hints), policy_id="policy", created_at=NOW)


def network_of(data: bytes, **hints: Any) -> PolicyNetwork:
    """The differentiable network of an uploaded file."""
    return load_network(imported(data, **hints).model)


def frames(rows: int, seed: int = 0, size: int = 84) -> Tensor:
    """Whole pixels (rows, 4, size, size) float32."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (rows, 4, size, size), generator=generator).float()


def vectors(rows: int, size: int = 4, seed: int = 0) -> Tensor:
    """Standard normal observations (rows, size)."""
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))
