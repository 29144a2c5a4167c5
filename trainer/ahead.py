"""Preparing what comes next while what is there is worked on."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


def one_ahead(prepare: Callable[[Item], Prepared], items: Iterable[Item]) -> Iterator[Prepared]:
    """`map(prepare, items)`, each made in a thread while its predecessor is in use; no more than one waits.

    Worth it where `prepare` leaves Python to others, as copies of tensors do. What it raises is raised here in turn.
    """
    with ThreadPoolExecutor(1) as thread:
        coming = None
        for item in items:
            following = thread.submit(prepare, item)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()
