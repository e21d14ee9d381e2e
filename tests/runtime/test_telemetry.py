"""Metrics can be read in Prometheus' form, and nothing is sent unless the environment says so."""

from __future__ import annotations

import subprocess
import sys

MEASURES = """
from opentelemetry import metrics
from runtime.telemetry import set_up_telemetry
telemetry = set_up_telemetry("api", {environment})
metrics.get_meter("test").create_counter("commands").add(3)
text, kind = telemetry.metrics_text()
print(telemetry.tracing, kind.split(";")[0])
print(text.decode())
"""


def measure(environment: dict[str, str]) -> str:
    """Run in a process of its own, because telemetry is set up once in a process."""
    code = MEASURES.replace("{environment}", repr(environment))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_counts_are_served_as_text_and_traces_are_off() -> None:
    shown = measure({})
    assert shown.startswith("False text/plain\n")
    assert "commands_total{" in shown
    assert "} 3.0" in shown


def test_traces_are_on_where_the_environment_names_a_target() -> None:
    assert measure({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}).startswith("True")


def test_the_standard_switch_turns_sending_off() -> None:
    switched_off = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_SDK_DISABLED": "true",
    }
    assert measure(switched_off).startswith("False")
