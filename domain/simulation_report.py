"""A simulation as JSON values: what the CLI prints, the API answers and tests compare."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.playbook.codec import command_to_json, event_to_json
from domain.playbook.definition import Definition
from domain.simulate import Line, Simulation


def simulation_to_json(definition: Definition, simulation: Simulation) -> dict[str, Any]:
    """Plain JSON values; instants as ISO 8601 with "Z". Each command says in `to` whom it goes."""
    state = simulation.state
    return {
        "playbook": definition.key,
        "start": _instant(simulation.start),
        "ended_by": simulation.ended_by.value,
        "ended_at": _instant(state.last_at),
        "outcome": state.outcome.value if state.outcome else None,
        "outcome_code": state.outcome_code,
        "lines": [_line(line) for line in simulation.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {
        "at": _instant(line.at),
        "number": line.number,
        "event": event_to_json(line.event),
        "late": line.late,
        "commands": [{**command_to_json(said.command), "to": list(said.to)} for said in line.said],
    }
    if line.refused is not None:
        found |= {"refused": line.refused, "message": line.message}
    return found


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
