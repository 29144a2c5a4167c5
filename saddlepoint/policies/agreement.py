"""Whether the torch network computes what onnxruntime computes, at observations that such a policy might see."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.errors import BackendDisagreement, NonFiniteWeights, UnsupportedArchitecture
from saddlepoint.policies.found import Floats, Step
from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, TAKEN_ACTION
from saddlepoint.policies.naming import plain
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.policies.runtime import onnxruntime
from saddlepoint.schemas.policies import HEAD_OUTPUTS

ABSOLUTE, RELATIVE = 1e-4, 1e-5
"""Outputs may differ by ABSOLUTE + RELATIVE * max|output|, over those that are not the same in every row."""
STATE_TIMES = 10
"""As much more may states differ: the cell of an LSTM on unscaled pixels is off by 2e-4 in PyTorch's own float32."""
HALF_ABSOLUTE = HALF_RELATIVE = 0.02
"""The same beside a model that computes with 16 bits, whose every operation rounds to 3 digits."""
STEPS = 3
"""How many consecutive steps of a recurrent policy are compared, each with the states of the last."""
_UNIFORM, _BINARY = 8, 6
_FEW = 4
"""Rows at which the states are tried."""
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


def run_onnx(
    model: bytes, outputs: Sequence[str], *, optimised: bool = True
) -> Callable[[Mapping[str, NDArray[Any]]], list[Floats]]:
    """The `outputs` of an ONNX model at its inputs by name, which are cast to what it takes, on one thread.

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
        taken = (*session.get_inputs(), *session.get_overridable_initializers())
        dtypes = {item.name: _DTYPES.get(item.type, np.float32) for item in taken}
    except Exception as error:
        raise _cannot_run() from error

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
        try:
            given = {name: array.astype(dtypes[name]) for name, array in inputs.items() if name in dtypes}
            results = session.run(list(outputs), given)
        except Exception as error:
            raise _cannot_run() from error
        return [result.astype(np.float32) for result in results]

    return run


_DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(bool)": np.bool_,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
}


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
    step = step_of(network)
    reference = unrolled(canonical_step(network, model), rows, network.state_shapes)
    widths = (len(rows), 1, 2)
    shapes = network.state_shapes
    of_policy = max(compare_all(unrolled(step, rows, shapes, width), reference, states=len(shapes)) for width in widths)
    return max(of_policy, _critics_apart(network, model, rows))


def _critics_apart(network: PolicyNetwork, model: bytes, rows: Floats) -> float:
    """The same for the values of actions, at the start of an episode; 0 where the model has none beside its head."""
    given, states = torch.from_numpy(rows), network.initial_states(len(rows))
    with torch.no_grad():
        critic = network.critic(network.to_attack_layout(given), states)
        if critic is None:
            return 0.0
        (output,) = critic.outputs
        actions = network(given, states).head[:, : network.actions].tanh()
        values = critic.values if output == "q_values" else critic.value_of(actions)
    carried = {STATE.format(at): state.numpy() for at, state in enumerate(states)}
    (found,) = run_onnx(model, [output])({OBSERVATION: rows, TAKEN_ACTION: actions.numpy(), **carried})
    return compare(values.numpy(), found)


def check_memory(network: PolicyNetwork, rows: Floats, fixed: Mapping[str, int]) -> None:
    """Raise UnsupportedArchitecture where neither the head nor a next state depends on any state.

    `fixed` are inputs of the file that are one number at every step: a flag that is read the wrong way round wipes the
    states, and the policy would be played without its memory.
    """
    if not network.state_shapes:
        return
    random, rows = np.random.default_rng(0), rows[:_FEW]
    none = [np.zeros((len(rows), *shape), np.float32) for shape in network.state_shapes]
    some = [2 * random.random(state.shape, dtype=np.float32) - 1 for state in none]
    found = [[head, *following] for head, following in (step_of(network)(rows, states) for states in (none, some))]
    if all(np.array_equal(one, other) for one, other in zip(*found, strict=True)):
        raise UnsupportedArchitecture(
            "What a policy with memory gives depends on its states; nothing that this one gives does. "
            + (" ".join(_other_way_round(*item) for item in fixed.items()) or "Export it without its states.")
        )


def _other_way_round(name: str, number: int) -> str:
    role, meaning = ("episode_start", "an episode begins") if number else ("continues", "an episode goes on")
    return (
        f"Its input {plain(name)!r} is {number} at every step; if it is 1 where {meaning}, say so in the card: "
        f'{{"inputs": {{"{role}": "{plain(name)}"}}}}.'
    )


def step_of(network: PolicyNetwork) -> Step:
    """The torch network."""

    def step(rows: Floats, states: Sequence[Floats]) -> tuple[Floats, Sequence[Floats]]:
        with torch.no_grad():
            outputs = network(torch.from_numpy(rows), [torch.from_numpy(state) for state in states])
        return outputs.head.numpy(), [state.numpy() for state in outputs.states]

    return step


def canonical_step(network: PolicyNetwork, model: bytes) -> Step:
    """The canonical `model` of `network` in onnxruntime."""
    head, count = HEAD_OUTPUTS[network.head], len(network.state_shapes)
    run = run_onnx(model, [*head, *map(NEXT_STATE.format, range(count))])

    def step(rows: Floats, states: Sequence[Floats]) -> tuple[Floats, Sequence[Floats]]:
        carried = {STATE.format(index): state for index, state in enumerate(states)}
        results = run({OBSERVATION: rows, **carried})
        return np.concatenate(results[: len(head)], axis=-1), results[len(head) :]

    return step


def unrolled(step: Step, rows: Floats, state_shapes: Sequence[Sequence[int]], width: int | None = None) -> list[Floats]:
    """Heads and states over STEPS steps from the start of an episode (over one, without states).

    `width` rows are computed at a time, all by default. Every row sees another observation at every step.
    """
    width = width or len(rows)
    parts = [_unrolled(step, rows, state_shapes, slice(at, at + width)) for at in range(0, len(rows), width)]
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def _unrolled(step: Step, rows: Floats, state_shapes: Sequence[Sequence[int]], which: slice) -> list[Floats]:
    states: Sequence[Floats] = [np.zeros((len(rows[which]), *shape), np.float32) for shape in state_shapes]
    found: list[Floats] = []
    for number in range(STEPS if state_shapes else 1):
        head, states = step(np.roll(rows, number, axis=0)[which], states)
        found += [head, *states]
    return found


def compare_all(
    outputs: Sequence[Floats], reference: Sequence[Floats], *, states: int = 0, is_half: bool = False
) -> float:
    """The largest difference of heads, each followed by so many `states`; BackendDisagreement beyond the tolerance."""
    pairs = enumerate(zip(outputs, reference, strict=True))
    return max(
        compare(one, other, is_half=is_half, times=STATE_TIMES if at % (states + 1) else 1)
        for at, (one, other) in pairs
    )


def compare(outputs: Floats, reference: Floats, *, is_half: bool = False, times: float = 1) -> float:
    """The largest difference of two arrays of outputs; BackendDisagreement beyond `times` the tolerance."""
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
    difference = np.abs(outputs - reference)
    absolute, relative = (HALF_ABSOLUTE, HALF_RELATIVE) if is_half else (ABSOLUTE, RELATIVE)
    allowed = _allowed(reference, times * absolute, times * relative)
    worst = np.unravel_index(int(np.argmax(difference - allowed)), difference.shape)
    if difference[worst] > allowed[worst]:
        raise BackendDisagreement(
            f"PyTorch and onnxruntime must agree to {allowed[worst]:.2g} on the same observations; they differ by "
            f"{difference[worst]:.2g}. Export the model again, in float32 and in evaluation mode."
        )
    return float(difference.max())


def _allowed(reference: Floats, absolute: float, relative: float) -> Floats:
    """By how much each output may differ.

    What is the same in every row, such as the score of a masked action, counts for itself alone, however large it is.
    """
    size = np.abs(reference)
    varies = np.ptp(reference, axis=0, keepdims=True) > 0
    largest = float(np.where(varies, size, 0.0).max())
    return np.where(varies, absolute + relative * largest, absolute + relative * size)
