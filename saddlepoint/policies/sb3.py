"""Zips of Stable-Baselines3 and sb3-contrib, read without executing anything of theirs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, PolicyRejected, UnsupportedArchitecture
from saddlepoint.policies.archives import Archive, check_count
from saddlepoint.policies.found import Found
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.naming import plain
from saddlepoint.policies.pickles import read_torch_file, state_dict_in
from saddlepoint.policies.sb3_data import Sb3Data, Space, read_data
from saddlepoint.policies.sb3_features import check_extractor_names, has_pictures
from saddlepoint.policies.sb3_heads import (
    actor_critic,
    deep_q,
    deterministic_actor,
    quantile_q,
    random_search,
    renormalized_actor,
    soft_actor,
)
from saddlepoint.policies.sb3_source import WAY_OUT, Head, Source
from saddlepoint.policies.torch_legacy import is_legacy, read_legacy
from saddlepoint.policies.torch_lstm import TENSORS
from saddlepoint.policies.torch_pickles import SAVE_AGAIN
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, PolicyHints

_WEIGHTS = "policy.pth"
_TAKEN = "PPO, RecurrentPPO, A2C, TRPO, DQN, QR-DQN, SAC, TQC, CrossQ, TD3, DDPG and ARS"
_ONE_BOX = "Train on one Box of observations (gymnasium.wrappers.FlattenObservation makes one of most spaces)."
_REFUSED = (
    (
        r".*\bfeatures_extractor\.extractors\.",
        "a policy over a dict of observations (MultiInputPolicy)",
        _ONE_BOX,
    ),
)
"""Names of tensors, the policies that they belong to, and what to do with those."""
_FOREIGN_WAY_OUT = (
    "If it changes nothing but settings, make the model with SB3's own class and these as policy_kwargs, give it the "
    "weights with set_parameters() and save that."
)
_MODEL_AGAIN = "Load the model with a recent Stable-Baselines3 and save it again with model.save()."
_EXTRACTOR = r"features_extractor\.(cnn\.[024]|linear\.0)"
_ACTOR_CRITIC = re.compile(
    rf"((mlp_extractor\.(shared|policy|value)_net\.\d+|action_net|value_net|critic|((pi|vf)_)?{_EXTRACTOR})"
    rf"\.(weight|bias)|log_std|lstm_actor\.{TENSORS})$"
)


@dataclass(frozen=True)
class _Kind:
    """One kind of network: how it is told, the tensors that it has, those that play no part in acting, its reader."""

    sign: str
    known: re.Pattern[str]
    idle: tuple[str, ...]
    read: Callable[[Source], Head]


_KINDS = (
    _Kind(
        r"lstm_critic\.",
        _ACTOR_CRITIC,
        ("lstm_critic.", "mlp_extractor.value_net.", "value_net."),
        actor_critic,
    ),
    _Kind(r"value_net\.weight$", _ACTOR_CRITIC, (), actor_critic),
    _Kind(
        r"q_net\.(q_net|features_extractor)\.",
        re.compile(rf"q_net\.(q_net\.\d+|{_EXTRACTOR})\.(weight|bias)$"),
        ("q_net_target.",),
        deep_q,
    ),
    _Kind(
        r"quantile_net\.(quantile_net|features_extractor)\.",
        re.compile(rf"quantile_net\.(quantile_net\.\d+|{_EXTRACTOR})\.(weight|bias)$"),
        ("quantile_net_target.",),
        quantile_q,
    ),
    _Kind(
        r"actor\.latent_pi\.\d+\.ra_mean$",
        re.compile(
            rf"actor\.((latent_pi\.\d+|mu(\.0)?|log_std|{_EXTRACTOR})\.(weight|bias)|log_std"
            r"|latent_pi\.\d+\.(scale|ra_mean|ra_var|steps))$"
        ),
        ("critic.",),
        renormalized_actor,
    ),
    _Kind(
        r"actor\.(log_std|latent_pi)",
        re.compile(rf"actor\.((latent_pi\.\d+|mu(\.0)?|log_std|{_EXTRACTOR})\.(weight|bias)|log_std)$"),
        ("critic.", "critic_target."),
        soft_actor,
    ),
    _Kind(
        r"actor\.mu\.\d",
        re.compile(rf"actor\.(mu\.\d+|{_EXTRACTOR})\.(weight|bias)$"),
        ("actor_target.", "critic.", "critic_target."),
        deterministic_actor,
    ),
    _Kind(r"action_net\.", re.compile(r"action_net\.(\d+\.)?(weight|bias)$"), (), random_search),
)


def is_sb3(archive: Archive, start: str = "") -> bool:
    """Whether the zip has the two entries that every SB3 model has, `start` before their names."""
    return f"{start}data" in archive and f"{start}{_WEIGHTS}" in archive


def from_sb3(archive: Archive, hints: PolicyHints) -> Found:
    """The policy in an SB3 zip; UnsupportedArchitecture for what is none of `_KINDS`."""
    check_count(archive)
    data = read_data(archive.read("data"))
    source = Source(_weights(archive), data, hints, [])
    found = _found(source)
    return replace(found, contents=_contents(archive, data, found.contents))


def _weights(archive: Archive) -> Mapping[str, Tensor]:
    """The tensors of `policy.pth`, which no user writes by hand: a refusal says what to do with the model."""
    try:
        data = archive.read(_WEIGHTS)
        saved = state_dict_in(read_legacy(data)) if is_legacy(data) else read_torch_file(data)
        return saved.tensors
    except PolicyRejected as error:
        raise type(error)(error.message.replace(SAVE_AGAIN, _MODEL_AGAIN)) from error


def has_sb3_names(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are the weights of an SB3 policy, out of its zip."""
    return _kind_of(tensors) is not None


def from_sb3_weights(tensors: Mapping[str, Tensor], hints: PolicyHints, file_format: str) -> Found:
    """The policy of a bare `policy.pth`, which says nothing but its weights."""
    return replace(_found(Source(tensors, read_data(b"{}"), hints, [])), format=file_format)


def _kind_of(tensors: Mapping[str, Tensor]) -> _Kind | None:
    return next((kind for kind in _KINDS if any(re.match(kind.sign, name) for name in tensors)), None)


def _found(source: Source) -> Found:
    _check_taken(source)
    kind = _kind_of(source.tensors)
    if kind is None:
        raise UnsupportedArchitecture(
            f"SB3 zips may hold policies of {_TAKEN}; the weights of this one are of none. {WAY_OUT}"
        )
    acting = {name: tensor for name, tensor in source.tensors.items() if not name.startswith(kind.idle)}
    _check_names(acting, kind)
    critic = _critic(source.tensors) if "critic." in kind.idle else {}
    head = kind.read(replace(source, tensors=acting, critic=critic))
    _check_actions(head.graph, source.data.action)
    if source.data.policy_class is not None and source.data.policy_class.startswith("Maskable"):
        source.guesses.append("action masks are not applied: the environment does not hand them out")
    space = source.data.observation
    return Found(
        head.graph,
        "sb3-zip",
        "nature-cnn" if has_pictures(source) else "mlp",
        [_counted(len(source.tensors), len(acting) + (len(critic) if head.graph.takes_action else 0))],
        source.guesses,
        observation_space=_stated(space),
        action_space=_stated_actions(source.data.action),
        bounds=(space.low, space.high),
        squash=head.squash,
        fixed_deviation=head.fixed_deviation,
    )


def _check_taken(source: Source) -> None:
    """Raise UnsupportedArchitecture for policies that are known to be of another kind."""
    data = source.data
    for part, meaning, way_out in _REFUSED:
        if any(re.match(part, name) for name in source.tensors):
            raise UnsupportedArchitecture(f"SB3 zips may hold policies of {_TAKEN}; this is {meaning}. {way_out}")
    if data.foreign_policy is not None:
        raise UnsupportedArchitecture(
            "The class of an SB3 policy must be one of SB3's own, since code of another is not read; this one is from "
            f"the module {plain(data.foreign_policy)!r}. {_FOREIGN_WAY_OUT} {WAY_OUT}"
        )
    if data.action.kind not in (None, "Discrete", "Box"):
        raise UnsupportedArchitecture(
            f"The actions of a policy must be a Discrete or a Box space; this one has a {data.action.kind} space. "
            "Train on an environment whose actions are one of these; a wrapper can number the combinations of several "
            "choices."
        )
    if data.observation.kind not in (None, "Box"):
        raise UnsupportedArchitecture(
            f"Observations must be a Box, since an attack moves numbers; this policy takes a {data.observation.kind} "
            f"space. {_ONE_BOX}"
        )


def _check_names(tensors: Mapping[str, Tensor], kind: _Kind) -> None:
    """A tensor that no layer we know uses would change what the network computes."""
    check_extractor_names(list(tensors))
    unknown = [name for name in tensors if not kind.known.match(name)]
    if unknown:
        raise UnsupportedArchitecture(
            f"The layers of an SB3 policy must be SB3's own; {plain(unknown[0])!r} is none of those. {WAY_OUT}"
        )


def _check_actions(graph: Graph, space: Space) -> None:
    """Raise ArchitectureMismatch where the file contradicts its weights."""
    is_continuous = graph.head in CONTINUOUS_HEADS
    if space.kind is not None and is_continuous != (space.kind == "Box"):
        raise ArchitectureMismatch(
            f"The weights of a policy must fit its action space; these give {graph.head} and the file says "
            f"{space.kind}. Save the model again."
        )
    said = space.n if not is_continuous else prod(space.shape) if space.shape is not None else None
    if said not in (None, graph.actions):
        raise ArchitectureMismatch(
            f"The action layer must have one output per action; the file says {said} actions and its weights "
            f"give {graph.actions}. Save the model again."
        )


def _critic(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("critic."): tensor for name, tensor in tensors.items() if name.startswith("critic.")}


def _counted(tensors: int, read: int) -> str:
    idle = tensors - read
    return f"{read} tensors: read" + (f"; {idle} of critics and target networks: ignored" if idle else "")


def _contents(archive: Archive, data: Sb3Data, weights: list[str]) -> list[str]:
    lines = [
        f"data: plain text read; {data.dropped} pickled objects dropped unread",
        *(f"{_WEIGHTS}: {line}" for line in weights),
    ]
    if data.policy_class is not None:
        lines.append(f"policy class, as the file says: {data.policy_class}")
    return lines + [f"{plain(name)}: ignored" for name in archive.names if name not in ("data", _WEIGHTS)]


def _stated(space: Space) -> dict[str, object] | None:
    if space.kind is None:
        return None
    shape = None if space.shape is None else list(space.shape)
    return {"kind": space.kind, "shape": shape, "dtype": space.dtype, "low": space.low, "high": space.high}


def _stated_actions(space: Space) -> dict[str, object] | None:
    """With the bounds of each number where they differ, since a policy's numbers mean what they lie between."""
    if space.kind == "Discrete":
        return {"kind": space.kind, "n": space.n, "start": space.start}
    stated = _stated(space)
    bounds = {"low": (space.low, space.lows), "high": (space.high, space.highs)}
    return stated and stated | {key: each if shared is None else shared for key, (shared, each) in bounds.items()}
