"""Which values of an ONNX graph are its head, and which is `value`: by the card, by name, else by shape, as a guess."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from onnx import GraphProto

from saddlepoint.errors import PolicyRejected, ResourceLimit, UnsupportedArchitecture
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value, rank_of
from saddlepoint.policies.lowering import Lowering
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_candidates import Candidate, Reader, with_batch, without_step
from saddlepoint.policies.onnx_critic import critic_of
from saddlepoint.policies.onnx_gaussians import gaussian_of, logarithm, twin_of
from saddlepoint.policies.shapes import Shape
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, CRITIC_OUTPUTS, DEVIATION, HEAD_OUTPUTS, Head, PolicyHints

_LOGIT_WORDS = ("logit", "policy", "action", "prob", "pi")
_MAX_LISTED = 8
_VALUE_WORDS = ("value", "critic", "vf")
_OWN: Mapping[str, Head] = {part: head for head, parts in HEAD_OUTPUTS.items() for part in parts}
_PARTS: Mapping[str, Head] = {**_OWN, DEVIATION: "gaussian"}
"""What the card may call an output of the head; a file is asked for the deviation by the logarithm of it."""
_SAY = (
    'Name the output in the card: {"outputs": {"logits": "<its name in the file>"}}, or q_values, action, or mean and '
    "log_std in place of logits."
)


@dataclass(frozen=True)
class Chosen:
    """The values to export, the names that those of the head have in the file, and what was guessed."""

    head: Mapping[str, Live]
    names: Sequence[str]
    outputs: Sequence[str]
    """The outputs of the file at or behind which these are."""
    value: Live | None
    critic: Live | None
    squash: Literal["none", "tanh"]
    fixed_deviation: bool
    is_logarithm_due: bool
    """Whether the file gives the deviation itself where `log_std` is due."""
    perhaps_gaussian: tuple[str, str] | None
    """See `PolicyCard`."""
    guesses: list[str]

    @property
    def width(self) -> int:
        """How many numbers a row each part of the head has."""
        return next(iter(self.head.values())).shapes[0][1]

    @property
    def lives(self) -> dict[str, Live]:
        """All of them, under the names of a canonical model."""
        others = {"value": self.value, "q_values": self.critic}
        return {**self.head, **{name: live for name, live in others.items() if live is not None}}


def choose_outputs(
    graph: GraphProto, lowering: Lowering, hints: PolicyHints, next_states: Sequence[str] = ()
) -> Chosen:
    """Find the head and `value` among the outputs that are no states; UnsupportedArchitecture where that fails."""
    outputs = [item.name for item in graph.output if item.name not in next_states]
    reader = Reader(graph, lowering)
    guesses: list[str] = []
    candidates = reader.candidates(outputs)
    stated = _stated(reader, candidates, outputs, hints, guesses)
    is_fixed = False
    if stated is None:
        head = _guessed(reader, candidates, outputs, guesses)
    else:
        head, is_fixed = _named_head(reader, stated, guesses)
    kind = _PARTS[next(iter(head))]
    if hints.squash == "tanh" and kind != "gaussian":
        raise UnsupportedArchitecture(
            f"squash 'tanh' is of a Gaussian, whose action is the tanh of a sample; this policy gives {kind}. Export "
            "'mean' before the tanh, with 'log_std', or leave squash out and export 'action' in the units of the "
            "environment."
        )
    used = {item.name for item in head.values()} | {item.output for item in head.values()}
    others = [item for item in candidates if item.output not in used]
    value = _value(reader, others, outputs, hints, guesses)
    _tell_memory(reader, outputs, used, guesses, has_states=bool(next_states))
    lives = {part: item.live for part, item in head.items()}
    names, told = [item.name for item in head.values()], [item.output for item in head.values()]
    critic = critic_of(reader, outputs, lives["logits"].shapes[0][1], hints, guesses) if kind == "logits" else None
    is_due = stated is not None and DEVIATION in stated
    twin = twin_of(reader, outputs, head["logits"]) if stated is None and kind == "logits" else None
    pair = (plain(told[0]), plain(twin)) if twin is not None else None
    return Chosen(lives, names, told, value, critic, hints.squash or "none", is_fixed, is_due, pair, guesses)


def _stated(
    reader: Reader, candidates: Sequence[Candidate], names: Sequence[str], hints: PolicyHints, guesses: list[str]
) -> dict[str, str] | None:
    """The parts of the head with their names in the file, as the card says or the file's own names do."""
    told = {part: name for part, name in hints.outputs.items() if part in _PARTS}
    if "logits" in told:
        told.pop("q_values", None)  # these are then its critic
    if len({_PARTS[part] for part in told}) > 1:
        raise UnsupportedArchitecture(
            f"A policy has one head; the card's outputs name {sorted(told)}. Keep logits, or q_values, or action, or "
            "mean and log_std."
        )
    if {"log_std", DEVIATION} <= set(told):
        raise UnsupportedArchitecture(
            "A Gaussian has one deviation; the card's outputs name both 'log_std' and 'std'. Keep log_std where the "
            "file gives the logarithm, std where it gives the deviation itself."
        )
    own = {part: part for part in _OWN if part in names and part not in told and not _is_choice(reader, part)}
    heads = dict.fromkeys(_PARTS[part] for part in told) or dict.fromkeys(_PARTS[part] for part in own)
    known = {**own, **told}
    complete = [head for head in HEAD_OUTPUTS if head in heads and all(part in known for part in HEAD_OUTPUTS[head])]
    if complete and DEVIATION not in told:
        return {part: known[part] for part in HEAD_OUTPUTS[complete[0]]}
    pair = gaussian_of(reader, candidates, names, told, guesses)
    if pair is not None:
        return pair
    if heads:
        there = sorted(set(known) & {"mean", "log_std", DEVIATION})
        constants = [name for name in names if there == ["mean"] and _is_log(reader, name)]
        if len(constants) == 1:
            guesses.append(f"output {plain(constants[0])!r}, the same at every observation, taken as log_std")
            return {"mean": known["mean"], "log_std": constants[0]}
        raise UnsupportedArchitecture(
            f"A Gaussian has the outputs 'mean' and 'log_std'; this model has {there} only. Export both, name them in "
            'the card, with std for a deviation itself: {"outputs": {"mean": "<its name in the file>", "std": "<its '
            'name>"}}, or take the mean as the action: {"outputs": {"action": "mean"}}.'
        )
    return None


def _is_log(reader: Reader, name: str) -> bool:
    """Whether an output is constant and, being negative somewhere, the logarithm of a deviation, not one itself.

    PyTorch's older exporter gives outputs that it folds a name of its own.
    """
    try:
        value = reader.lowering.value(name)
    except ResourceLimit:
        raise
    except PolicyRejected:
        return False
    return isinstance(value, Known) and value.at[0].is_floating_point() and bool((value.at[0] < 0).any())


def _is_choice(reader: Reader, part: str) -> bool:
    """Whether the output called `action` is one of discrete actions, chosen from scores."""
    return part == "action" and reader.behind(part)[1]


def _named_head(reader: Reader, stated: Mapping[str, str], guesses: list[str]) -> tuple[dict[str, Candidate], bool]:
    """The values of these names, and whether a `log_std` among them is the same at every observation."""
    found: dict[str, Candidate] = {}
    is_fixed = False
    for role, output in stated.items():
        name, is_choice = (output, False) if _PARTS[role] in CONTINUOUS_HEADS else reader.behind(output)
        value = _value_of(reader, role, name)
        part = "log_std" if role == DEVIATION else role
        if role == DEVIATION:
            value = logarithm(reader.lowering.build, value, stated)
        if isinstance(value, Known) and part == "log_std":
            value, is_fixed = _at_every_row(reader.lowering.build, found["mean"].live, value), True
        live = without_step(reader.lowering.build, value) if isinstance(value, Live) else None
        if live is None or not _is_part(part, live.shapes):
            raise UnsupportedArchitecture(_unfit(role, value))
        found[part] = Candidate(output, name, live, is_choice)
        if is_choice:
            guesses.append(_told(found[part], part))
        if part == "logits":
            found[part] = _scores(reader, found[part], guesses)
    if len({item.live.shapes for item in found.values()}) > 1:
        widths = {part: item.live.shapes[0][1] for part, item in found.items()}
        raise UnsupportedArchitecture(
            f"'mean' and 'log_std' have one number each per number of an action; this model's rows have {widths}. "
            f"Correct the network or the card's outputs. {_SAY}"
        )
    return found, is_fixed


def _value_of(reader: Reader, part: str, name: str) -> Value:
    if name not in reader and part not in ("log_std", DEVIATION):
        raise UnsupportedArchitecture(f"The model has no output called {plain(name)!r}. {_SAY}")
    return reader.lowering.value(name)


def _unfit(part: str, value: Value) -> str:
    shape = list(value.shapes[0][1:]) if isinstance(value, Live) else "that do not depend on the observation"
    least = "" if _PARTS[part] in CONTINUOUS_HEADS else " with A of 2 or more"
    per = "one number per number of an action, (N, D)" if _PARTS[part] in CONTINUOUS_HEADS else "one per action, (N, A)"
    return f"{part!r} has one row per observation with {per}{least}; this output has rows of shape {shape}. {_SAY}"


def _at_every_row(build: GraphBuilder, mean: Live, deviation: Known) -> Value:
    """A constant log_std of one action, beside every row of `mean`: added to a zero of its shape."""
    width = mean.shapes[0][1]
    first, second = (tensor.reshape(-1, width) if tensor.numel() % width == 0 else tensor for tensor in deviation.at)
    if first.numel() == 1:
        first = second = first.reshape(1, 1)
    is_row = first.ndim == 2 and len(first) and first.shape[1] in (1, width)
    is_same = is_row and all(torch.equal(t, first[:1].expand_as(t)) for t in (first, second))
    if not is_same:
        return deviation
    zero = build.live("Mul", mean, Known.of(torch.tensor(0.0)))
    return build.live("Add", zero, Known.of(first[0].float()))


def _is_part(part: str, shapes: tuple[Shape, Shape]) -> bool:
    least = 1 if _PARTS[part] in CONTINUOUS_HEADS else 2
    return len(shapes[0]) == 2 and shapes == with_batch((None, shapes[0][1])) and shapes[0][1] >= least


def _is_value(shapes: tuple[Shape, Shape]) -> bool:
    return shapes in (with_batch((None,)), with_batch((None, 1)), with_batch((1, None)))


def _guessed(
    reader: Reader, candidates: list[Candidate], names: Sequence[str], guesses: list[str]
) -> dict[str, Candidate]:
    action = _action(reader, candidates, names)
    if action is not None:
        guesses.append(
            f"output {plain(action.output)!r} taken as action, in the units of the environment"
            + (" although it ends in a tanh" if reader.ends_in_tanh(action.name) else "")
        )
        return {"action": action}
    chosen = _best(reader, candidates)
    guesses.append(_told(chosen))
    return {"logits": _scores(reader, chosen, guesses)}


def _scores(reader: Reader, chosen: Candidate, guesses: list[str]) -> Candidate:
    """What the chosen output is the softmax of, or itself."""
    scores = reader.before_softmax(chosen)
    if scores is not chosen:
        guesses.append("probabilities replaced by the logits they are the softmax of")
    return scores


def _action(reader: Reader, candidates: list[Candidate], names: Sequence[str]) -> Candidate | None:
    """A continuous action: the one output behind a tanh (SB3's SAC and TD3), or beside a value and a log-probability.

    The latter is what SB3's PPO gives (https://stable-baselines3.readthedocs.io/en/master/guide/export.html), with the
    action being the mean, so that its log-probability is one of the mode.
    """
    rows = [item for item in candidates if _is_part("action", item.live.shapes)]
    wide = [item for item in rows if not _is_value(item.live.shapes)] or rows[:1]
    if len(wide) != 1 or any(item.is_choice for item in candidates):
        return None
    action = wide[0]
    others = [item for item in candidates if item is not action]
    if reader.ends_in_tanh(action.name) and all(_is_value(item.live.shapes) for item in others):
        return action
    is_triple = len(names) == 3 and action.output == names[0] and reader.is_of_the_mode(names[2])
    return action if is_triple else None


def _told(chosen: Candidate, part: str = "logits") -> str:
    output = repr(plain(chosen.output))
    if chosen.is_choice:
        return f"{part} taken from before the choice of an action behind the output {output}"
    return f"output {output} taken as {part}"


def _best(reader: Reader, candidates: list[Candidate]) -> Candidate:
    scores = [item for item in candidates if _is_part("logits", item.live.shapes)]
    choices = [item for item in scores if item.is_choice]
    heads = [item for item in scores if not reader.is_memory(item.name)]
    flat = [item for item in heads if rank_of(reader.lowering.value(item.name)) == 2]
    for group in (choices, scores, heads, flat, *(_named(scores, word) for word in _LOGIT_WORDS)):
        if len(group) == 1:
            return group[0]
    if not scores and reader.first_error is not None:
        raise reader.first_error
    raise UnsupportedArchitecture(
        f"A policy has one float output of shape (N, A), one number per action; {len(scores)} outputs of this model "
        f"could be that{_listed(scores)}. {_SAY}"
    )


def _listed(candidates: Sequence[Candidate]) -> str:
    names = ", ".join(repr(plain(item.output)) for item in candidates[:_MAX_LISTED])
    return f": {names}" if names else ""


def _tell_memory(
    reader: Reader, outputs: Sequence[str], used: set[str], guesses: list[str], *, has_states: bool
) -> None:
    """What the model would carry on, were its states among its inputs."""
    given = [repr(plain(name)) for name in outputs if name not in used and reader.is_memory(name)]
    if given:
        guesses.append(
            f"no memory is carried from step to step: the model gives the state of a recurrent layer ({given[0]}) and "
            "takes none; to carry it, export it as an input too"
        )
    elif not has_states and reader.forgets():
        guesses.append(
            "no memory is carried from step to step: a recurrent layer starts every step from the same state; to carry "
            "it, export it as an input and an output"
        )


def _named(candidates: list[Candidate], word: str) -> list[Candidate]:
    return [item for item in candidates if word in item.output.lower()]


def _value(
    reader: Reader, others: list[Candidate], names: Sequence[str], hints: PolicyHints, guesses: list[str]
) -> Live | None:
    """The value of each row, (N,)."""
    live = _value_found(reader, others, names, hints, guesses)
    if live is None or live.shapes == with_batch((None,)):
        return live
    return reader.lowering.build.live("Reshape", live, shape=(-1,))


def _value_found(
    reader: Reader, others: list[Candidate], names: Sequence[str], hints: PolicyHints, guesses: list[str]
) -> Live | None:
    stated = hints.outputs.get("value", "value" if "value" in names else None)
    if stated is not None:
        return _stated_value(reader, stated)
    others = [item for item in others if item.output not in CRITIC_OUTPUTS]
    fitting = [item for item in others if not item.is_choice and _is_value(item.live.shapes)]
    columns = [item for item in fitting if rank_of(item.live) == 2]
    for group in (*(_named(fitting, word) for word in _VALUE_WORDS), fitting, columns):
        if len(group) == 1:
            guesses.append(f"output {plain(group[0].output)!r} taken as value")
            return group[0].live
    return None


def _stated_value(reader: Reader, name: str) -> Live:
    found = reader.lowering.value(name) if name in reader else None
    live = without_step(reader.lowering.build, found) if isinstance(found, Live) else None
    if live is None or not _is_value(live.shapes):
        raise UnsupportedArchitecture(
            "'value' has one number per observation, (N,) or (N, 1); this model has no such output of that name. "
            "Correct or leave out the entry 'value' of the card's outputs."
        )
    return live
