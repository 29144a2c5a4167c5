"""The networks of Stable-Baselines3 and sb3-contrib after their features, by kind of algorithm."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, UnsupportedArchitecture
from saddlepoint.policies.architectures import (
    Layer,
    layer_of,
    layers_of,
    linear,
    perceptron,
    sequential_of,
    tensor_of,
    with_value,
)
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.gaussians import check_pair, fixed_log_std, gsde_log_std
from saddlepoint.policies.sb3_critic import critic_of
from saddlepoint.policies.sb3_features import Features, features_of
from saddlepoint.policies.sb3_source import Head, Source
from saddlepoint.policies.torch_lstm import lstm

_SAC_LOG_STD = (-20.0, 2.0)
"""LOG_STD_MIN and LOG_STD_MAX of stable_baselines3/sac/policies.py, which TQC and CrossQ share."""
_SOFT_FIRST = ("actor.latent_pi.0.weight", "actor.mu.0.weight", "actor.mu.weight")
_QUANTILES = 200
"""QuantileNetwork's default (sb3_contrib/qrdqn/policies.py)."""


def actor_critic(source: Source) -> Head:
    """PPO, A2C, TRPO: SB3's MlpExtractor (with the shared part of old versions), then the heads.

    RecurrentPPO has an LSTM before it; where the critic has another, its value is left out.
    """
    tensors = source.tensors
    layers = ("mlp_extractor.shared_net.0", "mlp_extractor.policy_net.0", "action_net")
    first = ("lstm_actor.weight_ih_l0", *(f"{layer}.weight" for layer in layers))
    features = features_of(
        source,
        ("pi_features_extractor", "features_extractor"),
        ("vf_features_extractor", "features_extractor"),
        first,
    )
    build = features.build
    shared, policy, value = (
        layers_of(tensors, f"mlp_extractor.{part}") for part in ("shared_net", "policy_net", "value_net")
    )
    activation = source.activation("Tanh", is_used=bool(shared or policy or value))
    features, following = _remembering(source, features)
    common = perceptron(build, features.actor, shared, activation)
    is_shared = features.critic is features.actor
    common_value = common if is_shared else perceptron(build, features.critic, shared, activation)
    actor = perceptron(build, common, policy, activation)
    critic = perceptron(build, common_value, value, activation)
    scores = linear(build, actor, layer_of(tensors, "action_net"))
    last = layer_of(tensors, "value_net") if "value_net.weight" in tensors else None
    if "log_std" not in tensors:
        return Head(with_value(build, critic, last, next_states=following, logits=scores))
    log_std, is_fixed = _deviation(source, build, actor, scores)
    graph = with_value(build, critic, last, next_states=following, mean=scores, log_std=log_std)
    # Only gSDE squashes here.
    return Head(graph, "tanh" if source.data.squash_output and not is_fixed else "none", is_fixed)


def _remembering(source: Source, features: Features) -> tuple[Features, list[Live]]:
    """The features after the LSTM of the actor, if there is one, and the states that follow.

    Those of the critic are the actor's own, or come of a layer without memory.
    """
    tensors, build = source.tensors, features.build
    if "lstm_actor.weight_ih_l0" not in tensors:
        return features, []
    actor, following = lstm(build, features.actor, tensors, "lstm_actor")
    critic = linear(build, features.critic, layer_of(tensors, "critic")) if "critic.weight" in tensors else actor
    return Features(build, actor, critic), following


def _deviation(source: Source, build: GraphBuilder, latent: Live, mean: Live) -> tuple[Live, bool]:
    """The standard deviation, and whether it is fixed: it is a vector, or the matrix of gSDE."""
    parameter = source.tensors["log_std"]
    if parameter.ndim < 2:
        return fixed_log_std(build, mean, parameter), True
    return _gsde(source, build, latent, mean, parameter), False


def _gsde(source: Source, build: GraphBuilder, latent: Live, mean: Live, parameter: Tensor) -> Live:
    if not source.data.has_settings:
        source.guesses.append("gSDE with SB3's default options")
    return gsde_log_std(build, latent, parameter, mean.shapes[0][1], use_expln=source.data.use_expln)


def deep_q(source: Source) -> Head:
    """DQN."""
    return _q_network(source, "q_net", *sequential_of(source.tensors, "q_net.q_net"))


def quantile_q(source: Source) -> Head:
    """QR-DQN: the value of an action is the mean of its quantiles."""
    hidden, last = sequential_of(source.tensors, "quantile_net.quantile_net")
    return _q_network(source, "quantile_net", hidden, _mean_of_quantiles(source, last))


def _q_network(source: Source, name: str, hidden: list[Layer], last: Layer) -> Head:
    extractor = (f"{name}.features_extractor",)
    features = features_of(source, extractor, extractor, (f"{name}.{name}.0.weight",))
    latent = perceptron(features.build, features.actor, hidden, source.activation("Relu", is_used=bool(hidden)))
    return Head(features.build.finish(q_values=linear(features.build, latent, last)))


def _mean_of_quantiles(source: Source, layer: Layer) -> Layer:
    """The layer that gives the mean of what `layer` gives as (n_quantiles, A), which is linear too."""
    count, rows = source.data.n_quantiles or _QUANTILES, layer.weight.shape[:1].numel()
    if source.data.n_quantiles is None and not source.data.has_settings:
        source.guesses.append(f"{count} quantiles of every action, SB3's default")
    if not rows or rows % count or layer.weight.ndim != 2 or (layer.bias is not None and layer.bias.shape != (rows,)):
        raise ArchitectureMismatch(
            f"The last layer of a quantile network gives {count} quantiles of every action; this one has weights of "
            f"shape {list(layer.weight.shape)}. Upload the whole zip that model.save() writes."
        )
    weight = layer.weight.reshape(count, rows // count, -1).mean(0)
    return Layer(weight, None if layer.bias is None else layer.bias.reshape(count, -1).mean(0))


def soft_actor(source: Source) -> Head:
    """SAC and TQC: the actor's tanh of a Gaussian, and the critic."""
    features, hidden = _actor_features(source, _SOFT_FIRST), layers_of(source.tensors, "actor.latent_pi")
    build, activation = features.build, source.activation("Relu", is_used=bool(hidden or source.critic))
    mean, log_std = _soft_outputs(source, build, perceptron(build, features.actor, hidden, activation))
    critic = critic_of(source, features, mean.shapes[0][1], activation)
    return Head(build.finish(next_states=(), mean=mean, log_std=log_std, **critic), "tanh")


def renormalized_actor(source: Source) -> Head:
    """CrossQ: the actor of SAC with batch renormalisation before every layer; its critic is left out."""
    features = _actor_features(source, ("actor.latent_pi.0.ra_mean",))
    build, latent = features.build, features.actor
    activation = source.activation("Relu")
    layers = sum(re.fullmatch(r"actor\.latent_pi\.\d+\.ra_mean", name) is not None for name in source.tensors) - 1
    for number in range(layers):
        latent = _renormalized(source, build, latent, f"actor.latent_pi.{3 * number}")
        latent = perceptron(build, latent, [layer_of(source.tensors, f"actor.latent_pi.{3 * number + 1}")], activation)
    latent = _renormalized(source, build, latent, f"actor.latent_pi.{3 * layers}")
    mean, log_std = _soft_outputs(source, build, latent)
    return Head(build.finish(next_states=(), mean=mean, log_std=log_std), "tanh")


def _renormalized(source: Source, build: GraphBuilder, x: Live, name: str) -> Live:
    """By the statistics of the whole training (sb3_contrib/common/torch_layers.py, in evaluation)."""
    mean, variance, scale, bias = (
        tensor_of(source.tensors, f"{name}.{part}") for part in ("ra_mean", "ra_var", "scale", "bias")
    )
    if any(part.shape != x.shapes[0][1:] for part in (mean, variance, scale, bias)):
        raise ArchitectureMismatch(
            f"The statistics of a layer must have one number for each of its {x.shapes[0][1]} inputs; those of "
            f"{name!r} have not. Save the policy again."
        )
    factor = scale / (variance + source.data.batch_norm_eps).sqrt()
    scaled = build.live("Mul", x, Known.of(factor))
    return build.live("Add", scaled, Known.of(bias - mean * factor))


def _soft_outputs(source: Source, build: GraphBuilder, latent: Live) -> tuple[Live, Live]:
    """Mean and log_std of a Gaussian before its tanh; the deviation is a layer's or that of gSDE."""
    tensors = source.tensors
    if "actor.log_std" in tensors:
        mean = _bounded_mean(source, build, latent)
        return mean, _gsde(source, build, latent, mean, tensors["actor.log_std"])
    mean = linear(build, latent, layer_of(tensors, "actor.mu"))
    log_std = linear(build, latent, layer_of(tensors, "actor.log_std"))
    check_pair(mean, log_std)
    return mean, build.live("Clip", log_std, min=_SAC_LOG_STD[0], max=_SAC_LOG_STD[1])


def _bounded_mean(source: Source, build: GraphBuilder, latent: Live) -> Live:
    """Under gSDE the mean is clipped, unless `clip_mean` was 0: then its layer stands alone."""
    if "actor.mu.weight" in source.tensors:
        return linear(build, latent, layer_of(source.tensors, "actor.mu"))
    bound = source.data.clip_mean
    return build.live("Clip", linear(build, latent, layer_of(source.tensors, "actor.mu.0")), min=-bound, max=bound)


def deterministic_actor(source: Source) -> Head:
    """TD3 and DDPG: the actor, the tanh after whose last layer is left to the squash, and the critic."""
    features = _actor_features(source, ("actor.mu.0.weight",))
    hidden, last = sequential_of(source.tensors, "actor.mu")
    activation = source.activation("Relu", is_used=bool(hidden or source.critic))
    action = linear(features.build, perceptron(features.build, features.actor, hidden, activation), last)
    critic = critic_of(source, features, action.shapes[0][1], activation)
    return Head(features.build.finish(next_states=(), action=action, **critic), "tanh")


def random_search(source: Source) -> Head:
    """ARS: the numbers of an action, or scores of which the largest is played."""
    kind = source.data.action.kind
    if kind is None:
        raise UnsupportedArchitecture(
            "Weights of ARS must come with their zip, which says what their numbers are: actions or scores of actions. "
            "Upload the whole zip that model.save() writes."
        )
    hidden, last = _searched_layers(source.tensors)
    features = features_of(source, (), (), ("action_net.weight", "action_net.0.weight"))
    latent = perceptron(features.build, features.actor, hidden, source.activation("Relu", is_used=bool(hidden)))
    outputs = linear(features.build, latent, last)
    if kind == "Discrete":
        source.guesses.append("scores of ARS taken as Q-values: it plays the largest and has no probabilities")
        return Head(features.build.finish(q_values=outputs))
    squash = source.data.squash_output
    if squash is None:
        squash = source.data.policy_class != "ARSLinearPolicy"
    return Head(features.build.finish(action=outputs), "tanh" if squash else "none")


def _searched_layers(tensors: Mapping[str, Tensor]) -> tuple[list[Layer], Layer]:
    """The hidden layers and the last; a linear policy was one layer once, not a Sequential of it."""
    if "action_net.weight" in tensors:
        return [], layer_of(tensors, "action_net")
    return sequential_of(tensors, "action_net")


def _actor_features(source: Source, first: Sequence[str]) -> Features:
    """Those of the actor and, where the critic has an extractor of its own, of the critic."""
    own = {f"critic.{name}": tensor for name, tensor in source.critic.items() if name.startswith("features_extractor.")}
    both = replace(source, tensors={**source.tensors, **own})
    actor = ("actor.features_extractor",)
    return features_of(both, actor, ("critic.features_extractor", *actor), first)
