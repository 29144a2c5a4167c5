"""Which value of an ONNX graph is `logits`, and which is `value`: by name, else by shape, recorded as a guess."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import GraphProto, NodeProto

from saddlepoint.errors import PolicyRejected, ResourceLimit, UnsupportedArchitecture
from saddlepoint.policies.builder import Live, rank_of
from saddlepoint.policies.lowering import Lowering, producers
from saddlepoint.policies.naming import plain
from saddlepoint.policies.shapes import Shape
from saddlepoint.schemas.policies import PolicyHints

_CHOICES = frozenset({"ArgMax", "Multinomial", "TopK"})
"""Operators that turn scores into an action; the scores are their first input."""
_CARRIERS = frozenset(
    {"Cast", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators that exporters put between the choice and the output."""
_NOISE = frozenset({"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli"})
_CONTINUOUS = frozenset({"mean", "log_std", "action"})
_LOGIT_WORDS = ("logit", "policy", "action", "prob", "pi")
_VALUE_WORDS = ("value", "critic", "vf")
_SAY = 'Name the output in the card: {"outputs": {"logits": "<its name in the file>"}}.'


@dataclass(frozen=True)
class Chosen:
    """The values to export, the name that `logits` has in the file, and what was guessed."""

    logits: Live
    value: Live | None
    logits_name: str
    guesses: list[str]


@dataclass(frozen=True)
class _Candidate:
    """An output of the file: the value at or behind it, and whether an action was chosen from that value."""

    output: str
    name: str
    live: Live
    is_choice: bool


def choose_outputs(graph: GraphProto, lowering: Lowering, hints: PolicyHints) -> Chosen:
    """Find `logits` and `value`; UnsupportedArchitecture where they cannot be told."""
    names = [item.name for item in graph.output]
    graph_reader = _Reader(graph, lowering)
    stated = hints.outputs.get("logits", "logits" if "logits" in names else None)
    _check_contract(names, hints, stated)
    candidates = graph_reader.candidates(names)
    if stated is not None:
        chosen = graph_reader.stated(stated)
        guesses: list[str] = []
    else:
        chosen = _best(candidates, graph_reader.first_error)
        guesses = [_told(chosen)]
    name, live = (chosen.name, chosen.live) if stated else graph_reader.before_softmax(chosen, guesses)
    value = _value(graph_reader, [item for item in candidates if item.output != chosen.output], names, hints, guesses)
    return Chosen(live, value, name, guesses)


def _check_contract(names: Sequence[str], hints: PolicyHints, stated: str | None) -> None:
    if stated is not None:
        return
    if "q_values" in names or "q_values" in hints.outputs:
        raise UnsupportedArchitecture(
            "Policies over q_values are not taken yet. If softmax of the values is meant as the policy, state it in "
            'the card: {"outputs": {"logits": "q_values"}}.'
        )
    if _CONTINUOUS.intersection(names) or _CONTINUOUS.intersection(hints.outputs):
        raise UnsupportedArchitecture(
            f"Policies for continuous actions are not taken yet; a policy must choose among discrete actions. {_SAY}"
        )


def _told(chosen: _Candidate) -> str:
    output = repr(plain(chosen.output))
    if chosen.is_choice:
        return f"logits taken from before the choice of an action behind the output {output}"
    return f"output {output} taken as logits"


class _Reader:
    """Looks behind the outputs of one graph."""

    def __init__(self, graph: GraphProto, lowering: Lowering) -> None:
        self._lowering = lowering
        self._producers = producers(graph)
        self.first_error: PolicyRejected | None = None

    def candidates(self, names: Sequence[str]) -> list[_Candidate]:
        """The outputs that can be computed; why the first other one cannot is kept in `first_error`."""
        found = []
        for output in names:
            try:
                name, is_choice = self._behind(output)
                value = self._lowering.value(name)
            except ResourceLimit:
                raise
            except PolicyRejected as error:
                self.first_error = self.first_error or error
                continue
            if isinstance(value, Live):
                found.append(_Candidate(output, name, value, is_choice))
        return found

    def stated(self, name: str) -> _Candidate:
        """The value that the user, or its own name, says is the logits."""
        if name not in self._producers:
            raise UnsupportedArchitecture(f"The model has no output called {plain(name)!r}. {_SAY}")
        value = self._lowering.value(name)
        if not isinstance(value, Live) or not _is_scores(value.shapes):
            shape = list(value.shapes[0][1:]) if isinstance(value, Live) else "that do not depend on the observation"
            raise UnsupportedArchitecture(
                f"'logits' has one row per observation and one number per action, (N, A) with A of 2 or more; this "
                f"output has rows of shape {shape}. {_SAY}"
            )
        return _Candidate(name, name, value, is_choice=False)

    def _behind(self, output: str) -> tuple[str, bool]:
        """The scores from which an action at `output` is chosen, or `output` itself if none is."""
        name = output
        for _ in range(16):
            node = self._producers.get(name)
            if node is None or not node.input:
                break
            if node.op_type in _CHOICES:
                return self._without_noise(node.input[0]), True
            if node.op_type not in _CARRIERS:
                break
            name = node.input[0]
        return output, False

    def _without_noise(self, name: str) -> str:
        """Behind a sum of scores and random numbers (Gumbel's trick): the scores."""
        node = self._producers.get(name)
        if node is None or node.op_type not in ("Add", "Sub", "Div"):
            return name
        steady: list[str] = [item for item in node.input if not self._is_random(item)]
        return steady[0] if len(steady) == 1 else name

    def _is_random(self, name: str) -> bool:
        pending, seen = [name], set()
        while pending:
            node = self._producers.get(pending.pop())
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            if node.op_type in _NOISE:
                return True
            pending.extend(node.input)
        return False

    def before_softmax(self, chosen: _Candidate, guesses: list[str]) -> tuple[str, Live]:
        """Behind probabilities over the actions, and behind their logarithm: the scores they were made of."""
        name = self._origin(chosen.name)
        node = self._producers.get(name)
        if node is not None and node.op_type == "Log":
            node = self._producers.get(self._origin(node.input[0]))
        if node is None or not _is_softmax_of_rows(node, chosen.live):
            return chosen.name, chosen.live
        scores = self._lowering.value(node.input[0])
        if not isinstance(scores, Live):
            return chosen.name, chosen.live
        guesses.append("probabilities replaced by the logits they are the softmax of")
        return node.input[0], scores

    def _origin(self, name: str) -> str:
        """The earliest value that is the same as the one called `name`, behind reshapes and casts without effect."""
        value = self._lowering.value(name)
        node = self._producers.get(name)
        while node is not None and node.op_type in _CARRIERS and self._lowering.value(node.input[0]) == value:
            name = node.input[0]
            node = self._producers.get(name)
        return name

    def value(self, name: str) -> Live:
        """The value called `name`, which must have one number per row."""
        found = self._lowering.value(name) if name in self._producers else None
        if not isinstance(found, Live) or not _is_value(found.shapes):
            raise UnsupportedArchitecture(
                "'value' has one number per observation, (N,) or (N, 1); this model has no such output of that name. "
                "Correct or leave out the entry 'value' of the card's outputs."
            )
        return found


def _is_softmax_of_rows(node: NodeProto, live: Live) -> bool:
    axis = next((item.i for item in node.attribute if item.name == "axis"), None)
    return node.op_type == "Softmax" and rank_of(live) == 2 and axis in (None, 1, -1)


def _is_scores(shapes: tuple[Shape, Shape]) -> bool:
    """(N, A) with two actions or more, at both probe batches (2 and 3)."""
    first, second = shapes
    return len(first) == 2 and (first[0], second[0]) == (2, 3) and first[1] == second[1] >= 2


def _is_value(shapes: tuple[Shape, Shape]) -> bool:
    return shapes in (((2,), (3,)), ((2, 1), (3, 1)))


def _best(candidates: list[_Candidate], error: PolicyRejected | None) -> _Candidate:
    scores = [item for item in candidates if _is_scores(item.live.shapes)]
    choices = [item for item in scores if item.is_choice]
    for group in (choices, scores, *(_named(scores, word) for word in _LOGIT_WORDS)):
        if len(group) == 1:
            return group[0]
    if not scores and error is not None:
        raise error
    raise UnsupportedArchitecture(
        f"A policy has one float output of shape (N, A), one number per action; {len(scores)} outputs of this model "
        f"could be that. {_SAY}"
    )


def _named(candidates: list[_Candidate], word: str) -> list[_Candidate]:
    return [item for item in candidates if word in item.output.lower()]


def _value(
    reader: _Reader, others: list[_Candidate], names: Sequence[str], hints: PolicyHints, guesses: list[str]
) -> Live | None:
    stated = hints.outputs.get("value", "value" if "value" in names else None)
    if stated is not None:
        return reader.value(stated)
    fitting = [item for item in others if not item.is_choice and _is_value(item.live.shapes)]
    columns = [item for item in fitting if rank_of(item.live) == 2]
    for group in (*(_named(fitting, word) for word in _VALUE_WORDS), fitting, columns):
        if len(group) == 1:
            guesses.append(f"output {plain(group[0].output)!r} taken as value")
            return group[0].live
    return None
