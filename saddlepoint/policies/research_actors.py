"""Actors of research code that many others copied, by the names that it gives its layers.

The TD3 of Fujimoto et al. 2018 (github.com/sfujim/TD3), and the SAC of github.com/pranz24/pytorch-soft-actor-critic,
with ReLU and a tanh in the end; and those of SpinningUp (github.com/openai/spinningup).
"""

from dataclasses import dataclass, replace

from saddlepoint.policies.architectures import (
    layer_of,
    layers_of,
    linear,
    perceptron,
    sequential_of,
    tensor_of,
    with_value,
)
from saddlepoint.policies.found import Found
from saddlepoint.policies.gaussians import check_pair, fixed_log_std
from saddlepoint.policies.named_weights import Weights

_LOG_STD = (-20.0, 2.0)
"""LOG_SIG_MIN and LOG_SIG_MAX of that SAC, LOG_STD_MIN and LOG_STD_MAX of SpinningUp's."""
_Q_FUNCTIONS = ("q.q.", "q1.q.", "q2.q.")
"""SpinningUp's, which are not read."""


@dataclass(frozen=True)
class _Names:
    hidden: tuple[str, str]
    mean: str
    log_std: str | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(filter(None, (*self.hidden, self.mean, self.log_std)))


_ACTORS = (
    _Names(("l1", "l2"), "l3"),
    _Names(("linear1", "linear2"), "mean_linear", "log_std_linear"),
    _Names(("linear1", "linear2"), "mean"),
)


def from_research(weights: Weights, file_format: str) -> Found | None:
    """The policy, if the names are those of one of these actors."""
    tensors = weights.tensors
    names = next((names for names in _ACTORS if all(f"{each}.weight" in tensors for each in names.layers)), None)
    if names is None:
        return _from_spinning_up(weights, file_format)
    weights.check_all_known(names.layers)
    hidden = [layer_of(tensors, name) for name in names.hidden]
    build, x = weights.vector(hidden[0])
    latent = perceptron(build, x, hidden, weights.activation("relu"))
    mean = linear(build, latent, layer_of(tensors, names.mean))
    squash = weights.squash()
    if names.log_std is None:
        graph = build.finish(next_states=(), action=mean)
    else:
        raw = linear(build, latent, layer_of(tensors, names.log_std))
        check_pair(mean, raw)
        log_std = build.live("Clip", raw, min=_LOG_STD[0], max=_LOG_STD[1])
        graph = build.finish(next_states=(), mean=mean, log_std=log_std)
    return Found(graph, file_format, "mlp", [weights.counted()], weights.guesses, squash=squash)


def _from_spinning_up(weights: Weights, file_format: str) -> Found | None:
    """An ActorCritic of spinup/algos/pytorch/*/core.py, if it is one: VPG and PPO, SAC, or TD3 and DDPG."""
    acting = {name: tensor for name, tensor in weights.tensors.items() if not name.startswith(_Q_FUNCTIONS)}
    idle, weights = len(weights.tensors) - len(acting), replace(weights, tensors=acting)
    if "pi.mu_net.0.weight" in acting or "pi.logits_net.0.weight" in acting:
        return _on_policy(weights, file_format)
    is_soft = "pi.net.0.weight" in acting and "pi.mu_layer.weight" in acting
    if not is_soft and "pi.pi.0.weight" not in acting:
        return None
    actor = "pi.net" if is_soft else "pi.pi"
    layers = layers_of(acting, actor)
    heads = ("pi.mu_layer", "pi.log_std_layer") if is_soft else ()
    weights.check_all_known([*_numbered(actor, len(layers)), *heads])
    hidden, outputs = (layers, [layer_of(acting, name) for name in heads]) if is_soft else (layers[:-1], layers[-1:])
    build, x = weights.vector(layers[0])
    latent = perceptron(build, x, hidden, weights.activation("relu"))
    mean, *deviation = (linear(build, latent, layer) for layer in outputs)
    squash = weights.squash()
    if deviation:
        check_pair(mean, deviation[0])
        log_std = build.live("Clip", deviation[0], min=_LOG_STD[0], max=_LOG_STD[1])
        graph = build.finish(next_states=(), mean=mean, log_std=log_std)
    else:
        graph = build.finish(next_states=(), action=mean)
    return Found(graph, file_format, "mlp", [weights.counted(idle)], weights.guesses, squash=squash)


def _on_policy(weights: Weights, file_format: str) -> Found:
    """MLPGaussianActor or MLPCategoricalActor with the critic beside it: tanh."""
    tensors = weights.tensors
    is_gaussian = "pi.mu_net.0.weight" in tensors
    actor = "pi.mu_net" if is_gaussian else "pi.logits_net"
    (hidden, last), value = sequential_of(tensors, actor), layers_of(tensors, "v.v_net")
    known = [*_numbered(actor, len(hidden) + 1), *_numbered("v.v_net", len(value))]
    weights.check_all_known(known, ["pi.log_std"] if is_gaussian else [])
    activation = weights.activation("tanh")
    build, x = weights.vector(layer_of(tensors, f"{actor}.0"))
    outputs = linear(build, perceptron(build, x, hidden, activation), last)
    critic, judge = perceptron(build, x, value[:-1], activation), value[-1] if value else None
    if not is_gaussian:
        graph = with_value(build, critic, judge, logits=outputs)
        return Found(graph, file_format, "mlp", [weights.counted()], weights.guesses, squash="none")
    log_std = fixed_log_std(build, outputs, tensor_of(tensors, "pi.log_std"))
    graph = with_value(build, critic, judge, mean=outputs, log_std=log_std)
    squash, contents = weights.hints.squash or "none", [weights.counted()]
    return Found(graph, file_format, "mlp", contents, weights.guesses, squash=squash, fixed_deviation=True)


def _numbered(sequential: str, count: int) -> list[str]:
    return [f"{sequential}.{2 * at}" for at in range(count)]
