"""Which input of an ONNX graph is the observation and which are states, and which outputs the states become.

By the card, else by name, else by the order and the shapes that PyTorch's exporters write, recorded as a guess.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from onnx import GraphProto, ValueInfoProto

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies.builder import MAX_STATES
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_fixed import FIXED, has_one_a_row, likely_fixed, taken_as_fixed
from saddlepoint.policies.onnx_pairing import paired
from saddlepoint.policies.onnx_reader import only_reachable
from saddlepoint.policies.source import FLOATS
from saddlepoint.schemas.policies import CRITIC_OUTPUTS, HEAD_OUTPUTS, PolicyHints

_STATE, _NEXT = "state_", "next_state_"
_NO_STATES = frozenset({"value", *CRITIC_OUTPUTS, *(name for names in HEAD_OUTPUTS.values() for name in names)})
"""Outputs that the contract means something else by."""
_LEAST_SIDE = 8
"""Of a picture; states have fewer layers and parts."""
SAY_STATES = (
    'Name each in the card, both ways: {"inputs": {"observation": "obs", "state_0": "h_in"}, "outputs": '
    '{"next_state_0": "h_out"}}.'
)


@dataclass(frozen=True)
class Roles:
    """What the inputs of a file are."""

    observation: ValueInfoProto
    states: tuple[ValueInfoProto, ...]
    next_states: tuple[str, ...]
    """The output that each state becomes."""
    fixed: Mapping[str, int]
    """Inputs that are one number throughout, by their name in the file."""
    others: tuple[str, ...]
    """Further inputs that an output needs; nothing that is read may depend on them."""
    guesses: tuple[str, ...]


def roles_of(graph: GraphProto, hints: PolicyHints) -> Roles:
    """The roles of the inputs; UnsupportedArchitecture where they cannot be told."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs: dict[str, ValueInfoProto] = {item.name: item for item in graph.input if item.name not in weights}
    outputs: list[str] = [item.name for item in graph.output]
    fixed = {_present(inputs, hints.inputs[key], key): number for key, number in FIXED.items() if key in hints.inputs}
    likely = likely_fixed(inputs, frozenset(hints.inputs.values()))
    stated = _stated_states(inputs, outputs, hints)
    guesses: list[str] = []
    known = {*fixed, *likely, *stated}
    observation = _observation({name: inputs[name] for name in inputs if name not in known}, hints, guesses)
    guessed, told = taken_as_fixed(likely, inputs, observation)
    needed = {item.name for item in only_reachable(graph, outputs).input}
    open_names = needed - {observation.name, *stated, *fixed, *guessed}
    others = [item for name, item in inputs.items() if name in open_names]
    becoming = set(stated.values())
    free_outputs = [item for item in graph.output if item.name not in becoming]
    named = _NO_STATES | set(hints.outputs.values())
    of_states: list[str] = []
    stated |= _guessed_states(graph, others, free_outputs, observation, named, of_states)
    _check_taken(outputs, set(stated.values()))
    if not stated:  # a policy without memory means something else by a flag
        guessed, told = {}, {}
    guesses += [*(text for name, text in told.items() if name in needed), *of_states]
    return Roles(
        observation,
        tuple(inputs[name] for name in stated),
        tuple(stated.values()),
        fixed | guessed,
        tuple(name for name in inputs if name in needed - {observation.name, *stated, *fixed, *guessed}),
        tuple(guesses),
    )


def _present(inputs: Mapping[str, ValueInfoProto], name: str, role: str) -> str:
    if name not in inputs:
        raise UnsupportedArchitecture(
            f"The card says that {role!r} is the input {plain(name)!r}; this model has {_listed(inputs)}. "
            "Correct the name in the card's inputs."
        )
    return name


def _listed(names: Mapping[str, ValueInfoProto]) -> str:
    return f"{len(names)}: {', '.join(repr(plain(name)) for name in list(names)[:8])}"


def _observation(inputs: Mapping[str, ValueInfoProto], hints: PolicyHints, guesses: list[str]) -> ValueInfoProto:
    wanted = hints.inputs.get("observation", "observation" if "observation" in inputs else None)
    if wanted is None and len(inputs) == 1:
        return next(iter(inputs.values()))
    likely = [name for name in inputs if "obs" in name.lower()]
    if wanted is None and len(likely) == 1:
        guesses.append(f"input {plain(likely[0])!r} taken as the observation")
        wanted = likely[0]
    if wanted is None and _may_be_first(list(inputs.values())):
        wanted = next(iter(inputs))
        guesses.append(f"first input {plain(wanted)!r} taken as the observation")
    pictures = [name for name, item in inputs.items() if _is_picture(item)]
    if wanted is None and len(pictures) == 1:
        wanted = pictures[0]
        guesses.append(f"input {plain(wanted)!r}, the only picture, taken as the observation")
    if wanted is None or wanted not in inputs:
        raise UnsupportedArchitecture(
            f"A policy has one input called 'observation'; this model has {_listed(inputs)}. "
            'Say which it is in the card: {"inputs": {"observation": "<its name in the file>"}}.'
        )
    return inputs[wanted]


def _may_be_first(inputs: Sequence[ValueInfoProto]) -> bool:
    """Whether the inputs are one thing and then states of one shape, as PyTorch's recurrent layers take them."""
    kinds = {_sizes(item) for item in inputs[1:]}
    return len(kinds) == 1 and _sizes(inputs[0]) not in kinds and len(inputs) in (2, 3)


def _is_picture(item: ValueInfoProto) -> bool:
    """Whether an input has rows and columns, a batch and channels, and perhaps steps."""
    sizes = _sizes(item)
    return len(sizes) in (4, 5) and sum(size >= _LEAST_SIDE for size in sizes) >= 2


def _stated_states(inputs: Mapping[str, ValueInfoProto], outputs: Sequence[str], hints: PolicyHints) -> dict[str, str]:
    """Inputs of states to the outputs they become, by the card or by the names of the contract.

    A name in the file counts where its other half is there too: exporters take the names of inputs from the arguments
    of a function, and `state_in_0` becomes `state_out_0` elsewhere.
    """
    given = {*outputs, *hints.outputs}
    named = {key: _present(inputs, name, key) for key, name in hints.inputs.items() if key.startswith(_STATE)}
    free = inputs.keys() - hints.inputs.values() - named.keys()
    named |= {name: name for name in inputs if name in free and name.startswith(_STATE) and f"next_{name}" in given}
    if len(set(named.values())) < len(named):
        raise UnsupportedArchitecture(
            f"Every state is an input of its own; the card maps {len(named)} states to {len(set(named.values()))}. "
            "Correct the card's inputs."
        )
    found: dict[str, str] = {}
    for key in sorted(named, key=_numbered):
        then = f"{_NEXT}{key.removeprefix(_STATE)}"
        output = hints.outputs.get(then, then)
        if output not in outputs:
            raise UnsupportedArchitecture(
                f"A recurrent policy gives what each of its states becomes; {plain(key)!r} needs an output "
                f"{plain(then)!r}, and this model has none called {plain(output)!r}. {SAY_STATES}"
            )
        found[named[key]] = output
    orphans = [key for key in hints.outputs if key.startswith(_NEXT) and key.removeprefix("next_") not in named]
    if orphans:
        raise _not_taken(orphans[0])
    return found


def _check_taken(outputs: Sequence[str], becoming: Set[str]) -> None:
    """Raise UnsupportedArchitecture where the file gives a next state, by its name, that no input becomes."""
    for name in outputs:
        if name.startswith(_NEXT) and name not in becoming:
            raise _not_taken(name)


def _not_taken(name: str) -> UnsupportedArchitecture:
    return UnsupportedArchitecture(
        f"A recurrent policy takes every state that it gives; this model gives {plain(name)!r} and takes no "
        f"{plain(name.removeprefix('next_'))!r}. {SAY_STATES}"
    )


def _numbered(key: str) -> tuple[bool, int]:
    number = key.removeprefix(_STATE)
    is_number = number.isascii() and number.isdecimal() and len(number) < 6
    return not is_number, int(number) if is_number else 0


_NO_STATE_WORDS = ("mask", "action", "legal", "avail")
"""Of inputs whose shape some output of the policy has as well, such as its scores."""


def _guessed_states(
    graph: GraphProto,
    others: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    observation: ValueInfoProto,
    named: Set[str],
    guesses: list[str],
) -> dict[str, str]:
    """Further inputs as states, and as what they become the outputs of the same shapes in order, if those are as many.

    No `named` output is a state, and no input that is called a mask or an action. Next states stand side by side and
    leave outputs for the head: where they are not the last, one of several numbers a row, which a value is not.
    """
    states = [item for item in others if _may_be_state(item, observation)]
    if any(word in item.name.lower() for item in states for word in _NO_STATE_WORDS):
        return {}
    if len(states) > MAX_STATES:
        return {}
    pairs: dict[str, str] = {}
    for shape in dict.fromkeys(_sizes(item) for item in states):
        given = [item.name for item in states if _sizes(item) == shape]
        following = [item.name for item in outputs if _sizes(item) == shape]
        if len(following) < len(given):
            following = [item.name for item in outputs if _may_be(_sizes(item), shape)]
        if len(given) == len(following) and named.isdisjoint(following):
            pairs |= paired(graph, given, following)
    at = [index for index, item in enumerate(outputs) if item.name in pairs.values()]
    left = [item for item in outputs if item.name not in pairs.values()]
    is_last = at[-1:] == [len(outputs) - 1]
    is_enough = bool(left) if is_last else any(_is_wide(item, observation) for item in left)
    if not at or not is_enough or at != list(range(at[0], at[0] + len(at))):
        return {}
    pairs = {item.name: pairs[item.name] for item in states if item.name in pairs}
    told = ", ".join(f"{plain(state)!r} becoming {plain(output)!r}" for state, output in pairs.items())
    guesses.append(f"inputs taken as states by shape and order: {told}")
    return pairs


def _may_be(sizes: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether an output of these sizes may have that shape: exporters leave free what they do not work out."""
    return len(sizes) == len(shape) and all(one in (0, other) for one, other in zip(sizes, shape, strict=True))


def _may_be_state(item: ValueInfoProto, observation: ValueInfoProto) -> bool:
    """Whether an input holds numbers, and more than the one a row that rewards and flags have."""
    return item.type.tensor_type.elem_type in FLOATS and _is_wide(item, observation)


def _is_wide(item: ValueInfoProto, observation: ValueInfoProto) -> bool:
    return len(_sizes(item)) >= 2 and not has_one_a_row(item, observation)


def _sizes(item: ValueInfoProto) -> tuple[int, ...]:
    """The sizes of an input or output, 0 where they are free."""
    return tuple(size.dim_value for size in item.type.tensor_type.shape.dim)
