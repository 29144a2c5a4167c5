"""PyTorch's LSTM from its weights, for one step of an episode."""

from collections.abc import Mapping

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch
from saddlepoint.policies.architectures import tensor_of
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.recurrent_cells import Cell, lstm_step

TENSORS = r"(weight|bias)_(ih|hh)_l\d{1,2}"
"""The names of its tensors, after the layer's own: one direction, no projection."""


def lstm(build: GraphBuilder, x: Live, tensors: Mapping[str, Tensor], prefix: str) -> tuple[Live, list[Live]]:
    """What the last layer of the LSTM `prefix` gives for `x` (N, I), and the next states: h and c of each layer.

    Their present values become states of the graph.
    """
    following: list[Live] = []
    layers = sum(name.startswith(f"{prefix}.weight_ih_l") for name in tensors)
    for number in range(layers):
        cell = _cell(tensors, prefix, number, inputs=x.shapes[0][1])
        h, c = build.state((cell.hidden,)), build.state((cell.hidden,))
        after = lstm_step(build, cell, x, h, c)
        assert all(isinstance(value, Live) for value in after)
        following += [value for value in after if isinstance(value, Live)]
        x = following[-2]
    return x, following


def _cell(tensors: Mapping[str, Tensor], prefix: str, number: int, *, inputs: int) -> Cell:
    of_inputs, recurrent = (tensor_of(tensors, f"{prefix}.weight_{kind}_l{number}") for kind in ("ih", "hh"))
    hidden = recurrent.shape[-1] if recurrent.ndim else 0
    biases = [tensors.get(f"{prefix}.bias_{kind}_l{number}", torch.zeros(4 * hidden)) for kind in ("ih", "hh")]
    shapes = [tuple(tensor.shape) for tensor in (of_inputs, recurrent, *biases)]
    if not hidden or shapes != [(4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]:
        raise ArchitectureMismatch(
            f"The weights of layer {number} of an LSTM on {inputs} numbers must have the shapes (4H, {inputs}), "
            f"(4H, H), (4H,) and (4H,); these have {[list(shape) for shape in shapes]}. Save the policy again."
        )
    return Cell(hidden, *map(_in_onnx_order, (of_inputs, recurrent, *biases)))


def _in_onnx_order(rows: Tensor) -> Tensor:
    """PyTorch has the gates of input, forgetting, cell and output; ONNX those of input, output, forgetting and cell."""
    into, keep, new, out = rows.chunk(4)
    return torch.cat([into, out, keep, new])
