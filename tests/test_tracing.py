"""Traces: a job belongs to the request that queued it; without a collector there is nothing of it."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import redis
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rq.job import Job
from rq.serializers import JSONSerializer

from saddlepoint.queue import SHARD, JobQueue
from saddlepoint.tracing import carried, trace_service, traced
from tests.spans import CALLER, TRACE, finished_spans, trace_of


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    with finished_spans(monkeypatch) as finished:
        yield finished


def test_a_job_takes_thetrace_of_whoever_queues_it_over_the_queue(spans: InMemorySpanExporter, redis_url: str) -> None:
    with trace.get_tracer("test").start_as_current_span("request"):
        JobQueue.open(redis_url).enqueue(SHARD, "e", "0", timeout_s=9)
    job = Job.fetch(SHARD.job_id("e", "0"), redis.Redis.from_url(redis_url), JSONSerializer)
    assert traced(lambda: True, "play_shard", job.meta, {"arguments": "e/0"})
    request, shard = spans.get_finished_spans()
    assert (request.name, shard.name, dict(shard.attributes or {})) == ("request", "play_shard", {"arguments": "e/0"})
    assert trace_of(shard) == trace_of(request)
    assert shard.parent is not None
    assert request.context is not None
    assert shard.parent.span_id == request.context.span_id


def test_a_job_that_fails_is_an_error_in_its_trace(spans: InMemorySpanExporter) -> None:
    assert not traced(lambda: False, "play_shard", {"traceparent": CALLER}, {})
    (span,) = spans.get_finished_spans()
    assert (trace_of(span), span.status.status_code) == (TRACE, trace.StatusCode.ERROR)


def test_outside_of_a_trace_a_job_carries_nothing() -> None:
    assert carried() == {}


def test_without_a_collector_nothing_is_loaded() -> None:
    code = (
        "import sys, service.app\n"
        "from saddlepoint.tracing import carried, trace_jobs, trace_service, traced\n"
        "trace_service({}), trace_jobs('evaluate', {})\n"
        "print(carried(), traced(lambda: True, 'n', {}, {}), 'opentelemetry.sdk.trace' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["{}", "True", "False"]


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with caplog.at_level(logging.WARNING):
        trace_service({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert "pip install 'saddlepoint[otel]'" in caplog.text


def test_a_jobs_span_reaches_the_collector_before_its_process_ends() -> None:
    paths: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    code = (
        "import os\nfrom saddlepoint.tracing import trace_jobs, traced\ntrace_jobs('evaluate')\n"
        "traced(lambda: True, 'play_shard', {}, {})\nos._exit(0)"
    )
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            where = f"http://127.0.0.1:{server.server_port}"
            subprocess.run([sys.executable, "-c", code], env=_environment(where), check=True)
        finally:
            server.shutdown()
            thread.join()
    assert paths == ["/v1/traces"]


def _environment(endpoint: str) -> dict[str, str]:
    return {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
