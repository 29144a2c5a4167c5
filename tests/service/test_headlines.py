"""The few numbers of reports that lists show."""

from pathlib import Path

from saddlepoint.schemas import keys
from saddlepoint.store.local import LocalStore
from service.headlines import Headlines
from tests.evaluation.sample_report import sample_report


def test_a_headline_is_the_reports_first_numbers(tmp_path: Path) -> None:
    store, report = LocalStore(tmp_path), sample_report()
    store.put(keys.evaluation_report("e", "json"), report.model_dump_json().encode())
    found = Headlines(store).find("e")
    assert found is not None
    assert (found.verdict, found.worst_case) == (report.verdict, report.worst_case)
    assert found.clean is not None
    assert found.clean.mean == report.cell("none").mean


def test_a_report_is_read_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    headlines = Headlines(store)
    assert headlines.find("e") is None
    store.put(keys.evaluation_report("e", "json"), sample_report().model_dump_json().encode())
    found = headlines.find("e")
    store.delete(keys.evaluation_report("e", "json"))
    assert found is not None
    assert headlines.find("e") is found


def test_what_is_no_report_of_ours_has_no_headline(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put(keys.evaluation_report("e", "json"), b'{"id": "e"}')
    assert Headlines(store).find("e") is None
