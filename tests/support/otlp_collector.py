"""A collector that takes OTLP over HTTP: a real server on 127.0.0.1 that decodes what comes, and can be slow, busy or rude."""

import gzip
import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


@dataclass(slots=True)
class Reply:
    """What it says to one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    refused: int = 0
    hold: threading.Event | None = None
    """It answers when this is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """One request as it came, decoded."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    metric: str
    attributes: dict[str, Any]
    value: int
    """Of a sum."""
    count: int
    sum: float
    buckets: tuple[int, ...]
    bounds: tuple[float, ...]
    start_ns: int
    end_ns: int
    monotonic: bool
    temporality: int
    unit: str


class OtlpCollector:
    """Use as a context manager; `url` is its base address. `replies` gives what it says, by the number of the request."""

    def __init__(self, replies: Callable[[int], Reply] = lambda number: Reply()) -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self.came: list[Came] = []
        """Everything that it answered with 200."""
        self.attempts: list[tuple[str, int]] = []
        """Path and status of every request."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._take(self)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "OtlpCollector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers["content-length"]))
        with self._lock:
            reply = self._replies(len(self.attempts))
            self.attempts.append((handler.path, reply.status))
        if reply.hold is not None:
            reply.hold.wait(30)
        body = gzip.decompress(raw) if handler.headers.get("content-encoding") == "gzip" else raw
        traces = handler.path.endswith("/v1/traces")
        message: Any = ExportTraceServiceRequest() if traces else ExportMetricsServiceRequest()
        message.ParseFromString(body)
        answer: Any = ExportTraceServiceResponse() if traces else ExportMetricsServiceResponse()
        if reply.refused and traces:
            answer.partial_success.rejected_spans = reply.refused
        elif reply.refused:
            answer.partial_success.rejected_data_points = reply.refused
        if reply.status == 200:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            with self._lock:
                self.came.append(Came(path=handler.path, headers=headers, body=message))
        out = answer.SerializeToString()
        handler.send_response(reply.status)
        for name, value in {**reply.headers, "content-length": str(len(out))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(out)

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Spans as JSON would have them, attributes as a plain mapping, those of the resource under `resource`."""
        to_dict: Any = importlib.import_module("google.protobuf.json_format").MessageToDict
        found: list[dict[str, Any]] = []
        for one in self.came:
            if not one.path.endswith("/v1/traces"):
                continue
            for group in one.body.resource_spans:
                resource = plain(group.resource.attributes)
                for scope in group.scope_spans:
                    for span in scope.spans:
                        as_json = to_dict(span)
                        ids = {"trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex()}
                        found.append({**as_json, **ids, "attributes": plain(span.attributes), "resource": resource})
        return found

    @property
    def points(self) -> list[Point]:
        found: list[Point] = []
        for one in self.came:
            if not one.path.endswith("/v1/metrics"):
                continue
            for group in one.body.resource_metrics:
                for scope in group.scope_metrics:
                    for metric in scope.metrics:
                        found += _points(metric)
        return found

    def total(self, metric: str, **where: Any) -> int:
        """The sum of a counter's points, of those whose attributes hold `where` (with `_` for `.`)."""
        return sum(one.value for one in self.points if one.metric == metric and _holds(one.attributes, where))


def plain(attributes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        found[one.key] = [each.string_value for each in value.values] if kind == "array_value" else value
    return found


def _holds(attributes: dict[str, Any], where: dict[str, Any]) -> bool:
    flat = {name.replace(".", "_"): value for name, value in attributes.items()}
    return all(flat.get(name) == value for name, value in where.items())


def _points(metric: Any) -> list[Point]:
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    histogram = kind == "histogram"
    return [
        Point(
            metric=metric.name,
            attributes=plain(one.attributes),
            value=0 if histogram else one.as_int,
            count=one.count if histogram else 0,
            sum=one.sum if histogram else 0.0,
            buckets=tuple(one.bucket_counts) if histogram else (),
            bounds=tuple(one.explicit_bounds) if histogram else (),
            start_ns=one.start_time_unix_nano,
            end_ns=one.time_unix_nano,
            monotonic=False if histogram else data.is_monotonic,
            temporality=data.aggregation_temporality,
            unit=metric.unit,
        )
        for one in data.data_points
    ]
