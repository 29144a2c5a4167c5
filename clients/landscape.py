"""The KL landscape as the client hands it out: the numbers of the schema, and the page that the service made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import PrivateAttr

from clients.frames import frame
from clients.report import writable_folder
from clients.table import Table
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.landscapes import LandscapeResult, LandscapeSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_HEADER = ("policy", "states", "median", "90% below", "mean", "largest")


class LandscapeReport(LandscapeResult):
    """Every number, with ways to read and keep them."""

    _html: str = PrivateAttr(default="")
    _summary: list[LandscapeSummary] = PrivateAttr(default_factory=list)

    def of(self, summary: Sequence[LandscapeSummary], html: str) -> Self:
        """This landscape with its summary and page."""
        self._summary, self._html = list(summary), html
        return self

    @property
    def summary(self) -> list[LandscapeSummary]:
        """One entry a policy: the largest KL over states, nats."""
        return self._summary

    def table(self) -> str:
        """The summary as plain text."""
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()

    def _table(self) -> Table:
        rows = [[each.name, str(each.states), *(f"{value:.3g}" for value in _numbers(each))] for each in self._summary]
        return Table(_HEADER, rows, right=frozenset(range(1, len(_HEADER))))

    def to_dataframe(self) -> "DataFrame":
        """One row a state of a policy. Raises InvalidRequest without pandas."""
        return frame(
            [
                {"policy_id": policy.policy_id, "name": policy.name, "state": state, "max_kl": divergence}
                for policy in self.policies
                for state, divergence in enumerate(policy.max_kl)
            ]
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The share of states at least so far apart (Figure 4). Raises InvalidRequest without matplotlib."""
        from clients.plots import divergences

        return divergences(self, ax)

    def save(self, folder: str | Path) -> Path:
        """Write landscape.json and landscape.html into `folder`, which is made; returns it. Raises InvalidRequest."""
        folder = writable_folder(folder)
        try:
            (folder / "landscape.json").write_text(self.model_dump_json() + "\n", encoding="utf-8")
            (folder / "landscape.html").write_text(self._html, encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(
                f"A landscape must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). "
                "Choose another."
            ) from error
        return folder


def _numbers(summary: LandscapeSummary) -> tuple[float, float, float, float]:
    return summary.median, summary.quantile90, summary.mean, summary.largest
