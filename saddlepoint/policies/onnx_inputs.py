"""Which input of an ONNX graph is the observation and which are states, and which outputs the states become.

By the card, else by name, else by the order and the shapes that PyTorch's exporters write, recorded as a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import GraphProto, ValueInfoProto

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_fixed import FIXED, likely_fixed, taken_as_fixed
from saddlepoint.policies.onnx_pairing import in_order
from saddlepoint.policies.onnx_reader import only_reachable
from saddlepoint.policies.source import FLOATS
from saddlepoint.schemas.policies import PolicyHints

_STATE, _NEXT = "state_", "next_state_"
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
    free = {name: item for name, item in inputs.items() if name not in {*fixed, *likely, *stated}}
    observation = _observation(free, hints, guesses)
    guessed, told = taken_as_fixed(likely, inputs, observation)
    fixed |= guessed
    needed = {item.name for item in only_reachable(graph, outputs).input}
    guesses.extend(text for name, text in told.items() if name in needed)
    if not stated:
        others = needed - {observation.name, *fixed}
        stated = _guessed_states(graph, [item for name, item in inputs.items() if name in others], guesses)
    _check_taken(outputs, stated)
    taken = {observation.name, *stated, *fixed}
    return Roles(
        observation,
        tuple(inputs[name] for name in stated),
        tuple(stated.values()),
        fixed,
        tuple(name for name in inputs if name in needed - taken),
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


def _check_taken(outputs: Sequence[str], states: Mapping[str, str]) -> None:
    """Raise UnsupportedArchitecture where the file gives a next state, by its name, that no input becomes."""
    for name in outputs:
        if name.startswith(_NEXT) and name not in states.values():
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


def _guessed_states(graph: GraphProto, states: Sequence[ValueInfoProto], guesses: list[str]) -> dict[str, str]:
    """The last outputs as the next states, if they and no others have the shapes of the further inputs, in order."""
    outputs = list(graph.output)
    shapes = [_sizes(item) for item in states]
    first, last = outputs[: -len(states) or None], outputs[len(outputs) - len(states) :]
    is_plain = all(item.type.tensor_type.elem_type in FLOATS and len(_sizes(item)) >= 2 for item in states)
    fits = [_sizes(item) for item in last] == shapes and not any(_sizes(item) in shapes for item in first)
    if not states or not first or not is_plain or not fits:
        return {}
    names = [item.name for item in states]
    pairs = dict(zip(names, in_order(graph, names, [item.name for item in last]), strict=True))
    told = ", ".join(f"{plain(state)!r} becoming {plain(output)!r}" for state, output in pairs.items())
    guesses.append(f"inputs taken as states by shape and order: {told}")
    return pairs


def _sizes(item: ValueInfoProto) -> tuple[int, ...]:
    """The sizes of an input or output, 0 where they are free."""
    return tuple(size.dim_value for size in item.type.tensor_type.shape.dim)
