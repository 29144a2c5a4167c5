"""Uploaded ONNX bytes into a model that is self-contained: no external data, no sparse weights, no functions.

Nothing here runs the model or hands it to another library before these checks are done.
"""

import posixpath
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import onnx
import onnx.inliner
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

from saddlepoint.errors import (
    ExternalDataForbidden,
    MalformedPolicy,
    ResourceLimit,
    UnpackedTooLarge,
    UnsupportedFormat,
    UnsupportedOperator,
)
from saddlepoint.policies.archives import MAX_UNPACKED, Archive, check_count, files_of
from saddlepoint.policies.naming import plain

MAX_NODES = 20_000
"""After functions are inlined; a large policy has hundreds."""
Resolve = Callable[[str], bytes]
_DAMAGED = "The ONNX file is damaged or truncated. Export the model again."
_ZIP_BOTH = "Upload a zip of the .onnx file and its .data file, or export with external_data=False."


def looks_like_onnx(data: bytes) -> bool:
    """Whether the bytes begin as ONNX files do: the field `ir_version` with a small number."""
    return len(data) > 2 and data[0] == 0x08 and 1 <= data[1] <= 32 and data[2] & 7 in (0, 2)


def read_onnx(data: bytes) -> ModelProto:
    """A model from the bytes of one .onnx file, which must hold all of its weights."""
    return _checked(_parsed(data), _no_members)


def onnx_member(archive: Archive) -> str | None:
    """The one .onnx file in a zip, or None."""
    found = [name for name in files_of(archive) if name.lower().endswith(".onnx")]
    return found[0] if len(found) == 1 else None


def read_onnx_archive(archive: Archive, member: str) -> ModelProto:
    """A model from a zip of a .onnx file and the files of its external data, found by exact name in that zip only."""
    check_count(archive)
    folder = posixpath.dirname(member)

    def resolve(location: str) -> bytes:
        name = f"{folder}/{location}" if folder else location
        if not location or name == member or name not in archive:
            raise ExternalDataForbidden(
                f"The weights lie outside of the model in a file the zip does not hold. {_ZIP_BOTH}"
            )
        return archive.read(name)

    return _checked(_parsed(archive.read(member)), _remembered(resolve))


def _remembered(resolve: Resolve) -> Resolve:
    """`resolve`, reading each file once: a model may name the same one for every weight."""
    seen: dict[str, bytes] = {}

    def find(location: str) -> bytes:
        if location not in seen:
            seen[location] = resolve(location)
        return seen[location]

    return find


def _no_members(location: str) -> bytes:
    raise ExternalDataForbidden(f"The model keeps its weights in another file. {_ZIP_BOTH}")


def _parsed(data: bytes) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        # protobuf's DecodeError, and whatever its C code makes of bytes that are no message at all.
        if looks_like_onnx(data):
            raise MalformedPolicy(_DAMAGED) from error
        raise UnsupportedFormat(
            "The file is none of the formats taken: ONNX, a zip of ONNX with its data, an SB3 zip, a PyTorch state "
            "dict (zip), safetensors. Export the policy to ONNX."
        ) from error
    if not model.graph.node or not model.graph.output or not model.opset_import:
        raise (MalformedPolicy if looks_like_onnx(data) else UnsupportedFormat)(
            "The file holds no ONNX graph with nodes, outputs and an opset. Export the model again."
        )
    return model


def _checked(model: ModelProto, resolve: Resolve) -> ModelProto:
    _check_nodes(model)
    budget = MAX_UNPACKED
    for tensor in _tensors(model):
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            budget -= _bring_in(tensor, resolve, budget)
    if model.functions:
        model = _inlined(model)
    _check_names(model.graph)
    return model


def _inlined(model: ModelProto) -> ModelProto:
    _check_inlined_size(model)
    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, TypeError) as error:
        raise MalformedPolicy("The functions of the model cannot be inlined. Export it without functions.") from error


def _check_names(graph: GraphProto) -> None:
    """Raise MalformedPolicy where a name stands for two values, but for a weight that is the default of an input."""
    weights: list[str] = [tensor.name for tensor in graph.initializer]
    inputs: list[str] = [item.name for item in graph.input]
    made: list[str] = [name for node in graph.node for name in node.output if name]
    for what, names in (("weights", weights), ("inputs", inputs), ("results of nodes", made)):
        _refuse_same({name for name, count in Counter(names).items() if count > 1}, f"two {what}")
    _refuse_same(set(weights).intersection(made), "a weight and for the result of a node")
    _refuse_same(set(inputs).intersection(made), "an input and for the result of a node")


def _refuse_same(names: set[str], what: str) -> None:
    if names:
        raise MalformedPolicy(
            f"Every name in an ONNX model stands for one value; {plain(min(names))!r} stands for {what}. PyTorch's "
            "exporter does that where a buffer or a parameter of the network has the name of an output. Rename the one "
            "or the other, and export the model again."
        )


def _check_nodes(model: ModelProto) -> None:
    has_sparse = any(graph.sparse_initializer for graph in _graphs(model))
    for count, node in enumerate(_all_nodes(model), start=1):
        has_sparse |= any(item.HasField("sparse_tensor") or item.sparse_tensors for item in node.attribute)
        if count > MAX_NODES:
            raise ResourceLimit(f"A model may have {MAX_NODES} nodes; this one has more.")
    if has_sparse:
        raise UnsupportedOperator("Weights must be dense; this model has sparse ones. Export it with dense weights.")


def _graphs(model: ModelProto) -> Iterator[GraphProto]:
    """The graph, and those inside of its control flow, which no policy uses but a file may hold."""
    yield model.graph
    for training in model.training_info:
        yield from (training.initialization, training.algorithm)
    for node in _all_nodes(model):
        yield from _inside(node)


def _inside(node: NodeProto) -> Iterator[GraphProto]:
    for item in node.attribute:
        if item.HasField("g"):
            yield item.g
        yield from item.graphs


def _all_nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Every node, also those in functions and inside of control flow."""
    pending: list[NodeProto] = [*model.graph.node]
    for function in model.functions:
        pending.extend(function.node)
    for training in model.training_info:
        pending.extend((*training.initialization.node, *training.algorithm.node))
    while pending:
        node = pending.pop()
        yield node
        for graph in _inside(node):
            pending.extend(graph.node)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every dense tensor, wherever it hides."""
    for graph in _graphs(model):
        yield from graph.initializer
    attributes: list[AttributeProto] = [item for node in _all_nodes(model) for item in node.attribute]
    for function in model.functions:
        attributes.extend(function.attribute_proto)
    for item in attributes:
        if item.HasField("t"):
            yield item.t
        yield from item.tensors


def _bring_in(tensor: TensorProto, resolve: Resolve, budget: int) -> int:
    """Put external data into the model itself, and say how many bytes that were."""
    if tensor.data_location != TensorProto.EXTERNAL:
        raise ExternalDataForbidden(f"A weight that lies in the model must not name another file. {_ZIP_BOTH}")
    where = {entry.key: entry.value for entry in tensor.external_data}
    data = resolve(where.get("location", ""))
    start = _whole(where, "offset", 0)
    length = _whole(where, "length", len(data) - start)
    if length < 0 or start + length > len(data):
        raise MalformedPolicy("A weight lies beyond the end of the external data. Export the model again.")
    if length > budget:
        raise UnpackedTooLarge(f"The weights of a model may have {MAX_UNPACKED} bytes; these have more.")
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = data[start : start + length]
    return length


def _whole(where: Mapping[str, str], key: str, default: int) -> int:
    text = where.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise MalformedPolicy(f"The {key} of external data is a whole number; here it is not. Export the model again.")
    return int(text)


def _check_inlined_size(model: ModelProto) -> None:
    """Functions that call functions can grow exponentially: count before inlining."""
    functions = {(item.domain, item.name): item for item in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    total = sum(_size_of(node, functions, sizes, 0) for node in model.graph.node)
    if total > MAX_NODES:
        raise ResourceLimit(f"A model may have {MAX_NODES} nodes; with its functions this one has {total}.")


def _size_of(
    node: NodeProto,
    functions: Mapping[tuple[str, str], FunctionProto],
    sizes: dict[tuple[str, str], int],
    depth: int,
) -> int:
    """A call counts too: functions without nodes that call each other cost the inliner as much as any."""
    key = (node.domain, node.op_type)
    if key not in functions:
        return 1 + sum(_size_of(item, functions, sizes, depth) for graph in _inside(node) for item in graph.node)
    if depth > 32:
        raise MalformedPolicy("The functions of the model call each other too deeply. Export it without functions.")
    if key not in sizes:
        sizes[key] = 1 + sum(_size_of(item, functions, sizes, depth + 1) for item in functions[key].node)
    return sizes[key]


def only_reachable(graph: GraphProto, outputs: list[str]) -> GraphProto:
    """A copy of `graph` with these values as its outputs and without the nodes they do not need."""
    needed = set(outputs)
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    reduced = GraphProto()
    reduced.name = "policy"
    reduced.node.extend(reversed(kept))
    reduced.initializer.extend(tensor for tensor in graph.initializer if tensor.name in needed)
    reduced.input.extend(item for item in graph.input if item.name in needed)
    reduced.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    return reduced
