"""The verdict of a gate as a JUnit file, which every CI system shows as test results."""

import re
from xml.etree import ElementTree

from saddlepoint.formats.names import environment_id, policy_title
from saddlepoint.schemas.checks import Check
from saddlepoint.schemas.gates import Gate
from saddlepoint.schemas.reports import RobustnessReport

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write; a name may hold it nevertheless."""


def to_junit(report: RobustnessReport, gate: Gate) -> str:
    """One suite for the policy, one case a check, a failure where it did not pass."""
    counts = {"tests": str(len(gate.checks)), "failures": str(len(gate.failures)), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", {"name": "saddlepoint", **counts})
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": _writable(f"robustness of {policy_title(report)} on {environment_id(report)}"),
            "timestamp": report.created_at.strftime("%Y-%m-%dT%H:%M:%S"),
            "time": f"{report.wall_time_s:.3f}",
            **counts,
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {"evaluation": report.id, "verdict": report.verdict}.items():
        ElementTree.SubElement(properties, "property", name=name, value=_writable(value))
    for check in gate.checks:
        _add(suite, check, environment_id(report))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ElementTree.Element, check: Check, environment: str) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=_writable(f"saddlepoint.{environment}"), name=check.title, time="0"
    )
    if not check.passed:
        failure = ElementTree.SubElement(case, "failure", type=check.name, message=_writable(check.sentence))
        failure.text = _writable(check.sentence)
    else:
        ElementTree.SubElement(case, "system-out").text = _writable(check.sentence)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
