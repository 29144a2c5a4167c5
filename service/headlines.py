"""The few numbers of a report that lists show, without its episodes."""

from collections import OrderedDict

from pydantic import BaseModel, ConfigDict, ValidationError

from saddlepoint.errors import ArtifactNotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.reports import Interval, RandomPolicyReference, WorstCase
from saddlepoint.store import Store

_KEPT = 2000


class _Part(BaseModel):
    """What is read of a part of a report; the rest is left where it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Cell(_Part):
    attack: str
    label: str
    epsilon: float
    mean: float
    ci95: Interval | None
    normalized: float | None


class _Reference(_Part):
    random_policy: RandomPolicyReference


class Headline(_Part):
    """What a report says first."""

    verdict: str
    worst_case: WorstCase | None
    cells: list[_Cell]
    reference: _Reference
    warnings: list[str]
    environment_steps: int
    wall_time_s: float

    @property
    def clean(self) -> _Cell | None:
        """The unattacked score."""
        return next((cell for cell in self.cells if cell.attack == "none"), None)

    def normalized(self, label: str, epsilon: float) -> float | None:
        """What is left of the score in a cell, which is known once a random policy has been played."""
        found = (cell for cell in self.cells if (cell.label, cell.epsilon) == (label, epsilon))
        return next((cell.normalized for cell in found), None)


class Headlines:
    """Headlines by evaluation; a report never changes, so each is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, Headline] = OrderedDict()

    def find(self, evaluation_id: str) -> Headline | None:
        """None where there is no report, or one of another version. May block."""
        known = self._known.get(evaluation_id)
        if known is not None:
            return known
        try:
            found = Headline.model_validate_json(self._store.get(keys.evaluation_report(evaluation_id, "json")))
        except (ArtifactNotFound, ValidationError):
            return None
        self._known[evaluation_id] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found
