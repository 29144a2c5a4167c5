"""A pickle read without importing, calling or setting anything: every object in it becomes a record of itself.

Unpickling runs whatever a file names. Here `find_class` gives classes that remember what they were called with and do
nothing, so that the plain data among them can be looked at.
"""

import io
import pickle
import pickletools
from typing import Any


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


class InertReader(pickle.Unpickler):
    """Reads the pickle that `data` begins with by `load()`; `end` is where it ends.

    The constructor raises ValueError for what claims more than there is, and both whatever a pickle machine finds
    wrong: a dozen types of exceptions, all of them the file's fault.
    """

    def __init__(self, data: bytes) -> None:
        self.end = _checked_end(data)
        super().__init__(io.BytesIO(data[: self.end]))
        self._classes: dict[tuple[str, str], type[Recorded]] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """A class of records, the same for the same name."""
        name = (module_name, global_name)
        if name not in self._classes:
            self._classes[name] = _standing_for(*name)
        return self._classes[name]


def _checked_end(data: bytes) -> int:
    """Where the pickle ends.

    Raises ValueError for a number in the memo beyond the file: Python's reader makes room for it before it looks.
    """
    stream = io.BytesIO(data)
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name.endswith("PUT") and isinstance(argument, int) and argument > len(data):
            raise ValueError("a number in the memo that the file cannot reach")
    return stream.tell()
