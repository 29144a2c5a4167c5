"""Which landscapes there are of a policy in an environment: names that sort by time."""

from collections.abc import Collection
from itertools import islice

from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.landscapes import LandscapeRecord
from saddlepoint.store import Store, find_record
from saddlepoint.work import LANDSCAPE, find_terminal

_MOST = 20
"""The newest, which are looked at for a wanted epsilon."""


def index_keys(record: LandscapeRecord) -> list[str]:
    """Where a landscape is entered: once for each of its policies."""
    environment = record.spec.env.key()
    return [
        keys.landscape_index(record.owner, policy_id, environment, record.created_at, record.id)
        for policy_id in record.spec.policy_ids
    ]


def find_landscape(
    store: Store, owner: str, policy_id: str, env: EnvironmentSpec, epsilons: Collection[float]
) -> LandscapeRecord | None:
    """The newest that has succeeded with one of `epsilons`, else the newest that has; None where there is none."""
    names = sorted(store.list(keys.landscape_index_prefix(owner, policy_id, env.key())), reverse=True)
    entered = (find_record(store, LANDSCAPE.spec(name.rpartition("-")[2]), LandscapeRecord) for name in names)
    found = [record for record in islice(entered, _MOST) if record is not None and _has_succeeded(store, record)]
    return next((record for record in found if record.spec.epsilon in epsilons), found[0] if found else None)


def _has_succeeded(store: Store, record: LandscapeRecord) -> bool:
    """One that was canceled while its result was being stored is entered and has not."""
    terminal = find_terminal(store, LANDSCAPE, record.id)
    return terminal is not None and terminal.status == "succeeded"
