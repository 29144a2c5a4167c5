"""Checkpoints of SA-PPO (Zhang et al. 2020) and of what grew out of its code: ATLA, RADIAL-PPO, WocaR-PPO.

`policy_model` and `val_model` are state dicts, `envs` a list of environments whose `state_filter` normalises what the
networks see (policy_gradients/models.py, custom_env.py and torch_utils.py of that code).
"""

import re
from collections.abc import Mapping
from math import inf, isfinite, sqrt
from typing import Any

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, UnsupportedArchitecture
from saddlepoint.inert import Recorded
from saddlepoint.inert_arrays import numbers_of
from saddlepoint.policies.architectures import Layer, layer_of, linear, perceptron, with_value
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.found import Found
from saddlepoint.policies.gaussians import fixed_log_std
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.intake import standardised, take_in
from saddlepoint.policies.named_weights import WAY_OUT, Weights
from saddlepoint.policies.pickles import TorchFile, listed
from saddlepoint.policies.torch_lstm import TENSORS as LSTM_TENSORS
from saddlepoint.policies.torch_lstm import lstm
from saddlepoint.policies.torch_pickles import TensorClaim
from saddlepoint.schemas.policies import PolicyHints

_POLICY, _VALUE, _ENVIRONMENTS = "policy_model", "val_model", "envs"
_HIDDEN = "affine_layers.{}"
_FIRST = _HIDDEN.format(0)
_EMBEDDING, _LSTM, _OUTPUT = "embedding_layer", "lstm", "output_layer"
_SHARED, _DEVIATION = "final_value", "log_stdev"
_EPSILON = 1e-8
"""Added to the deviation by ZFilter."""


def is_sa_ppo(root: Any) -> bool:
    """Whether what torch.save was given is such a checkpoint."""
    policy = root.get(_POLICY) if isinstance(root, Mapping) else None
    return isinstance(policy, Mapping) and f"{_FIRST}.weight" in policy


def from_sa_ppo(file: TorchFile, hints: PolicyHints) -> Found:
    """The policy in it, with its normalisation. Raises PolicyRejected."""
    tensors, critic = _tensors(file)
    weights = Weights(tensors, hints, [])
    inputs = layer_of(tensors, _EMBEDDING if _is_recurrent(tensors) else _FIRST).weight.shape[-1:].numel()
    statistics = _statistics(file.root.get(_ENVIRONMENTS), inputs)
    intake = take_in((inputs,), hints, scale=hints.pixel_scale, turned=None)
    build, x = intake.build, intake.x
    if statistics is None:
        weights.guesses.append("observations are not normalised: the checkpoint holds no statistics of them")
    else:
        x = standardised(build, x, (inputs,), statistics)
    graph = _recurrent(weights, build, x) if _is_recurrent(tensors) else _perceptrons(weights, critic, build, x)
    is_gaussian = graph.head == "gaussian"
    return Found(
        graph,
        "torch-checkpoint",
        "mlp",
        _contents(file.root, reads_value=_is_read(critic, tensors), statistics=statistics),
        weights.guesses,
        squash=hints.squash or "none" if is_gaussian else "none",
        fixed_deviation=is_gaussian,
    )


def _tensors(file: TorchFile) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Those of the policy, and those of a critic without a memory of its own, which is left out."""
    states = {entry: file.root.get(entry) for entry in (_POLICY, _VALUE)}
    if not isinstance(states[_VALUE], Mapping) or f"{_FIRST}.weight" not in states[_VALUE]:
        del states[_VALUE]
    read = file.tensors(
        {
            f"{entry}.{name}": claim
            for entry, state in states.items()
            for name, claim in state.items()
            if isinstance(claim, TensorClaim) and isinstance(name, str)
        }
    )
    return _within(read, _POLICY), _within(read, _VALUE)


def _within(tensors: Mapping[str, Tensor], entry: str) -> dict[str, Tensor]:
    start = f"{entry}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _perceptrons(weights: Weights, critic: Mapping[str, Tensor], build: GraphBuilder, x: Live) -> Graph:
    """The actor, and a critic that always has tanh; one of shared weights stands on the actor's features."""
    tensors, activation = weights.tensors, weights.activation("tanh")
    hidden, last = _hidden(tensors), "final_mean" if _DEVIATION in tensors else "final"
    weights.check_all_known([*map(_HIDDEN.format, range(len(hidden))), last, _SHARED], [_DEVIATION])
    features = perceptron(build, x, hidden, activation)
    judged, judge = features, layer_of(tensors, _SHARED) if _has_shared_critic(tensors) else None
    if _is_read(critic, tensors):
        judged, judge = perceptron(build, x, _hidden(critic), "Tanh"), layer_of(critic, "final")
    return with_value(build, judged, judge, next_states=(), **_head(build, tensors, features, last))


def _is_read(critic: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> bool:
    """Whether the value is that of the critic apart: one without a memory, beside an actor that has none either."""
    return bool(critic) and not _has_shared_critic(tensors) and not _is_recurrent(tensors)


def _has_shared_critic(tensors: Mapping[str, Tensor]) -> bool:
    return f"{_SHARED}.weight" in tensors


def _is_recurrent(tensors: Mapping[str, Tensor]) -> bool:
    return f"{_LSTM}.weight_ih_l0" in tensors


def _recurrent(weights: Weights, build: GraphBuilder, x: Live) -> Graph:
    """A linear layer, an LSTM and another; the layers of a perceptron beside them play no part."""
    tensors = weights.tensors
    idle = [*(_HIDDEN.format(at) for at in range(_count(tensors))), "final_mean"]
    memory = [name for name in tensors if re.fullmatch(rf"{_LSTM}\.{LSTM_TENSORS}", name)]
    weights.check_all_known([_EMBEDDING, _OUTPUT, *idle], [_DEVIATION, *memory])
    embedded = linear(build, x, layer_of(tensors, _EMBEDDING))
    features, following = lstm(build, embedded, tensors, _LSTM)
    return build.finish(next_states=following, **_head(build, tensors, features, _OUTPUT))


def _head(build: GraphBuilder, tensors: Mapping[str, Tensor], features: Live, last: str) -> dict[str, Live]:
    """A Gaussian around the outputs of the last layer, or scores of actions where there is no deviation."""
    outputs = linear(build, features, layer_of(tensors, last))
    if _DEVIATION not in tensors:
        return {"logits": outputs}
    return {"mean": outputs, "log_std": fixed_log_std(build, outputs, tensors[_DEVIATION])}


def _hidden(tensors: Mapping[str, Tensor]) -> list[Layer]:
    layers = [layer_of(tensors, _HIDDEN.format(at)) for at in range(_count(tensors))]
    if any(layer.bias is None for layer in layers):
        raise UnsupportedArchitecture(
            f"The layers of this network must have biases of their own; those of 'use_merged_bias' are not read. "
            f"{WAY_OUT}"
        )
    return layers


def _count(tensors: Mapping[str, Tensor]) -> int:
    return sum(name.startswith(_HIDDEN.format("")) and name.endswith(".weight") for name in tensors)


def _statistics(environments: Any, inputs: int) -> PolicyHints | None:
    """What the first environment's ZFilter does to `inputs` numbers, as hints say it; None where there is none.

    Raises UnsupportedArchitecture for other filters and ArchitectureMismatch for other numbers.
    """
    first = environments[0] if isinstance(environments, list | tuple) and environments else environments
    if first is None:
        return None
    if _name(first) != "Env":
        raise ArchitectureMismatch(
            f"The entry {_ENVIRONMENTS!r} of such a checkpoint is a list of its environments; this one is something "
            f"else. Save it again, or leave the entry out. {WAY_OUT}"
        )
    of_states = _attributes(first).get("state_filter")
    if of_states is None or _name(of_states) == "Identity":
        return None
    content = _attributes(of_states)
    if _name(of_states) != "ZFilter" or _name(content.get("prev_filter")) != "Identity":
        raise UnsupportedArchitecture(
            "Observations must be normalised by one ZFilter or by none; here another filter stands before the policy, "
            f"such as one that adds the time. {WAY_OUT}"
        )
    if content.get("center") is not True or content.get("scale") is not True:
        raise UnsupportedArchitecture(f"A ZFilter must subtract the mean and divide by the deviation. {WAY_OUT}")
    try:
        return _normalising(_attributes(content.get("rs")), content.get("clip"), inputs)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ArchitectureMismatch(
            f"The statistics of observations in the checkpoint cannot be read. Save it again. {WAY_OUT}"
        ) from error


def _normalising(statistics: Mapping[str, Any], clip: Any, inputs: int) -> PolicyHints:
    """Of a RunningStat: `_n` observations, their mean `_M` and the sum `_S` of their squared distances from it."""
    (count,), mean, squares = (numbers_of(statistics[name]) for name in ("_n", "_M", "_S"))
    if not len(mean) == len(squares) == inputs or not all(map(isfinite, (*mean, *squares))) or count < 2:
        raise ValueError("no statistics")
    (bound,) = numbers_of(clip or 0)
    if not 0 <= bound < inf:
        raise ValueError("no clip")
    deviation = [sqrt(square / (count - 1)) + _EPSILON for square in squares]
    return PolicyHints(observation_mean=mean, observation_std=deviation, observation_clip=bound or None)


def _attributes(value: Any) -> Mapping[str, Any]:
    return value.state if isinstance(value, Recorded) and isinstance(value.state, dict) else {}


def _name(value: Any) -> str:
    return value.origin[1] if isinstance(value, Recorded) else ""


def _contents(root: Mapping[Any, Any], *, reads_value: bool, statistics: PolicyHints | None) -> list[str]:
    lines = [f"entry {_POLICY!r}: read"]
    if reads_value:
        lines.append(f"entry {_VALUE!r}: read as the value of a state")
    if statistics is not None:
        clip = statistics.observation_clip
        bounds = "" if clip is None else f", clipped to -{clip:g}..{clip:g}"
        lines.append(f"entry {_ENVIRONMENTS!r}: mean and deviation of observations read{bounds}; nothing in it was run")
    used = {_POLICY, *([_VALUE] if reads_value else []), *([] if statistics is None else [_ENVIRONMENTS])}
    others = [name for name in root if name not in used]
    return [*lines, *([f"{listed(others)}: ignored"] if others else [])]
