"""A pickle read without importing, calling or setting anything: every object in it becomes a record of itself.

Unpickling runs whatever a file names. Here `find_class` gives classes that remember what they were called with and do
nothing, so that the plain data among them can be looked at.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

from saddlepoint.errors import InvalidRequest

MAX_BYTES = 256 * 2**20


class Recorded:
    """Stands for an object of the class or function `origin`: what it was made of, and the state it was given."""

    origin: tuple[str, str] = ("", "")
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any, **options: Any) -> Any:
        if cls.origin[0].startswith("cloudpickle"):
            # Classes written by value are made by a function of cloudpickle's, and instances of those follow.
            return _standing_for("", "")
        self = object.__new__(cls)
        self.args, self.state = args, None
        return self

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        pass

    def extend(self, values: Any) -> None:
        pass

    def add(self, value: Any) -> None:
        pass


def _standing_for(module: str, name: str) -> type[Recorded]:
    return type("Recorded", (Recorded,), {"origin": (module, name)})


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return _standing_for(module_name, global_name)


def _check_claims(data: bytes) -> None:
    """Raise ValueError for lengths and numbers beyond the file: Python's reader makes room for them before it looks."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name.endswith("PUT") and isinstance(argument, int) and argument > len(data):
            raise ValueError("a number in the memo that the file cannot reach")


def read_inert(path: Path) -> Any:
    """The root of the pickle at `path`. Raises InvalidRequest."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidRequest(f"{str(path)!r} has more than {MAX_BYTES} bytes, which statistics never have.")
        data = path.read_bytes()
        _check_claims(data)
        return _Reader(io.BytesIO(data)).load()
    except OSError as error:
        raise InvalidRequest(f"{str(path)!r} cannot be read. Give the file that VecNormalize.save() wrote.") from error
    except InvalidRequest:
        raise
    except Exception as error:
        # Whatever a pickle machine finds wrong (a dozen exception types) is wrong with the file.
        raise InvalidRequest(f"{str(path)!r} is no pickle. Give the file that VecNormalize.save() wrote.") from error
