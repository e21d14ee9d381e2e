"""`holdfast playbook simulate`: a playbook from start to end in well under a second, no server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ConfigDict, TypeAdapter, with_config

from commands.output import AsJson, fails_plainly, show
from commands.simulation_table import print_simulation
from domain.calendars import CalendarSnapshot, WorkingHours, plain_calendar
from domain.errors import Invalid, NotFound
from domain.playbook.definition import Definition, Role, Value
from domain.playbook.parse import parse_playbook
from domain.playbook.source import decode
from domain.simulate import simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_report import simulation_to_json
from domain.simulation_script import People, Script, moment, parse_script, read_as
from playbooks.library import shipped, shipped_keys, shipped_ladders
from runtime.calendars import snapshot


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class CalendarFixture:
    """Monday to Friday from `opens` to `closes`, local time; holidays of a country."""

    timezone: str = "UTC"
    country: str | None = None
    subdivision: str | None = None
    opens: time = time(9)
    closes: time = time(17)


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class AccountFixture:
    """An account to simulate with: its fields, its team by name, its calendar, a start."""

    fields: dict[str, Value] = field(default_factory=dict)
    team: dict[Role, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    calendar: CalendarFixture | None = None
    start: str | None = None


_FIXTURE: TypeAdapter[AccountFixture] = TypeAdapter(AccountFixture)


@fails_plainly
def simulate_playbook(
    playbook: Annotated[str, typer.Argument(help="A shipped playbook's key, or a YAML file.")],
    account: Annotated[
        Path | None,
        typer.Option(help="YAML: fields, team, parameters, calendar, start.", dir_okay=False),
    ] = None,
    script: Annotated[
        Path | None, typer.Option(help="YAML: what people do, and when.", dir_okay=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="ISO instant; without an offset it is local time.")
    ] = None,
    people: Annotated[
        People | None, typer.Option(help="What everybody does whom the script leaves alone.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the start, as alert=payment.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show who is asked for what, when: every reminder, breach and escalation to the end."""
    definition = _definition(playbook)
    fixture = _fixture(account)
    begin, calendar = _start(start or fixture.start, fixture.calendar)
    subject = SimulatedSubject(
        fixture.fields, fixture.team, calendar, {**fixture.parameters, **_pairs(parameter or [])}
    )
    plan = parse_script(_read(script), script.name) if script else Script()
    if people is not None:
        plan = replace(plan, people=people)
    simulation = simulate(definition, subject, begin, plan)
    if as_json:
        show(simulation_to_json(definition, simulation), "", as_json=True)
    else:
        print_simulation(definition, simulation)


def register(app: typer.Typer) -> None:
    """Add `simulate` to the group `playbook`."""
    app.command("simulate")(simulate_playbook)


def _definition(name: str) -> Definition:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return parse_playbook(_read(path), path.name, shipped_ladders(), shipped_keys())
    if name not in shipped_keys():
        raise NotFound(
            f'There is no playbook "{name}"; name a file, or one of: {", ".join(shipped_keys())}.',
            code="unknown_playbook",
        )
    return shipped()[name].definition


def _fixture(path: Path | None) -> AccountFixture:
    if path is None:
        return AccountFixture()
    fixture, _ = read_as(_FIXTURE, _read(path), path.name, "account_invalid")
    return fixture


def _read(path: Path) -> str:
    try:
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror}. Check the name.", code="file_not_readable"
        ) from None


def _start(text: str | None, fixture: CalendarFixture | None) -> tuple[datetime, CalendarSnapshot]:
    """The start and the calendar around it; without a start, this very minute."""
    this_minute = datetime.now(UTC).replace(second=0, microsecond=0)
    if fixture is None:
        calendar = plain_calendar()
        return _moment(text, this_minute, calendar), calendar
    begin = _moment(text, this_minute, _calendar(fixture, this_minute))
    return begin, _calendar(fixture, begin)


def _moment(text: str | None, now: datetime, calendar: CalendarSnapshot) -> datetime:
    return now if text is None else moment(text, now, now, calendar)


def _calendar(fixture: CalendarFixture, start: datetime) -> CalendarSnapshot:
    opens, closes = (at.hour * 60 + at.minute for at in (fixture.opens, fixture.closes))
    return snapshot(
        "account",
        fixture.timezone,
        fixture.country,
        fixture.subdivision,
        tuple(WorkingHours(weekday, opens, closes) for weekday in range(5)),
        (),
        (),
        start,
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Invalid(
                f'"{text}" is no parameter; write NAME=VALUE, as alert=payment.',
                code="parameter_invalid",
            )
        pairs[name] = value
    return pairs
