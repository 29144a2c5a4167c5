"""A report's page with the landscape of its policy, which is usually made after the page: put together when it is read.

What is stored stays as it was put: the page, and beside every landscape a section for each of its policies.
"""

from saddlepoint.errors import ArtifactNotFound
from saddlepoint.landscape_index import find_landscape
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.reports import LANDSCAPE_BEGINS, LANDSCAPE_ENDS
from saddlepoint.store import Store


def landscape_of(store: Store, owner: str, evaluation: Evaluation) -> str | None:
    """The id of the landscape that its page shows: of an epsilon that was played, if there is one."""
    epsilons = {cell.attack.epsilon for cell in evaluation.spec.filled().cells() if cell.attack.kind != "none"}
    found = find_landscape(store, owner, evaluation.policy_id, evaluation.spec.env, epsilons)
    return found.id if found else None


def with_landscape(store: Store, page: bytes, landscape_id: str, policy_id: str) -> bytes:
    """The page with the section in its place; as it is where it has no place, or the section was deleted."""
    before, begins, rest = page.partition(LANDSCAPE_BEGINS.encode())
    _, ends, after = rest.partition(LANDSCAPE_ENDS.encode())
    try:
        section = store.get(keys.landscape_section(landscape_id, policy_id)) if ends else b""
    except ArtifactNotFound:
        return page
    return before + begins + section + ends + after if ends else page
