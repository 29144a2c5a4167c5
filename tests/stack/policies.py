"""Policies small enough to make in the tests."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

_GAIN = 4.0


def balancing_cartpole(path: Path, gain: float = _GAIN) -> Path:
    """An ONNX policy that pushes to where the pole falls: sound enough to live for hundreds of steps."""
    push = np.array([0.0, 0.2, 3.0, 1.0], dtype=np.float32) * gain
    weight = numpy_helper.from_array(np.stack([-push, push], axis=1), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "weight"], ["logits"])],
        "balance",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def random_boxer(path: Path, actions: int = 18) -> Path:
    """Nature CNN weights drawn at random, as safetensors: a policy of no merit for a real game."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "conv1.weight": (32, 4, 8, 8),
        "conv2.weight": (64, 32, 4, 4),
        "conv3.weight": (64, 64, 3, 3),
        "hidden.weight": (512, 3136),
        "policy.weight": (actions, 512),
        "value.weight": (1, 512),
    }
    weights = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:]))
        weights[name] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        weights[name.replace("weight", "bias")] = torch.zeros(shape[0])
    save_file(weights, str(path))
    return path
