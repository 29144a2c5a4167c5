"""The names that tensors have in the network itself, without those of what was put around it."""

from collections.abc import Mapping, Sequence

from torch import Tensor

_COMPILED = "_orig_mod."
"""Put by torch.compile before the names of what it compiles, the whole or a part."""
_AROUND = ("module.", "agent.", "model.", "policy.", "network.")
"""Put before all names by DataParallel and by modules that hold the network as an attribute."""
_MOST_AROUND = 8
_NESTED = "network.network."
"""Of an agent whose `network` is a module with a `network` of its own, beside `actor` and `critic`."""
_OWN = ("policy.hidden", "policy.output.", *(f"network.{digit}" for digit in range(10)))
"""Where a prefix belongs to names that we know, it stays."""


def without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by the names that readers of plain weights know, as far as wrappers alone stand before."""
    tensors = _renamed(tensors, [name.replace(_COMPILED, "") for name in tensors])
    for _ in range(_MOST_AROUND):
        around = _common(tensors)
        tensors = _renamed(tensors, [name.removeprefix(around) for name in tensors])
    return _renamed(tensors, [name.removeprefix("network.") if name.startswith(_NESTED) else name for name in tensors])


def _common(tensors: Mapping[str, Tensor]) -> str:
    """What stands before all names and can be left out."""
    if not tensors or any(name.startswith(_OWN) for name in tensors):
        return ""
    return next((prefix for prefix in _AROUND if all(name.startswith(prefix) for name in tensors)), "")


def _renamed(tensors: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    """The tensors by their new names, or by their old ones where two would get the same."""
    renamed = dict(zip(names, tensors.values(), strict=True))
    return renamed if len(renamed) == len(tensors) else dict(tensors)
