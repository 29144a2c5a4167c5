"""Traces by OpenTelemetry, from a request over the queue to the jobs that it made.

Off, and not even imported, unless OTEL_EXPORTER_OTLP_ENDPOINT is set. FastAPI traces requests by itself once there is a
provider. A job that somebody else queues again, such as the reconciler, has no request and begins a trace of its own.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SDK = "opentelemetry.sdk.trace"
_PATIENCE_S = 2
"""A worker's job ends when its span is sent, and must not wait for a collector that is away."""

_log = logging.getLogger(__name__)


def trace_service(environment: Mapping[str, str] = os.environ) -> None:
    """Send the spans of this process in batches, by a thread of their own."""
    _start("service", environment, at_once=False)


def trace_jobs(role: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send each span as it ends, without a thread: jobs are forked, and their process ends with them."""
    _start(role, environment, at_once=True)


def carried() -> dict[str, str]:
    """What a job takes along to belong to the present trace; nothing outside of one."""
    carrier: dict[str, str] = {}
    if _is_on():
        from opentelemetry import propagate

        propagate.inject(carrier)
    return carrier


def traced(perform: Callable[[], bool], name: str, carrier: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """`perform()` within a span that belongs to the trace in `carrier`; False marks it as an error."""
    if not _is_on():
        return perform()
    from opentelemetry import propagate, trace

    parent = propagate.extract(carrier)
    tracer = trace.get_tracer("saddlepoint")
    with tracer.start_as_current_span(name, parent, trace.SpanKind.CONSUMER, attributes) as span:
        done = perform()
        if not done:
            span.set_status(trace.StatusCode.ERROR)
        return done


def _start(role: str, environment: Mapping[str, str], *, at_once: bool) -> None:
    if not environment.get(_ENDPOINT):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError:
        _log.warning("%s is set, but nothing is traced: pip install 'saddlepoint[otel]'", _ENDPOINT)
        return
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: f"saddlepoint-{role}"}))
    if at_once:
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(timeout=_PATIENCE_S)))
    else:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _is_on() -> bool:
    """Nothing is traced in a process that has not loaded the SDK."""
    return _SDK in sys.modules
