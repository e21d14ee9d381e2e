from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from activities.channels.mail import MailChannel
from activities.channels.results import NotSent
from activities.channels.webhook import WebhookChannel
from activities.composing import Composer
from activities.delivering import REGULAR, DeliveringActivities, Pace
from activities.trying import MOST_TRIES, OLDEST, next_try
from db.engine import Database
from db.lives import Lives
from db.models.audit_entries import AuditEntry
from db.models.deliveries import Delivery
from db.models.executions import Execution
from db.models.webhook_endpoints import WebhookEndpoint
from db.queries import deliveries, endpoints
from db.queries.deliveries import Claimed
from db.transitions import settle_due
from domain.playbook.events import StepCompleted
from runtime.ids import new_id
from runtime.settings import MailSettings
from tests.http_receiver import Receiver, receiver
from tests.scenarios import World, one_call, one_event, world
from tests.smtp import Mailbox, mailbox

pytestmark = pytest.mark.anyio

SECRET = "whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5"


def delivering(db: Database, box: Mailbox) -> DeliveringActivities:
    composer = Composer(
        db,
        MailChannel(box.settings),
        WebhookChannel(allow_loopback=True),
        address="https://holdfast.example.test",
    )
    return DeliveringActivities(db, Lives(db), composer)


@pytest.fixture
async def scene(db: Database) -> AsyncIterator[World]:
    yield await world(db, one_call(), one_event())


async def escalated(scene: World) -> UUID:
    """An execution whose step is overdue; the id of the mail to the director."""
    started = await scene.start(since=timedelta(minutes=2))
    async with scene.db.transaction(scene.org) as session:
        found = await settle_due(session, started.execution, 0)
    (mail,) = found.pending_deliveries
    return UUID(mail)


async def row(scene: World, delivery: UUID) -> Delivery:
    async with scene.db.reading(scene.org) as session:
        found = await deliveries.get(session, delivery)
    assert found is not None
    return found


async def make_due(scene: World, delivery: UUID, **changes: Any) -> None:
    """Let a wait be over, as time would."""
    async with scene.db.transaction(scene.org) as session:
        await session.run(
            update(Delivery)
            .where(Delivery.org_id == scene.org.org, Delivery.id == delivery)
            .values(not_before=None, **changes)
        )


async def endpoint(scene: World, to: Receiver) -> UUID:
    identity = new_id()
    async with scene.db.transaction(scene.org) as session:
        await endpoints.add(session, identity, to.url, SECRET)
    return identity


async def sent_event(scene: World) -> tuple[UUID, Sequence[str]]:
    started = await scene.start("one-event")
    return started.execution, started.told[0].deliveries


class TestMail:
    async def test_an_escalation_reaches_the_director(self, scene: World) -> None:
        delivery = await escalated(scene)
        with mailbox() as box:
            report, soon = await delivering(scene.db, box).carry_out(
                scene.org, [str(delivery)], REGULAR
            )
        assert (report.done, soon) == ((str(delivery),), None)
        assert box.mails[0]["To"].startswith("dora")
        stored = await row(scene, delivery)
        assert (stored.status, stored.attempts, stored.last_error) == ("delivered", 1, None)

    async def test_a_lost_answer_is_tried_again_under_the_same_id(self, scene: World) -> None:
        delivery = await escalated(scene)
        with mailbox() as box:
            box.lose_answers = 1
            carrying = delivering(scene.db, box)
            report, soon = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
            assert report.done == () and soon is not None and soon <= timedelta(seconds=6)
            assert (await row(scene, delivery)).status == "pending"
            await make_due(scene, delivery)
            report, _ = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
        assert report.done == (str(delivery),)
        assert len(box.mails) == 2
        assert len({mail["Message-ID"] for mail in box.mails}) == 1

    async def test_what_was_delivered_is_not_sent_again(self, scene: World) -> None:
        delivery = await escalated(scene)
        with mailbox() as box:
            carrying = delivering(scene.db, box)
            for _ in range(3):
                report, _ = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
                assert report.done == (str(delivery),)
        assert len(box.mails) == 1

    async def test_a_long_wait_is_an_instant_not_an_attempt(self, scene: World) -> None:
        delivery = await escalated(scene)
        await make_due(scene, delivery, attempts=4)
        with mailbox() as box:
            box.answers.append("451 later")
            report, soon = await delivering(scene.db, box).carry_out(
                scene.org, [str(delivery)], REGULAR
            )
        assert soon is None
        (waiting,) = report.waiting
        assert waiting.not_before is not None
        left = waiting.not_before - datetime.now(UTC)
        assert timedelta(minutes=14) < left <= timedelta(minutes=15)

    async def test_what_is_refused_for_good_is_a_dead_letter_that_can_be_redelivered(
        self, scene: World
    ) -> None:
        delivery = await escalated(scene)
        with mailbox() as box:
            box.answers.append("550 nobody here")
            carrying = delivering(scene.db, box)
            report, _ = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
            assert report.done == (str(delivery),)
            dead = await row(scene, delivery)
            assert (dead.status, dead.last_error) == ("dead", "mail_refused")
            async with scene.db.transaction(scene.org) as session:
                assert await deliveries.redeliver(session, delivery) is not None
            report, _ = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
        assert (await row(scene, delivery)).status == "delivered"
        assert len(box.mails) == 1


class TestPointless:
    async def test_nobody_is_reminded_of_what_is_done(self, scene: World) -> None:
        delivery = await escalated(scene)
        await make_due(scene, delivery, template="reminder")
        stored = await row(scene, delivery)
        assert stored.execution_id is not None
        await scene.apply(stored.execution_id, StepCompleted("call"))
        with mailbox() as box:
            report, _ = await delivering(scene.db, box).carry_out(
                scene.org, [str(delivery)], REGULAR
            )
        assert report.done == (str(delivery),) and box.mails == []
        assert (await row(scene, delivery)).status == "withdrawn"

    async def test_an_escalation_is_told_though_the_step_was_done_since(self, scene: World) -> None:
        delivery = await escalated(scene)
        stored = await row(scene, delivery)
        assert stored.execution_id is not None
        await scene.apply(stored.execution_id, StepCompleted("call"))
        with mailbox() as box:
            await delivering(scene.db, box).carry_out(scene.org, [str(delivery)], REGULAR)
        assert len(box.mails) == 1


class TestQuietHours:
    def composer(self, scene: World, at: datetime) -> Composer:
        return Composer(
            scene.db,
            MailChannel(MailSettings()),
            WebhookChannel(),
            address="https://holdfast.example.test",
            clock=lambda _: at,
        )

    async def test_what_is_not_urgent_waits_for_the_next_opening(self, scene: World) -> None:
        delivery = await escalated(scene)
        await make_due(scene, delivery, urgent=False)
        saturday = self.composer(scene, datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
        opening = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
        assert await saturday.quiet_until(scene.org, delivery) == opening
        assert await self.composer(scene, opening).quiet_until(scene.org, delivery) is None

    async def test_what_is_critical_goes_at_once(self, scene: World) -> None:
        delivery = await escalated(scene)
        saturday = self.composer(scene, datetime(2026, 11, 28, 3, 0, tzinfo=UTC))
        assert await saturday.quiet_until(scene.org, delivery) is None


class TestFencing:
    async def test_a_late_result_is_refused(self, scene: World) -> None:
        delivery = await escalated(scene)
        with mailbox() as box:
            carrying = delivering(scene.db, box)
            async with scene.db.transaction(scene.org) as session:
                slow = await deliveries.claim(session, delivery, timedelta(milliseconds=1))
            assert isinstance(slow, Claimed)
            report, _ = await carrying.carry_out(scene.org, [str(delivery)], REGULAR)
            assert report.done == (str(delivery),)
            late = await carrying._record(scene.org, slow, NotSent("no_answer", final=True))
        assert not late.done
        assert (await row(scene, delivery)).status == "delivered"

    async def test_what_another_process_holds_is_left_to_it(self, scene: World) -> None:
        delivery = await escalated(scene)
        async with scene.db.transaction(scene.org) as session:
            await deliveries.claim(session, delivery, timedelta(minutes=5))
        with mailbox() as box:
            report, soon = await delivering(scene.db, box).carry_out(
                scene.org, [str(delivery)], REGULAR
            )
        assert box.mails == [] and soon is None
        assert [waiting.id for waiting in report.waiting] == [str(delivery)]

    async def test_a_silent_server_costs_no_more_than_its_share(self, scene: World) -> None:
        delivery = await escalated(scene)
        with receiver() as silent, mailbox() as box:
            silent.answers.append((-1, {}))
            box.port = silent.port
            report, soon = await delivering(scene.db, box).carry_out(
                scene.org, [str(delivery)], Pace(patience=0.5, begin_within=5)
            )
        assert report.done == () and soon is not None
        assert (await row(scene, delivery)).last_error in ("no_answer", "mail_no_answer")


class TestWebhook:
    async def test_a_step_that_waits_is_told_its_result(self, scene: World) -> None:
        with receiver() as to, mailbox() as box:
            await endpoint(scene, to)
            execution, wanted = await sent_event(scene)
            to.answers.append((500, {}))
            carrying = delivering(scene.db, box)
            report, soon = await carrying.carry_out(scene.org, wanted, REGULAR)
            assert report.done == () and soon is not None
            await make_due(scene, UUID(wanted[0]))
            report, _ = await carrying.carry_out(scene.org, wanted, REGULAR)
        assert report.done == tuple(wanted) and report.changed
        assert len({got.headers["webhook-id"] for got in to.requests}) == 1
        async with scene.db.reading(scene.org) as session:
            stored = await session.get(Execution, execution)
        assert stored is not None and stored.outcome == "success"

    async def test_gone_closes_the_endpoint_and_is_audited(self, scene: World) -> None:
        with receiver() as to, mailbox() as box:
            identity = await endpoint(scene, to)
            _, wanted = await sent_event(scene)
            to.answers.append((410, {}))
            report, _ = await delivering(scene.db, box).carry_out(scene.org, wanted, REGULAR)
        assert report.done == tuple(wanted)
        assert (await row(scene, UUID(wanted[0]))).status == "dead"
        async with scene.db.reading(scene.org) as session:
            closed = await session.get(WebhookEndpoint, identity)
            audited = await session.scalars(
                select(AuditEntry.object_id).where(
                    AuditEntry.action == "webhook_endpoint_deactivated"
                )
            )
            assert list(audited) == [str(identity)]
        assert closed is not None and (closed.active, closed.inactive_reason) == (False, "gone")

    async def test_without_an_endpoint_it_is_a_dead_letter(self, scene: World) -> None:
        _, wanted = await sent_event(scene)
        with mailbox() as box:
            report, _ = await delivering(scene.db, box).carry_out(scene.org, wanted, REGULAR)
        assert report.done == tuple(wanted)
        assert (await row(scene, UUID(wanted[0]))).last_error == "no_endpoint"


class TestNextTry:
    def claimed(self, attempts: int, age: timedelta = timedelta()) -> tuple[Claimed, datetime]:
        now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        return (
            Claimed(
                new_id(), None, None, 1, None, None, "mail", "member", None, "reminder", {},
                False, "workflow", attempts, attempts, now, now - age,
            ),
            now,
        )  # fmt: skip

    def test_waits_grow_and_then_end(self) -> None:
        waits = []
        for attempt in range(1, MOST_TRIES):
            claimed, now = self.claimed(attempt)
            waits.append(next_try(claimed, NotSent("x"), now))
        assert all(wait is not None for wait in waits)
        assert waits == sorted(waits, key=lambda wait: wait or timedelta())
        claimed, now = self.claimed(MOST_TRIES)
        assert next_try(claimed, NotSent("x"), now) is None

    def test_days_of_silence_are_survived(self) -> None:
        claimed, now = self.claimed(12, timedelta(hours=75))
        assert next_try(claimed, NotSent("x"), now) is not None
        claimed, now = self.claimed(12, OLDEST)
        assert next_try(claimed, NotSent("x"), now) is None

    def test_the_receiver_may_ask_for_a_longer_wait(self) -> None:
        claimed, now = self.claimed(1)
        asked = next_try(claimed, NotSent("x", retry_after=3600), now)
        assert asked == timedelta(hours=1)
