from __future__ import annotations

from datetime import UTC, datetime

import pytest

from activities.channels.mail import Mail, MailChannel
from activities.channels.results import NotSent, Sent
from activities.channels.wording import Matter, Words, digest, notice, survey
from runtime.settings import MailSettings
from tests.smtp import mailbox

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def mail(address: str = "dora@example.test", name: str = "Dora Ü.", key: str = "e.1.1") -> Mail:
    return Mail(key, name, address, Words("Overdue: Größe", "text\n", "<p>html</p>\n"), AT)


async def test_a_mail_has_both_forms_and_a_stable_id() -> None:
    with mailbox() as box:
        channel = MailChannel(box.settings)
        first = await channel.send(mail(), 5)
        second = await channel.send(mail(), 5)
        other = await channel.send(mail(key="e.1.2"), 5)
    assert isinstance(first, Sent) and first == second != other
    got = box.mails[0]
    assert got["Subject"] == "Overdue: Größe"
    assert got["To"] == '"Dora Ü." <dora@example.test>'
    assert got["Message-ID"] == first.details["message_id"]
    assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]


async def test_a_lost_answer_leads_to_the_same_message_id_again() -> None:
    with mailbox() as box:
        box.lose_answers = 1
        channel = MailChannel(box.settings)
        lost = await channel.send(mail(), 5)
        assert isinstance(lost, NotSent) and not lost.final
        assert isinstance(await channel.send(mail(), 5), Sent)
    assert len(box.mails) == 2
    assert len({m["Message-ID"] for m in box.mails}) == 1


@pytest.mark.parametrize(
    ("answer", "final"),
    [("451 later", False), ("452 full", False), ("550 nobody", True), ("535 who are you", False)],
)
async def test_the_servers_word_decides_whether_to_try_again(answer: str, final: bool) -> None:
    with mailbox() as box:
        box.answers.append(answer)
        result = await MailChannel(box.settings).send(mail(), 5)
    assert result == NotSent("mail_refused", final, None, {"smtp": int(answer[:3])})


async def test_nobody_listening_is_tried_again() -> None:
    with mailbox() as box:
        pass
    result = await MailChannel(box.settings).send(mail(), 2)
    assert isinstance(result, NotSent) and not result.final


async def test_without_a_server_it_is_final_and_says_so() -> None:
    result = await MailChannel(MailSettings()).send(mail(), 5)
    assert result == NotSent("mail_not_configured", final=True)


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nBcc: c@d", "Dora <d@example.test>", ""])
async def test_what_is_no_address_is_final(address: str) -> None:
    with mailbox() as box:
        result = await MailChannel(box.settings).send(mail(address), 5)
    assert result == NotSent("mail_address_invalid", final=True)
    assert box.mails == []


async def test_a_name_cannot_add_headers() -> None:
    with mailbox() as box:
        result = await MailChannel(box.settings).send(mail(name="Dora\r\nBcc: x@y.test"), 5)
    assert isinstance(result, Sent)
    assert box.mails[0]["Bcc"] is None


class TestWords:
    def test_a_notice_says_what_account_step_due_and_where(self) -> None:
        words = notice(
            Matter(
                "escalation",
                "at-risk-intervention",
                "Europe/Berlin",
                "Acme",
                account="Globex <b>",
                step="Schedule a call",
                due_at=datetime(2026, 11, 23, 16, 30, tzinfo=UTC),
                level=2,
                link="https://holdfast.example.test/executions/1",
            )
        )
        assert words.subject == "Overdue, level 2: Schedule a call (Globex <b>)"
        assert "Due: Monday, 23 November 2026, 17:30 CET" in words.text
        assert "https://holdfast.example.test/executions/1" in words.text
        assert "Globex &lt;b&gt;" in words.html and "Globex <b>" not in words.html

    def test_a_subject_is_one_line(self) -> None:
        words = notice(Matter("ended", "p", "UTC", "Acme", account="Glo\r\nBcc: x"))
        assert "\n" not in words.subject and "\r" not in words.subject

    def test_a_digest_lists_and_counts(self) -> None:
        matter = Matter("step_opened", "p", "UTC", "Acme", account="Globex", step="Call")
        words = digest("Acme", [matter, matter], 7)
        assert words.subject == "Your day in Holdfast: 7 notices"
        assert words.text.count("A step is yours: Call") == 2

    def test_a_survey_asks_one_question(self) -> None:
        assert "0 (not at all likely) to 10" in survey("Acme").text
