"""Whether the torch network computes what onnxruntime computes, at observations that such a policy might see."""

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import torch

from saddlepoint.errors import BackendDisagreement, NonFiniteWeights
from saddlepoint.policies.found import Floats
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.schemas.policies import HEAD_OUTPUTS

ABSOLUTE, RELATIVE = 1e-4, 1e-5
"""Outputs may differ by ABSOLUTE + RELATIVE * max|output|."""
_UNIFORM, _BINARY = 8, 6
_PIXELS = 255.0


def check_rows(shape: Sequence[int], low: float | None = None, high: float | None = None) -> Floats:
    """Observations (16, *shape) float32 to compare at: uniform ones, all low, all high, and ones of two values.

    Without bounds, observations of several axes are taken for pixels, 0..255, and others lie in -4..4. Pixels are whole
    numbers. The same rows every time.
    """
    random = np.random.default_rng(0)
    is_picture = len(shape) > 1
    low = low if low is not None and np.isfinite(low) else (0.0 if is_picture else -4.0)
    high = high if high is not None and np.isfinite(high) else (_PIXELS if is_picture else 4.0)
    uniform = random.uniform(low, high, (_UNIFORM, *shape))
    binary = random.integers(0, 2, (_BINARY, *shape)) * (high - low) + low
    constant = np.stack([np.zeros(shape), np.full(shape, high)])
    rows = np.concatenate([uniform, binary, constant]).astype(np.float32)
    return np.round(rows) if high == _PIXELS else rows


def run_onnx(model: bytes, outputs: Sequence[str], *, optimised: bool = True) -> Callable[[Floats], Floats]:
    """The `outputs` of an ONNX model with the one input, side by side, on one thread.

    BackendDisagreement if it cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
        source = session.get_inputs()[0]
        dtype = {"tensor(uint8)": np.uint8, "tensor(double)": np.float64, "tensor(float16)": np.float16}.get(
            source.type, np.float32
        )
    except Exception as error:
        raise _cannot_run() from error

    def run(rows: Floats) -> Floats:
        try:
            results = session.run(list(outputs), {source.name: rows.astype(dtype)})
        except Exception as error:
            raise _cannot_run() from error
        return np.concatenate([result.astype(np.float32) for result in results], axis=-1)

    return run


def _cannot_run() -> BackendDisagreement:
    return BackendDisagreement(
        "A policy must run in onnxruntime as it does in PyTorch; onnxruntime cannot run this one. "
        "Export it again with a recent exporter."
    )


def disagreement(network: PolicyNetwork, model: bytes, rows: Floats) -> float:
    """The largest difference between `network` and its canonical `model` in onnxruntime at these rows.

    Each row is computed in a batch with the others, alone and in a pair, which must make no difference. Raises
    BackendDisagreement beyond the tolerance.
    """
    reference = run_onnx(model, HEAD_OUTPUTS[network.head])(rows)
    batches = [head_of(network, rows)]
    batches.append(np.concatenate([head_of(network, rows[at : at + 1]) for at in range(len(rows))]))
    batches.append(np.concatenate([head_of(network, rows[at : at + 2]) for at in range(0, len(rows), 2)]))
    return max(compare(outputs, reference) for outputs in batches)


def head_of(network: PolicyNetwork, rows: Floats) -> Floats:
    """The head (N, K) of the torch network."""
    with torch.no_grad():
        result: Floats = network(torch.from_numpy(rows)).head.numpy()
    return result


def compare(outputs: Floats, reference: Floats) -> float:
    """The largest difference of two arrays of outputs; BackendDisagreement beyond the tolerance."""
    if not (np.isfinite(outputs).all() and np.isfinite(reference).all()):
        raise NonFiniteWeights(
            "The outputs of a policy must be finite; at plausible observations some of these are not. "
            "Check the weights and the normalisation of the observation."
        )
    if outputs.shape != reference.shape:
        raise BackendDisagreement(
            f"onnxruntime gives outputs of shape {list(reference.shape)}, PyTorch {list(outputs.shape)}. "
            "Export the model with a dynamic batch axis."
        )
    largest = float(np.abs(outputs - reference).max(initial=0.0))
    allowed = ABSOLUTE + RELATIVE * float(np.abs(reference).max(initial=0.0))
    if largest > allowed:
        raise BackendDisagreement(
            f"PyTorch and onnxruntime must agree to {allowed:.2g} on the same observations; they differ by "
            f"{largest:.2g}. Export the model again, in float32 and in evaluation mode."
        )
    return largest
