"""Inputs of an ONNX graph that are one number throughout: a step is one of an episode that goes on.

By the card, under the names of the roles, else by the file's own names, recorded as a guess.
"""

from collections.abc import Mapping

from onnx import TensorProto, ValueInfoProto

from saddlepoint.policies.naming import plain
from saddlepoint.policies.source import FLOATS

FIXED: Mapping[str, int] = {"seq_lens": 1, "episode_start": 0, "continues": 1}
"""What each role is at every step: no episode begins within a step, which is a sequence of one."""
_ANY_STEPS = [0, 0]
"""The sizes of what has one number for each step of each row, as many as there are."""
_INTEGERS = frozenset({TensorProto.INT32, TensorProto.INT64})
_FLAGS = frozenset({TensorProto.BOOL, TensorProto.UINT8}) | _INTEGERS | FLOATS
_NAMES: Mapping[str, frozenset[str]] = {
    "seq_lens": frozenset({"seqlen", "seqlens"}),
    "episode_start": frozenset(
        {
            *("done", "dones", "isdone", "lastdone", "lastdones", "nextdone", "nextdones", "prevdone", "prevdones"),
            *("episodestart", "episodestarts", "first", "isfirst", "isinit", "reset", "resets"),
            *("isterminal", "terminal", "terminals", "terminated"),
        }
    ),
    "continues": frozenset(
        {"continue", "continues", "mask", "masks", "nonterminal", "nonterminals", "notdone", "notdones"}
    ),
}
"""What files call them, without underscores."""
_ELEMENTS: Mapping[str, frozenset[int]] = {"seq_lens": _INTEGERS, "episode_start": _FLAGS, "continues": _FLAGS}


def likely_fixed(inputs: Mapping[str, ValueInfoProto], stated: frozenset[str]) -> dict[str, str]:
    """The inputs of whose names the card says nothing that are called as these are and narrow, with their roles."""
    roles = {name: _role(item) for name, item in inputs.items() if name not in stated and _may_be_narrow(item)}
    found = {name: role for name, role in roles.items() if role is not None}
    return found if len(found) < len(inputs) else {}


def taken_as_fixed(
    likely: Mapping[str, str], inputs: Mapping[str, ValueInfoProto], observation: ValueInfoProto
) -> tuple[dict[str, int], dict[str, str]]:
    """Those of them that have one number for each row of the observation, with that number, and what to say of each."""
    taken = {name: role for name, role in likely.items() if has_one_a_row(inputs[name], observation)}
    told = {
        name: f"input {plain(name)!r} taken as {FIXED[role]} at every step ({role})" for name, role in taken.items()
    }
    return {name: FIXED[role] for name, role in taken.items()}, told


def has_one_a_row(item: ValueInfoProto, observation: ValueInfoProto) -> bool:
    """Whether an input has one number for each row of the observation: (N,), (N, 1), (steps, N) and the like."""
    rows = _sizes(observation)
    batch = rows[0] if len(rows) > 1 else 1
    if len(rows) > 2 and _sizes(item) == rows[:2] == _ANY_STEPS:
        return True
    return all(size in (0, 1, batch) for size in _sizes(item)) and _is_narrow(item)


def _may_be_narrow(item: ValueInfoProto) -> bool:
    return _is_narrow(item) or _sizes(item) == _ANY_STEPS


def _is_narrow(item: ValueInfoProto) -> bool:
    return sum(size != 1 for size in _sizes(item)) < 2


def _role(item: ValueInfoProto) -> str | None:
    """By its name, without what TensorFlow writes around it, `policy/seq_lens:0`."""
    name = item.name.rsplit("/", 1)[-1].split(":", 1)[0].lower().replace("_", "")
    element = item.type.tensor_type.elem_type
    return next((role for role, names in _NAMES.items() if name in names and element in _ELEMENTS[role]), None)


def _sizes(item: ValueInfoProto) -> list[int]:
    return [size.dim_value for size in item.type.tensor_type.shape.dim]
