"""Looks behind the outputs of an ONNX graph: at the scores that an action was chosen from or a softmax taken of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from onnx import GraphProto, NodeProto

from saddlepoint.errors import PolicyRejected, ResourceLimit
from saddlepoint.policies.builder import PROBE_BATCHES, GraphBuilder, Known, Live, rank_of, shapes_of
from saddlepoint.policies.lowering import Lowering, producers
from saddlepoint.policies.shapes import Shape

_CHOICES = frozenset({"ArgMax", "Multinomial", "TopK"})
"""Operators that turn scores into an action; the scores are their first input."""
_CARRIERS = frozenset(
    {"Cast", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators that exporters put between the choice and the output."""
_AFFINE = frozenset({"Add", "Div", "Expand", "Mul", "Sub"})
_NOISE = frozenset({"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli"})
_FAR = 16
"""How many nodes back a pattern at the end of a graph is looked for."""


@dataclass(frozen=True)
class Candidate:
    """An output of the file: the value at or behind it, and whether an action was chosen from that value."""

    output: str
    name: str
    live: Live
    is_choice: bool


class Reader:
    """Looks behind the outputs of one graph."""

    def __init__(self, graph: GraphProto, lowering: Lowering) -> None:
        self.lowering = lowering
        self._producers = producers(graph)
        self.first_error: PolicyRejected | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._producers

    def candidates(self, names: Sequence[str]) -> list[Candidate]:
        """The outputs that can be computed; why the first other one cannot is kept in `first_error`."""
        found = []
        for output in names:
            try:
                name, is_choice = self.behind(output)
                value = self.lowering.value(name)
            except ResourceLimit:
                raise
            except PolicyRejected as error:
                self.first_error = self.first_error or error
                continue
            if isinstance(value, Live):
                found.append(Candidate(output, name, without_step(self.lowering.build, value), is_choice))
        return found

    def behind(self, output: str) -> tuple[str, bool]:
        """The scores from which an action at `output` is chosen, or `output` itself if none is."""
        name = output
        for _ in range(_FAR):
            node = self._producers.get(name)
            if node is None or not node.input:
                break
            if node.op_type in _CHOICES:
                return self._without_noise(node.input[0]), True
            if node.op_type not in _CARRIERS:
                break
            name = node.input[0]
        return output, False

    def is_memory(self, name: str) -> bool:
        """Whether the value is the last state of a recurrent layer."""
        for _ in range(_FAR):
            node = self._producers.get(name)
            if node is None or not node.input:
                break
            if node.op_type in ("GRU", "LSTM", "RNN"):
                return list(node.output).index(name) > 0
            if node.op_type not in _CARRIERS:
                break
            name = node.input[0]
        return False

    def forgets(self) -> bool:
        """Whether a recurrent layer takes a single step, from a state that is the same at every observation."""
        layers = (node for node in self._producers.values() if node.op_type in ("GRU", "LSTM", "RNN"))
        return any(self._is_single(node) for node in layers)

    def _is_single(self, node: NodeProto) -> bool:
        try:
            sequence, *states = (self.lowering.value(name) for name in (*node.input[:1], *node.input[5:7]) if name)
        except ResourceLimit:
            raise
        except PolicyRejected:
            return False
        return shapes_of(sequence)[0][0] == 1 and all(isinstance(state, Known) for state in states)

    def ends_in_tanh(self, name: str) -> bool:
        """Whether a tanh gives the value, or all that follows it are constant factors and offsets."""
        for _ in range(_FAR):
            node = self._producers.get(name)
            if node is None or node.op_type not in {"Tanh", *_CARRIERS, *_AFFINE}:
                return False
            if node.op_type == "Tanh":
                return True
            inputs = [item for item in node.input if not isinstance(self.lowering.value(item), Known)]
            if len(inputs) != 1:
                return False
            name = inputs[0]
        return False

    def is_of_the_mode(self, name: str) -> bool:
        """Whether the value is the log-probability of a Gaussian at its mean: PyTorch's exports have x - x in it."""
        pending, seen = [name], 0
        while pending and seen < 8 * _FAR:
            node = self._producers.get(pending.pop())
            seen += 1
            if node is None:
                continue
            if node.op_type == "Sub" and node.input[0] == node.input[1]:
                return True
            if node.op_type in {"ReduceSum", "Neg", "Pow", "Mul", *_CARRIERS, *_AFFINE}:
                pending.extend(node.input)
        return False

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

    def before_softmax(self, chosen: Candidate) -> Candidate:
        """Behind probabilities over the actions, and behind their logarithm: the scores they were made of."""
        name = self._origin(chosen.name)
        node = self._producers.get(name)
        if node is not None and node.op_type == "Log":
            node = self._producers.get(self._origin(node.input[0]))
        if node is None or node.op_type not in ("Softmax", "LogSoftmax"):
            return chosen
        scores = self.lowering.value(node.input[0])
        if not isinstance(scores, Live) or not _is_over_last(node, rank_of(scores)):
            return chosen
        live = without_step(self.lowering.build, scores)
        return replace(chosen, name=node.input[0], live=live) if live.shapes == chosen.live.shapes else chosen

    def _origin(self, name: str) -> str:
        """The earliest value that is the same as the one called `name`, behind reshapes and casts without effect."""
        value = self.lowering.value(name)
        node = self._producers.get(name)
        while node is not None and node.op_type in _CARRIERS and self.lowering.value(node.input[0]) == value:
            name = node.input[0]
            node = self._producers.get(name)
        return name


def _is_over_last(node: NodeProto, rank: int) -> bool:
    """Whether a softmax that could be read is over the last axis; before opset 13, no other can be read."""
    axis = next((item.i for item in node.attribute if item.name == "axis"), -1)
    return axis in (rank - 1, -1)


def without_step(build: GraphBuilder, live: Live) -> Live:
    """(N, K) of (N, 1, K) or (1, N, K), which policies over sequences give for one step; else the value itself."""
    first = live.shapes[0]
    if len(first) == 3 and any(
        live.shapes == with_batch(shape) for shape in ((None, 1, first[2]), (1, None, first[2]))
    ):
        return build.live("Reshape", live, shape=(-1, first[2]))
    return live


def with_batch(shape: Sequence[int | None]) -> tuple[Shape, Shape]:
    """The shapes at both probe batches, the batch where None is."""
    first, second = (tuple(batch if size is None else size for size in shape) for batch in PROBE_BATCHES)
    return first, second
