"""The episodes of a report as a Parquet file."""

import io
import json

from pyarrow import parquet

from saddlepoint.evaluation.parquet import to_parquet
from tests.evaluation.sample_report import sample_report


def test_a_parquet_file_has_the_rows_of_the_report() -> None:
    report = sample_report(epsilons=(1.0, 4.0))
    table = parquet.read_table(io.BytesIO(to_parquet(report)))
    assert table.to_pylist() == report.episode_rows()
    assert str(table.schema.field("return").type) == "double"


def test_it_says_what_it_is_of() -> None:
    report = sample_report()
    metadata = parquet.read_schema(io.BytesIO(to_parquet(report))).metadata
    assert metadata[b"evaluation"] == report.id.encode()
    assert json.loads(metadata[b"report"])["spec"] == report.spec


def test_equal_reports_give_equal_bytes() -> None:
    assert to_parquet(sample_report()) == to_parquet(sample_report())


def test_a_report_without_episodes_is_an_empty_table() -> None:
    report = sample_report().model_copy(update={"cells": [], "greedy_cells": []})
    assert parquet.read_table(io.BytesIO(to_parquet(report))).num_rows == 0
