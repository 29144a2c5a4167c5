"""Data frames, for those who have pandas."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saddlepoint.errors import InvalidRequest

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> "DataFrame":
    """A row for each of `rows`. Raises InvalidRequest, naming the extra, without pandas."""
    try:
        import pandas
    except ImportError as error:
        raise InvalidRequest("A data frame needs pandas: pip install 'saddlepoint[plots]'.") from error
    return pandas.DataFrame(list(rows), columns=None if columns is None else list(columns))
