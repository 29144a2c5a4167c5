"""The verdict of a gate as test results."""

from xml.etree import ElementTree

from saddlepoint.formats.junit import to_junit
from saddlepoint.schemas.gates import Thresholds, decide
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report


def written(report: RobustnessReport, **thresholds: float) -> ElementTree.Element:
    return ElementTree.fromstring(to_junit(report, decide(report, Thresholds(**thresholds))))


def test_every_check_is_a_case_and_those_that_failed_say_why() -> None:
    root = written(sample_report(), min_mean=-1000.0, max_drop=0.5)
    (suite,) = root
    assert suite.attrib["name"] == "robustness of boxing-standard-2m on BoxingNoFrameskip-v4"
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("3", "1")
    cases = {case.attrib["name"]: case.find("failure") for case in suite.iter("testcase")}
    assert list(cases) == ["mean return of the worst case", "loss of return in the worst case", "attacks that work"]
    assert [failure is None for failure in cases.values()] == [True, False, True]
    failure = cases["loss of return in the worst case"]
    assert failure is not None
    assert failure.attrib["type"] == "max_drop"
    assert failure.attrib["message"].endswith("above 0.5.")


def test_a_name_that_xml_cannot_hold_is_written_as_far_as_it_can() -> None:
    report = sample_report()
    report = report.model_copy(update={"policy": {"name": 'a\x00\x1b<b>&"\ufffe'}})
    (suite,) = written(report, min_mean=0.0)
    assert suite.attrib["name"].startswith('robustness of a\ufffd\ufffd<b>&"\ufffd on')
