"""The critics that CleanRL's off-policy scripts save beside an actor."""

from collections.abc import Mapping

from torch import Tensor

from saddlepoint.policies.action_values import action_value, if_it_fits
from saddlepoint.policies.architectures import layer_of
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.named_weights import Weights
from saddlepoint.policies.pickles import OTHER_DICTS

_LAYERS = ("fc1", "fc2", "fc3")
"""Of SoftQNetwork and QNetwork (cleanrl/sac_, td3_ and ddpg_continuous_action.py), on observation and action."""
_NAMES = frozenset(f"{layer}.{kind}" for layer in _LAYERS for kind in ("weight", "bias"))


def critics_among(others: Mapping[str, Tensor], inputs: int) -> dict[str, dict[str, Tensor]]:
    """By their place in the file, the state dicts after the actor's that take so many numbers and give one."""
    dicts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in others.items():
        place, _, own = name.removeprefix(OTHER_DICTS).partition(".")
        dicts.setdefault(place, {})[own] = tensor
    return {place: tensors for place, tensors in dicts.items() if _is_critic(tensors, inputs)}


def _is_critic(tensors: Mapping[str, Tensor], inputs: int) -> bool:
    if tensors.keys() != _NAMES or any(tensors[f"{layer}.weight"].ndim != 2 for layer in _LAYERS):
        return False
    first, last = tensors["fc1.weight"], tensors["fc3.weight"]
    return (first.shape[1], last.shape[0]) == (inputs, 1)


def critic_of(
    weights: Weights,
    build: GraphBuilder,
    x: Live,
    critics: Mapping[str, Mapping[str, Tensor]],
    buffers: tuple[str, str],
    activation: str,
) -> dict[str, Live]:
    """`action_value` of actions in -1..1, taken to the environment's units by two tensors of the actor, if it fits."""
    width = critics[next(iter(critics))]["fc1.weight"].shape[1] - x.shapes[0][1]
    scale, bias = (Known.of(weights.tensors[name].reshape(1, -1).float()) for name in buffers)

    def make() -> Live:
        scaled = build.live("Mul", build.taken_action(width), scale)
        networks = [[layer_of(tensors, layer) for layer in _LAYERS] for tensors in critics.values()]
        return action_value(build, x, build.live("Add", scaled, bias), networks, activation)

    return if_it_fits(make, weights.guesses)
