"""CleanRL's networks for continuous actions and its Q-networks, by the names that its files give their tensors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch
from saddlepoint.policies.architectures import (
    layer_of,
    layers_of,
    linear,
    perceptron,
    sequential_of,
    tensor_of,
    with_value,
)
from saddlepoint.policies.builder import Live
from saddlepoint.policies.cleanrl_critic import critic_of, critics_among
from saddlepoint.policies.found import Found
from saddlepoint.policies.gaussians import check_pair, fixed_log_std, squeezed_log_std
from saddlepoint.policies.named_weights import Weights
from saddlepoint.policies.pickles import OTHER_DICTS

_LOG_STD = (-5.0, 2.0)
"""LOG_STD_MIN and LOG_STD_MAX of cleanrl/sac_continuous_action.py."""
_BUFFERS = ("action_scale", "action_bias")
_CONVOLUTIONS, _HIDDEN, _VALUES = ("network.0", "network.2", "network.4"), "network.7", "network.9"


def from_cleanrl(weights: Weights, file_format: str) -> Found | None:
    """The policy, if the names are those of one of these networks."""
    names = weights.tensors.keys()
    if any(name.startswith("actor_mean.") for name in names):
        return _gaussian(weights, file_format)
    if "fc_mean.weight" in names or "fc_mu.weight" in names:
        return _actor(weights, file_format)
    if "network.0.weight" in names and not any(name.startswith(("actor", "critic")) for name in names):
        return _q_network(weights, file_format)
    return None


def _gaussian(weights: Weights, file_format: str) -> Found:
    """cleanrl/ppo_continuous_action.py and rpo_continuous_action.py: tanh, and a deviation of its own."""
    tensors = weights.tensors
    hidden, last = sequential_of(tensors, "actor_mean")
    value = layers_of(tensors, "critic")
    counts = {"actor_mean": len(hidden) + 1, "critic": len(value)}
    known = [f"{name}.{2 * at}" for name, count in counts.items() for at in range(count)]
    weights.check_all_known(known, ["actor_logstd"])
    activation = weights.activation("tanh")
    build, x = weights.vector(layer_of(tensors, "actor_mean.0"))
    mean = linear(build, perceptron(build, x, hidden, activation), last)
    log_std = fixed_log_std(build, mean, tensor_of(tensors, "actor_logstd"))
    critic = perceptron(build, x, value[:-1], activation)
    graph = with_value(build, critic, value[-1] if value else None, mean=mean, log_std=log_std)
    squash = weights.hints.squash or "none"
    contents = [weights.counted()]
    return Found(graph, file_format, "mlp", contents, weights.guesses, squash=squash, fixed_deviation=True)


def _actor(weights: Weights, file_format: str) -> Found:
    """The actors of cleanrl/sac_continuous_action.py (fc_mean, fc_logstd), td3_ and ddpg_ (fc_mu): ReLU, then tanh.

    The critics may lie beside them.
    """
    acting = {name: tensor for name, tensor in weights.tensors.items() if not name.startswith(OTHER_DICTS)}
    others = {name: tensor for name, tensor in weights.tensors.items() if name not in acting}
    weights = replace(weights, tensors=acting)
    is_soft = "fc_mean.weight" in acting
    heads = ("fc_mean", "fc_logstd") if is_soft else ("fc_mu",)
    weights.check_all_known(["fc1", "fc2", *heads], _BUFFERS)
    hidden = [layer_of(acting, name) for name in ("fc1", "fc2")]
    build, x = weights.vector(hidden[0])
    activation = weights.activation("relu")
    latent = perceptron(build, x, hidden, activation)
    outputs = [linear(build, latent, layer_of(acting, name)) for name in heads]
    squash = _squash(weights, outputs[0])
    can_judge = squash == "tanh" and all(name in acting for name in _BUFFERS)
    critics = critics_among(others, x.shapes[0][1] + outputs[0].shapes[0][1]) if can_judge else {}
    critic = critic_of(weights, build, x, critics, _BUFFERS, activation) if critics else {}
    if is_soft:
        mean, raw = outputs
        check_pair(mean, raw)
        graph = build.finish(next_states=(), mean=mean, log_std=squeezed_log_std(build, raw, *_LOG_STD), **critic)
    else:
        graph = build.finish(next_states=(), action=outputs[0], **critic)
    judging = sum(map(len, critics.values())) if critic else 0
    return Found(
        graph,
        file_format,
        "mlp",
        [weights.counted(len(others) - judging, others=judging)],
        weights.guesses,
        squash=squash,
        action_space=_stated(acting, graph.actions),
    )


def _stated(tensors: Mapping[str, Tensor], count: int) -> dict[str, object] | None:
    """The bounds of actions that `action_scale` and `action_bias` were made of."""
    if not all(name in tensors for name in _BUFFERS):
        return None
    scale, bias = (tensors[name].reshape(-1).expand(count) for name in _BUFFERS)
    return {"kind": "Box", "shape": [count], "dtype": None} | {
        key: side.tolist() for key, side in (("low", bias - scale), ("high", bias + scale))
    }


def _squash(weights: Weights, action: Live) -> Literal["none", "tanh"]:
    """What follows: a tanh, which `action_scale` and `action_bias` take to the bounds of the environment."""
    buffers = [weights.tensors[name] for name in _BUFFERS if name in weights.tensors]
    count = action.shapes[0][1]
    if any(buffer.numel() not in (1, count) or not bool(torch.isfinite(buffer).all()) for buffer in buffers):
        raise ArchitectureMismatch(
            f"action_scale and action_bias have one finite number for each of the {count} numbers of an action; here "
            "they have not. Save the actor again."
        )
    return weights.squash(is_stated=len(buffers) == len(_BUFFERS))


def _q_network(weights: Weights, file_format: str) -> Found:
    """cleanrl/dqn.py and dqn_atari.py; PPO's networks of these names have an actor and a critic beside them."""
    tensors = weights.tensors
    weights.guesses.append("the outputs of 'network' taken as Q-values, as those of CleanRL's DQN are")
    if tensors["network.0.weight"].ndim == 4:
        weights.check_all_known([*_CONVOLUTIONS, _HIDDEN, _VALUES])
        build, features = weights.nature(_CONVOLUTIONS, _HIDDEN)
        values = linear(build, features, layer_of(tensors, _VALUES))
        return Found(build.finish(q_values=values), file_format, "nature-cnn", [weights.counted()], weights.guesses)
    hidden, last = sequential_of(tensors, "network")
    weights.check_all_known([f"network.{2 * at}" for at in range(len(hidden) + 1)])
    build, x = weights.vector(layer_of(tensors, "network.0"))
    values = linear(build, perceptron(build, x, hidden, weights.activation("relu")), last)
    return Found(build.finish(q_values=values), file_format, "mlp", [weights.counted()], weights.guesses)
