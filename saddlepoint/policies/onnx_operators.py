"""How each ONNX operator becomes nodes of a canonical graph, over all opsets from 7."""

from collections.abc import Callable, Mapping

from saddlepoint.policies.builder import GraphBuilder, Value
from saddlepoint.policies.lower_arithmetic import ARITHMETIC
from saddlepoint.policies.lower_constants import CONSTANTS
from saddlepoint.policies.lower_layers import LAYERS
from saddlepoint.policies.lower_normalisation import NORMALISATION
from saddlepoint.policies.lower_padding import PADDING
from saddlepoint.policies.lower_pooling import POOLING
from saddlepoint.policies.lower_recurrent import RECURRENT
from saddlepoint.policies.lower_shapes import SHAPES
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value | tuple[Value, ...]]

LOWERINGS: Mapping[str, Lower] = {
    **ARITHMETIC,
    **CONSTANTS,
    **LAYERS,
    **NORMALISATION,
    **PADDING,
    **POOLING,
    **RECURRENT,
    **SHAPES,
}
"""The allow-list of uploads. Loop, If, Scan, sequences and random numbers are not on it on purpose."""
