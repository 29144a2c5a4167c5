"""What the readers of plain weights share: which tensors they know, and what stands before the first layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch
from saddlepoint.policies.architectures import Layer, check_nature, layer_of, nature_features, nature_input
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.intake import PIXEL_MAXIMUM, take_in, turned_from_pixels
from saddlepoint.policies.naming import plain
from saddlepoint.schemas.policies import PolicyHints

WAY_OUT = (
    "Export the network to ONNX, which any architecture can be, with an output called 'logits', 'q_values' or "
    "'action', or with 'mean' and 'log_std'."
)
RECURRENT_WAY_OUT = (
    "Export it to ONNX with inputs 'observation' and 'state_*' and outputs 'next_state_*' beside those of its actions, "
    "and upload that."
)


@dataclass(frozen=True)
class Weights:
    """Tensors by name, what the user says of them, and what is guessed so far."""

    tensors: Mapping[str, Tensor]
    hints: PolicyHints
    guesses: list[str]

    def check_all_known(self, layers: Sequence[str], others: Sequence[str] = ()) -> None:
        """A tensor that no known layer uses would change what the network computes: ArchitectureMismatch."""
        known = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")} | set(others)
        unknown = [name for name in self.tensors if name not in known]
        if unknown:
            raise ArchitectureMismatch(
                f"Every tensor must belong to a layer of the network; {shown(unknown)} does not. {WAY_OUT}"
            )

    def activation(self, usual: Literal["relu", "tanh"]) -> str:
        """What stands after every hidden layer (a key of ACTIVATIONS): as the user says, else `usual`, a guess."""
        if self.hints.activation is None:
            self.guesses.append(f"{usual} after every hidden layer, as the networks of these names have")
        return {"relu": "Relu", "tanh": "Tanh"}[self.hints.activation or usual]

    def squash(self, *, is_stated: bool = False) -> Literal["none", "tanh"]:
        """What follows the last layer of an actor: as the user says, else a tanh, a guess unless the file states it."""
        if self.hints.squash is None and not is_stated:
            self.guesses.append("actions are the tanh of the last layer, scaled to the bounds of the environment")
        return self.hints.squash or "tanh"

    def vector(self, first: Layer) -> tuple[GraphBuilder, Live]:
        """A graph that takes as many numbers as the first layer does."""
        if first.weight.ndim != 2:
            raise ArchitectureMismatch(
                f"The weights of a linear layer have the shape (out, in); these have {list(first.weight.shape)}. "
                "Save the network again."
            )
        intake = take_in((first.weight.shape[1],), self.hints, scale=self.hints.pixel_scale, turned=None)
        return intake.build, intake.x

    def nature(self, convolutions: Sequence[str], hidden: str) -> tuple[GraphBuilder, Live]:
        """A graph as far as the features of a Nature CNN of these layers, on pictures as environments give them."""
        layers = [layer_of(self.tensors, name) for name in convolutions]
        check_nature(layers)
        after = layer_of(self.tensors, hidden)
        shape = nature_input(layers, after)
        self.guesses.append(f"pictures of {shape[1]}x{shape[2]} pixels, from the size of the hidden layer")
        turned = turned_from_pixels(self.hints.layout, shape, self.guesses)
        intake = take_in(shape, self.hints, scale=self.hints.pixel_scale or PIXEL_MAXIMUM, turned=turned)
        if self.hints.pixel_scale is None:
            self.guesses.append("pixels divided by 255, as the networks of these names do")
        return intake.build, nature_features(intake.build, intake.x, layers, after)

    def counted(self, idle: int = 0, *, others: int = 0) -> str:
        """The line of the card about the tensors; `others` were read beside these."""
        ignored = f"; {idle} of critics: ignored" if idle else ""
        return f"{len(self.tensors) + others} tensors: read{ignored}"


def shown(names: Sequence[str]) -> str:
    """The first names, in characters that are safe to repeat."""
    return ", ".join(repr(plain(name)) for name in names[:4]) or "no tensor at all"
