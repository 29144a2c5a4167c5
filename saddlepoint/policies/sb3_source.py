"""What is known of a policy of Stable-Baselines3, and what each of its kinds makes of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.naming import plain
from saddlepoint.policies.sb3_data import Sb3Data
from saddlepoint.schemas.policies import PolicyHints

WAY_OUT = (
    "Export its network to ONNX with an output called 'logits', 'q_values' or 'action', or with 'mean' and 'log_std', "
    "and upload that."
)


@dataclass(frozen=True)
class Source:
    """The weights of a policy, what its file says in plain text, what the user says, and what is guessed so far."""

    tensors: Mapping[str, Tensor]
    data: Sb3Data
    hints: PolicyHints
    guesses: list[str]
    critic: Mapping[str, Tensor] = field(default_factory=dict)
    """The tensors under `critic.`, by their names there."""

    def activation(self, default: Literal["Relu", "Tanh"], *, is_used: bool = True) -> str:
        """What stands after every hidden layer, as `perceptron` knows it; `default` is SB3's for the algorithm."""
        data = self.data
        if self.hints.activation is not None:
            return {"relu": "Relu", "tanh": "Tanh"}[self.hints.activation]
        if is_used and data.unknown_activation is not None:
            raise UnsupportedArchitecture(
                "The activation of an SB3 policy must be one of PyTorch's that has no settings, such as Tanh or ReLU; "
                f"this one is {plain(data.unknown_activation)!r}. {WAY_OUT}"
            )
        if is_used and data.activation is None and not data.has_settings:
            self.guesses.append(f"{default.lower()} after every hidden layer, SB3's default")
        return data.activation or default


@dataclass(frozen=True)
class Head:
    """The graph of a policy with how its actions come of it (see PolicyCard)."""

    graph: Graph
    squash: Literal["none", "tanh"] = "none"
    fixed_deviation: bool = False
