"""The episodes of a report as a Parquet file, for those who compute with them."""

import io

import pyarrow
from pyarrow import parquet

from saddlepoint.schemas.reports import EPISODE_COLUMNS, RobustnessReport

_TYPES = {
    "attack": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    "label": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    "epsilon": pyarrow.float64(),
    "action_mode": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    "seed": pyarrow.int64(),
    "episode": pyarrow.int64(),
    "return": pyarrow.float64(),
    "length": pyarrow.int64(),
}


def to_parquet(report: RobustnessReport) -> bytes:
    """The rows of `to_csv`; the file's metadata has the evaluation's id and its specification as JSON."""
    rows = report.episode_rows()
    metadata = {"evaluation": report.id, "report": report.model_dump_json(include={"id", "policy", "env", "spec"})}
    schema = pyarrow.schema([(name, _TYPES[name]) for name in EPISODE_COLUMNS], metadata=metadata)
    table = pyarrow.table({name: [row[name] for row in rows] for name in EPISODE_COLUMNS}, schema=schema)
    written = io.BytesIO()
    parquet.write_table(table, written, compression="zstd")
    return written.getvalue()
