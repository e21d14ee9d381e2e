"""Traces and metrics by OpenTelemetry; nothing leaves the process unless `OTEL_*` says where to.

Metrics are always kept in this process for `/metrics`. Traces, and metrics by push, go out when
`OTEL_EXPORTER_OTLP_ENDPOINT` (or its per-signal form) is set; `OTEL_SDK_DISABLED=true` switches
everything off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What one process measures; `shut_down` sends what is left."""

    tracing: bool
    registry: CollectorRegistry
    _tracers: TracerProvider
    _meters: MeterProvider

    def metrics_text(self) -> tuple[bytes, str]:
        """The metrics in Prometheus' text form, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def shut_down(self) -> None:
        self._tracers.shutdown()
        self._meters.shutdown()


def set_up_telemetry(process: str, environment: Mapping[str, str]) -> Telemetry:
    """Make this process's tracer and meter the global ones. Call it once, where composed.

    `process` is "api" or "worker" and names the service unless `OTEL_SERVICE_NAME` does.
    """
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    resource = Resource.create(
        {"service.name": environment.get("OTEL_SERVICE_NAME") or f"holdfast-{process}"}
    )
    registry = CollectorRegistry()
    readers: list[MetricReader] = [PrometheusMetricReader(registry=registry)]
    if not disabled and _has_target(environment, "METRICS"):
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    tracing = not disabled and _has_target(environment, "TRACES")
    tracers = TracerProvider(resource=resource)
    if tracing:
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = MeterProvider(resource=resource, metric_readers=readers)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return Telemetry(tracing, registry, tracers, meters)


def _has_target(environment: Mapping[str, str], signal: str) -> bool:
    if environment.get(f"OTEL_{signal}_EXPORTER", "otlp").lower() == "none":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environment.get(name) for name in names)
