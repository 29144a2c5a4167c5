"""A pickle of any protocol told again in protocol 2, after everything that it names was checked.

torch's own safe reader knows no later protocol. It gets none of the uploaded pickle's names: each one that is allowed
is written anew, so that what was checked is what is loaded.
"""

import pickle
import pickletools
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

from saddlepoint.errors import MalformedPolicy, UnpackedTooLarge, UnsafePickle
from saddlepoint.policies.naming import plain

MAX_PICKLE = 16 * 2**20
_MAX_TOLD = 2 * MAX_PICKLE
"""A text is written as often as it is used: one of a megabyte can be used by two bytes."""
SAVE_AGAIN = "Save it with torch.save(network.state_dict(), path) of any PyTorch since 1.6."
DAMAGED = f"The PyTorch file is damaged or truncated. {SAVE_AGAIN}"
_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_GLOBALS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch Size",
        *(f"torch {kind}Storage" for kind in _STORAGES),
    }
)
"""All that a state dict of dense tensors names. Sparse, quantised and subclassed tensors name more."""
_FORBIDDEN = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"})
_TEXTS = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_FRAMING = frozenset({"PROTO", "FRAME"})


def retold(data: bytes) -> bytes:
    """The same pickle in protocol 2; UnsafePickle if it names anything but the makings of a dense tensor."""
    if len(data) > MAX_PICKLE:
        raise UnpackedTooLarge(f"The index of a PyTorch file may have {MAX_PICKLE} bytes; this one has {len(data)}.")
    teller = _Teller()
    try:
        for name, argument, source in _operations(data):
            teller.tell(name, argument, source)
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError, UnicodeEncodeError) as error:
        raise MalformedPolicy(DAMAGED) from error
    return bytes(teller.told)


def _operations(data: bytes) -> Iterator[tuple[str, Any, bytes]]:
    """The name, the argument and the bytes of each operation."""
    found = ((opcode.name, argument, position or 0) for opcode, argument, position in pickletools.genops(data))
    for (name, argument, start), (*_, stop) in pairwise(chain(found, [("", None, len(data))])):
        yield name, argument, data[start:stop]


class _Teller:
    """Texts are kept apart from the other values, since two of them make a name: they are written where they stand."""

    def __init__(self) -> None:
        self.told = bytearray(pickle.PROTO + b"\x02")
        self._memo: dict[int, str | None] = {}
        """The texts by their number; None for another value, which is kept in the memo of the new pickle too."""
        self._texts: list[str] = []
        """What the last operations put on top of the stack and is not written yet: texts and nothing else."""

    def tell(self, name: str, argument: Any, source: bytes) -> None:
        if name in _FRAMING:
            return
        if name in _TEXTS:
            self._texts.append(argument)
        elif name in _PUTS:
            self._remember(len(self._memo) if name == "MEMOIZE" else argument)
        elif name in _GETS:
            self._recall(argument)
        elif name == "STACK_GLOBAL":
            self._name(self._popped_name())
        else:
            self._write_texts()
            if name in _FORBIDDEN:
                raise _unsafe("other objects")
            if name == "GLOBAL":
                self._name(argument)
            else:
                self._write(source)

    def _remember(self, number: int) -> None:
        self._memo[number] = self._texts[-1] if self._texts else None
        if not self._texts:
            self._write(pickle.LONG_BINPUT + number.to_bytes(4, "little"))

    def _recall(self, number: int) -> None:
        text = self._memo[number]
        if text is not None:
            self._texts.append(text)
            return
        self._write_texts()
        self._write(pickle.LONG_BINGET + number.to_bytes(4, "little"))

    def _popped_name(self) -> str:
        if len(self._texts) < 2:
            raise _unsafe("objects without spelling them out")
        *others, module, name = self._texts
        self._texts = others
        self._write_texts()
        return f"{module} {name}"

    def _name(self, name: str) -> None:
        if name not in _GLOBALS:
            raise _unsafe(repr(plain(name.replace(" ", "."))))
        module, _, attribute = name.partition(" ")
        self._write(pickle.GLOBAL + f"{module}\n{attribute}\n".encode())

    def _write_texts(self) -> None:
        for text in self._texts:
            encoded = text.encode("utf-8", "surrogatepass")
            self._write(pickle.BINUNICODE + len(encoded).to_bytes(4, "little") + encoded)
        self._texts = []

    def _write(self, operation: bytes) -> None:
        self.told += operation
        if len(self.told) > _MAX_TOLD:
            raise UnpackedTooLarge(f"The index of a PyTorch file may unfold to {_MAX_TOLD} bytes; this one has more.")


def _unsafe(what: str) -> UnsafePickle:
    return UnsafePickle(
        f"A PyTorch file may hold only a dict of dense tensors; this pickle names {what}, which could run code when "
        f"loaded. {SAVE_AGAIN}"
    )
