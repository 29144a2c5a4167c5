"""A request is a part of its caller's trace."""

import pytest

from tests.service.bench import Bench
from tests.spans import CALLER, TRACE, finished_spans, trace_of

pytestmark = pytest.mark.anyio


async def test_a_request_goes_on_with_the_trace_of_its_caller(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with finished_spans(monkeypatch) as spans:
        await bench.api.get("/v1/evaluations/nowhere", headers={"traceparent": CALLER})
    (span,) = spans.get_finished_spans()
    assert (span.name, trace_of(span)) == ("GET /v1/evaluations/{evaluation_id}", TRACE)
