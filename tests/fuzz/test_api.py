"""A few hundred requests made from the OpenAPI document; `python -m tests.fuzz api` sends as many as wanted."""

from pathlib import Path

import pytest

from tests.fuzz.api import Findings, assail
from tests.fuzz.furnished import furnished


@pytest.mark.slow
def test_every_answer_is_one_that_the_document_announces(tmp_path: Path) -> None:
    findings = Findings()
    with furnished(tmp_path) as service:
        assail(service, 400, 1, findings)
    assert findings.wrong == {}
    assert findings.requests > 250
    answered = {status for _, status in findings.answers}
    assert {200, 201, 202, 204, 400, 404, 406, 409, 422} <= answered
