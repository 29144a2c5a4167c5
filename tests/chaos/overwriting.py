"""A mutant: `python -m tests.chaos.overwriting MODULE ...` runs a module whose puts replace what is there already."""

import os
import runpy
import sys

from saddlepoint.store import local


def overwrite(self: local.LocalStore, key: str, data: bytes) -> bool:
    target = self._path(key)
    with local._translated("put", key), self._temporary() as temporary:
        local._write(temporary, data)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, target)
    return True


if __name__ == "__main__":
    local.LocalStore.put = overwrite  # type: ignore[method-assign]
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
