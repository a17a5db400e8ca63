"""Spans and metrics as OTLP's protocol buffers. The one owner of `opentelemetry.proto`, which is loaded on first use.

OpenTelemetry's SDK is not used: it makes ids of its own, knows no time but now, and sends by a second HTTP library from
threads of its own. What is wanted here is an encoding.
"""

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tallystick_agent import __version__
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.telemetry.measures import Instrument, Key, Measures, Sums
from tallystick_server.telemetry.spans import Span
from tallystick_server.telemetry.words import Value

_KIND: Final = {"internal": 1, "client": 3}
_DELTA: Final = 1
_CUMULATIVE: Final = 2
_ERROR: Final = 2
_SAMPLED: Final = 1


def check() -> None:
    """Raises `ConfigurationError` where the library is not installed."""
    try:
        there = importlib.util.find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        raise ConfigurationError(
            "OpenTelemetry needs opentelemetry-proto, which is not installed.", remedy="Run: pip install 'tallystick[otel]'"
        )


def resource_of(more: Mapping[str, str], instance: str) -> dict[str, Value]:
    """Who says it. `more` comes from the user and wins."""
    named = {"service.name": "tallystick", "service.version": __version__, "service.instance.id": instance}
    return {**named, **more}


def traces(spans: Iterable[Span], resource: Mapping[str, Value]) -> bytes:
    """The body of a request to `/v1/traces`."""
    service: Any = importlib.import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    request = service.ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _attributes(group.resource.attributes, resource.items())
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "tallystick", __version__
    for one in spans:
        span = scope.spans.add(
            trace_id=one.trace_id,
            span_id=one.span_id,
            parent_span_id=one.parent_id,
            flags=_SAMPLED,
            name=one.name,
            kind=_KIND[one.kind],
            start_time_unix_nano=max(one.start_ns, 0),
            end_time_unix_nano=max(one.end_ns, 0),
        )
        _attributes(span.attributes, one.attributes.items())
        if one.error:
            span.status.code, span.status.message = _ERROR, one.error
    return bytes(request.SerializeToString())


def metrics(measures: Measures, resource: Mapping[str, Value], *, start_ns: int, end_ns: int, delta: bool) -> bytes:
    """The body of a request to `/v1/metrics`: the sums from `start_ns` to `end_ns`."""
    service: Any = importlib.import_module("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    request = service.ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    _attributes(group.resource.attributes, resource.items())
    scope = group.scope_metrics.add()
    scope.scope.name, scope.scope.version = "tallystick", __version__
    for instrument, series in measures:
        metric = scope.metrics.add(name=instrument.name, unit=instrument.unit, description=instrument.meaning)
        data = metric.histogram if instrument.kind == "histogram" else metric.sum
        data.aggregation_temporality = _DELTA if delta else _CUMULATIVE
        if instrument.kind != "histogram":
            data.is_monotonic = instrument.kind == "counter"
        for key, sums in series.items():
            point = data.data_points.add(start_time_unix_nano=start_ns, time_unix_nano=end_ns)
            _fill(point, instrument, key, sums)
    return bytes(request.SerializeToString())


def refused(body: bytes, kind: str) -> int:
    """How many of a request a collector did not take, by its answer; one that cannot be read says none."""
    name = "trace" if kind == "traces" else "metrics"
    service: Any = importlib.import_module(f"opentelemetry.proto.collector.{name}.v1.{name}_service_pb2")
    answer = service.ExportTraceServiceResponse() if name == "trace" else service.ExportMetricsServiceResponse()
    try:
        answer.ParseFromString(body)
    except Exception:  # The class of the error is not part of the library's interface.
        return 0
    partial = answer.partial_success
    return int(partial.rejected_spans if name == "trace" else partial.rejected_data_points)


def _fill(point: Any, instrument: Instrument, key: Key, sums: Sums) -> None:
    _attributes(point.attributes, key)
    if instrument.kind != "histogram":
        point.as_int = int(sums.total)
        return
    point.count, point.sum, point.min, point.max = sums.count, float(sums.total), sums.least, sums.most
    point.bucket_counts.extend(sums.buckets)
    point.explicit_bounds.extend(instrument.bounds)


def _attributes(into: Any, attributes: Iterable[tuple[str, Value]]) -> None:
    for name, value in attributes:
        found = into.add(key=name).value
        # A truth is a number in Python, so it is asked for first.
        if isinstance(value, bool):
            found.bool_value = value
        elif isinstance(value, int):
            found.int_value = value
        elif isinstance(value, float):
            found.double_value = value
        elif isinstance(value, str):
            found.string_value = value.encode("utf-8", "replace").decode("utf-8")
        else:
            for one in value:
                found.array_value.values.add(string_value=one)
