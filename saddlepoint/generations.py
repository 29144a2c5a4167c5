"""The same specification is the same work, until that failed or was canceled: then the next generation is made."""

from collections.abc import Callable

from saddlepoint.store import Store
from saddlepoint.work import Work, find_terminal


def newest_generation(store: Store, work: Work, numbered: Callable[[int], str]) -> int:
    """The generation that goes on or has succeeded, or else the first that is still to be made."""
    generation = 0
    while True:
        terminal = find_terminal(store, work, numbered(generation))
        if terminal is None or terminal.status == "succeeded":
            return generation
        generation += 1


def found_or_submitted(
    store: Store, work: Work, numbered: Callable[[int], str], submit: Callable[[str, int], object]
) -> str:
    """The id of the newest generation, for which `submit(id, generation)` is called where it is not stored yet."""
    generation = newest_generation(store, work, numbered)
    wanted = numbered(generation)
    if not store.exists(work.spec(wanted)):
        submit(wanted, generation)
    return wanted
