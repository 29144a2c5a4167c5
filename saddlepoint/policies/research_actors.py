"""Actors of research code that many others copied, by the names that it gives its layers: ReLU, and a tanh in the end.

The TD3 of Fujimoto et al. 2018 (github.com/sfujim/TD3), and the SAC of github.com/pranz24/pytorch-soft-actor-critic.
"""

from dataclasses import dataclass

from saddlepoint.policies.architectures import layer_of, linear, perceptron
from saddlepoint.policies.found import Found
from saddlepoint.policies.gaussians import check_pair
from saddlepoint.policies.named_weights import Weights

_LOG_STD = (-20.0, 2.0)
"""LOG_SIG_MIN and LOG_SIG_MAX of that SAC."""


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
        return None
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
