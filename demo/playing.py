"""Plays a story: everything that happens, at its own past instant, by the functions of the engine.

Deadlines, news and people take their turns in the order of their instants, so that nothing is
settled late and the history reads as if Holdfast had run all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from db.intake import Fact, learn_fact, learn_fields
from db.models.touches import Touch
from db.models.words import Words
from db.people import People
from db.queries import demo_history, executions, surroundings, versions
from db.requests import Applied, Clock, NewEvidence, NewWords, StartRequest
from db.sessions import WriteSession
from db.starting import start_execution
from db.transitions import apply_event, hold, settle_due
from demo import company, phrases
from demo.evidence import given
from demo.identity import dated, pick, share
from demo.portfolio import BY_KEY
from demo.standing import Fields
from demo.story import Act, Part, Story
from domain.calendars import CalendarSnapshot, next_working_instant
from domain.playbook.codec import state_from_json
from domain.playbook.deadlines import next_deadline
from domain.playbook.definition import Definition, StepKind
from domain.playbook.draft import step_of
from domain.playbook.events import (
    SYSTEM,
    Actor,
    DeliveryEnded,
    Event,
    HandOffDecided,
    StepCompleted,
)
from domain.playbook.state import State, StepState, StepStatus

SENDING = timedelta(minutes=1)
"""How long the past took to carry out a delivery that a step waited for."""


@dataclass(slots=True)
class _Life:
    """An execution on its way; `since` keeps when each step came into its status."""

    id: UUID
    part: Part
    definition: Definition
    state: State
    acts: list[Act]
    since: dict[tuple[str, int, StepStatus], datetime] = field(default_factory=dict)
    tried: set[tuple[str, int, StepStatus]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What comes next: `rank` orders turns of one instant."""

    at: datetime
    rank: int
    life: _Life | None = None
    step: StepState | None = None
    act: Act | None = None
    start: int | None = None


@dataclass(slots=True)
class Playing:
    """One story in one transaction."""

    session: WriteSession
    story: Story
    now: datetime
    calendar: CalendarSnapshot
    lives: list[_Life] = field(default_factory=list)
    _to_start: list[int] = field(default_factory=list)
    _news: list[tuple[timedelta, Fields]] = field(default_factory=list)
    _present: dict[bool, People] = field(default_factory=dict)

    async def play(self) -> None:
        """Everything until now."""
        self._to_start = list(range(len(self.story.parts)))
        self._news = sorted(self.story.news, key=lambda news: -news[0])
        while True:
            turn = min(self._turns(), key=lambda one: (one.at, one.rank), default=None)
            if turn is None or turn.at > self.now:
                return
            await self._take(turn)

    # --- whose turn it is -----------------------------------------------------------------

    def _turns(self) -> Iterator[_Turn]:
        for number in self._to_start:
            yield _Turn(self._began(number), 1, start=number)
        for ago, _ in self._news[:1]:
            yield _Turn(self.now - ago, 2)
        for life in self.lives:
            if life.state.ended_at is not None:
                continue
            due = next_deadline(life.definition, life.state)
            if due is not None:
                yield _Turn(due, 0, life)
            for act in life.acts:
                yield _Turn(self.now - act.ago, 3, life, act=act)
            if not life.state.paused_by:
                yield from self._work(life)

    def _began(self, number: int) -> datetime:
        return self.story.parts[number].began(self.now, self.calendar)

    def _work(self, life: _Life) -> Iterator[_Turn]:
        for step in life.state.steps:
            at = self._work_at(life, step)
            if at is not None:
                yield _Turn(max(at, life.state.last_at), 4, life, step)

    def _work_at(self, life: _Life, step: StepState) -> datetime | None:
        """When somebody does this step, if anybody does."""
        key = (step.key, step.occurrence, step.status)
        since = life.since.setdefault(key, life.state.last_at)
        if key in life.tried:
            return None
        if step.status is StepStatus.sending:
            return since + SENDING
        name = f"offer:{step.key}" if step.status is StepStatus.offered else step.key
        if step.status not in (StepStatus.open, StepStatus.offered) or name in life.part.leave:
            return None
        if step.key in life.part.leave and step.status is StepStatus.open:
            return None
        defined = step_of(life.definition, step.key)
        if defined.kind in (StepKind.survey, StepKind.wait):
            return None
        if name in life.part.times:
            return max(self.now - life.part.times[name], since)
        return self._in_time(life, step, since)

    def _in_time(self, life: _Life, step: StepState, since: datetime) -> datetime:
        """In office hours where that is early enough, else well before it is due."""
        length = (step.due_at - since) if step.due_at else timedelta(days=2)
        part = 0.1 + 0.35 * share(str(life.id), step.key, str(step.occurrence))
        at = since + length * part
        in_office = next_working_instant(at, self.calendar)
        return in_office if in_office <= since + length * 0.6 else at

    # --- taking it ------------------------------------------------------------------------

    async def _take(self, turn: _Turn) -> None:
        if turn.start is not None:
            self._to_start.remove(turn.start)
            await self._start(turn.start, turn.at)
        elif turn.life is None:
            _, fields = self._news.pop(0)
            account = BY_KEY[self.story.account].id
            learned = await learn_fields(self.session, account, fields, clock=_clock(turn.at))
            self._learn(learned.applied)
        elif turn.act is not None:
            turn.life.acts.remove(turn.act)
            await self._act(turn.life, turn.act, turn.at)
        elif turn.step is not None:
            await self._do(turn.life, turn.step, turn.at)
        else:
            known = turn.life.state.number
            await settle_due(self.session, turn.life.id, known, clock=_clock(turn.at))
            await self._reload([turn.life.id])

    async def _start(self, number: int, at: datetime) -> None:
        part, customer = self.story.parts[number], BY_KEY[self.story.account]
        version = await versions.enabled(self.session, part.playbook)
        definition = await versions.definition(self.session, version.id, version.content_hash)
        contact = customer.contact(part.contact) if part.contact else None
        identity = self.story.execution(number)
        request = StartRequest(
            id=identity,
            playbook=part.playbook,
            subject_kind=definition.subject,
            subject=contact or customer.id,
            account=customer.id,
            contact=contact,
            parameters=dict(part.parameters),
            cause="demo",
            reason=NewWords(dated(at, str(identity), "reason"), "reason", part.reason),
        )
        actor = company.BY_KEY[part.by].actor
        applied = await start_execution(self.session, request, actor, clock=_clock(at), bulk=True)
        life = _Life(identity, part, definition, applied.state, list(part.acts))
        self.lives.append(life)
        await self._learned(applied)

    async def _act(self, life: _Life, act: Act, at: datetime) -> None:
        words = []
        if act.reason is not None:
            identity = dated(at, str(life.id), "act", act.by, act.reason)
            words.append(NewWords(identity, "reason", act.reason))
        body = act.body(self.now, str(words[0].id) if words else None)
        event = Event(f"demo:{body.kind}:{at.isoformat()}", body, company.BY_KEY[act.by].actor)
        await self._apply(life, event, at, words=words, refused=act.refused)

    async def _do(self, life: _Life, step: StepState, at: datetime) -> None:
        """The next thing that happens to an open step: it is sent, offered, answered or done."""
        life.tried.add((step.key, step.occurrence, step.status))
        if step.status is StepStatus.sending:
            delivery = await demo_history.deliver_past(self.session, life.id, step.key)
            ended = DeliveryEnded(step.key, True, step.occurrence)
            await self._apply(life, Event(f"delivery:{delivery}", ended, SYSTEM), at)
            return
        actor = self._actor(await self._people(at), step)
        if step.status is StepStatus.offered:
            answer = HandOffDecided(step.key, True, step.occurrence)
            event = Event(f"demo:{step.key}:{step.occurrence}:accepted", answer, actor)
            await self._apply(life, event, at)
            return
        defined = step_of(life.definition, step.key)
        facts = tuple(
            kind for kind in defined.completes_on if kind in ("touch.call", "touch.meeting")
        )
        if facts and await self._touched(life, step, pick(facts, step.key), actor, at):
            return
        answers, evidence = given(
            defined, life.state.fields, at, BY_KEY[self.story.account], life.part.answers
        )
        options = tuple(choice.key for choice in defined.choices)
        complete = StepCompleted(
            step.key,
            step.occurrence,
            choice=life.part.choices.get(step.key, options[0]) if options else None,
            answers=answers,
            evidence={one.field: str(one.id) for one in evidence},
        )
        event = Event(f"demo:{step.key}:{step.occurrence}:{step.generation}", complete, actor)
        await self._apply(life, event, at, evidence=evidence)

    async def _people(self, at: datetime) -> People:
        """Who is there at an instant; read once for before and once for since the absence."""
        away = at >= self.now - company.AWAY_SINCE
        if away not in self._present:
            account = BY_KEY[self.story.account].id
            self._present[away] = await surroundings.people_of(self.session, account, at)
        return self._present[away]

    def _actor(self, people: People, step: StepState) -> Actor:
        """Who holds the step; who stands in for them does it where they are away."""
        member = people.assignee(step)
        assert member is not None
        present = people.present(member)
        found = company.BY_ID[str(present)]
        behalf = str(member) if present != member else None
        return Actor(str(present), (found.role,), behalf)

    async def _touched(
        self, life: _Life, step: StepState, kind: str, actor: Actor, at: datetime
    ) -> bool:
        """Log a call or meeting, which completes the step; whether it did."""
        customer = BY_KEY[self.story.account]
        org, member = company.ORGANIZATION, UUID(actor.member)
        name = (str(life.id), step.key, str(step.occurrence))
        said, touch = dated(at, "words", *name), dated(at, "touch", *name)
        self.session.add(
            Words(
                org_id=org,
                id=said,
                account_id=customer.id,
                author_id=member,
                purpose="touch",
                body=pick(phrases.TOUCHES, *name),
                created_at=at,
            )
        )
        await self.session.flush()
        self.session.add(
            Touch(
                org_id=org,
                id=touch,
                account_id=customer.id,
                contact_id=customer.contact(),
                member_id=member,
                words_id=said,
                kind=kind.removeprefix("touch."),
                occurred_at=at,
                recorded_at=at,
            )
        )
        await self.session.flush()
        fact = Fact(kind, touch, at)
        applied = await learn_fact(self.session, customer.id, fact, actor, clock=_clock(at))
        self._learn(applied)
        return step_now(life.state, step).status not in (StepStatus.open, StepStatus.waiting)

    async def _apply(
        self,
        life: _Life,
        event: Event,
        at: datetime,
        *,
        words: Iterable[NewWords] = (),
        evidence: Iterable[NewEvidence] = (),
        refused: str | None = None,
    ) -> None:
        applied = await apply_event(
            self.session,
            await hold(self.session, life.id, event.id, clock=_clock(at)),
            event,
            words=tuple(words),
            evidence=tuple(evidence),
            bulk=True,
        )
        code = applied.refusal.code if applied.refusal else None
        if applied.refusal is not None and code != refused:
            raise applied.refusal
        assert code == refused, f"{event.id} should have been refused with {refused}"
        await self._learned(applied)

    # --- keeping up -----------------------------------------------------------------------

    async def _learned(self, applied: Applied) -> None:
        self._learn([applied])
        if applied.others:
            await self._reload(applied.others)

    def _learn(self, applied: Iterable[Applied]) -> None:
        for one in applied:
            for life in self.lives:
                if life.id == one.execution:
                    life.state = one.state

    async def _reload(self, wanted: Iterable[UUID]) -> None:
        for life in self.lives:
            if life.id in wanted:
                stored = await executions.read(self.session, life.id)
                life.state = state_from_json(stored.state)


def step_now(state: State, step: StepState) -> StepState:
    """The same occurrence in a later state."""
    return next(
        one for one in state.steps if (one.key, one.occurrence) == (step.key, step.occurrence)
    )


def _clock(at: datetime) -> Clock:
    return lambda _: at
