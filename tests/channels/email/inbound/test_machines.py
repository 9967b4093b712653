"""Machines never decide (threat T19): each mark of theirs, and the letters of people that look a little like it."""

from __future__ import annotations

import pytest

from channels.email.inbound.values import Reason
from tests.channels.email.inbound.letters import letter, mail, of

MARKS = {
    Reason.AUTO_SUBMITTED: [
        "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; owner-email=x",
        "auto-submitted:\r\n AUTO-NOTIFIED",
        "Auto-Submitted: no, really", "Auto-Submitted:", "X-Autoreply: yes", "X-Autorespond: Re: x", "X-Vacation: 1",
        "X-QQ-Auto-Reply: 1",
        "Delivered-To: Autoresponder", "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
    ],
    Reason.AUTO_RESPONSE_SUPPRESS: ["X-Auto-Response-Suppress: All", "X-Auto-Response-Suppress: DR, OOF, AutoReply"],
    Reason.BULK: [
        "Precedence: bulk", "Precedence: Auto_Reply", "Precedence: list", "Precedence: junk", "List-Id: <x.example>",
        "List-Unsubscribe: <mailto:x@x.example>", "Mailing-List: x\r\nX-Mailing-List: y",
    ],
    Reason.NULL_RETURN_PATH: ["Return-Path: <>", "Return-Path: < >"],
    Reason.REPORT: [
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "X-Failed-Recipients: a@b.example",
        "Content-Type: message/disposition-notification", "Content-Type: message/delivery-status",
    ],
    Reason.CALENDAR: [
        "Content-Type: text/calendar; method=REPLY", "Content-Type: text/calendar",
        "Content-Class: urn:content-classes:calendarmessage",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("reason", "header"), [(reason, header) for reason, all_ in MARKS.items() for header in all_])
def test_t19_a_machines_mark(reason: Reason, header: str) -> None:
    """Each is named, in a letter whose text is a command."""
    assert mail(header).machine is reason


AWAY = [
    "Automatic reply: Refund", "Out of Office: Refund", "[Auto-Reply] Re: Refund", "OOO", "Auto: Re: Refund",
    "Out of Office Re: Refund", "Automatische Antwort: Freigabe", "Abwesenheitsnotiz: AW: x", "Außer Haus: x",
    "Abwesend: x", "Réponse automatique : x", "Absence du bureau : x", "Respuesta automática: x",
    "Fuera de la oficina", "Resposta automática: x", "Risposta automatica: x", "Fuori sede: x",
    "Automatisch antwoord: x", "Autosvar: x", "Automatiskt svar: x", "Automatisk svar: x", "Automaattinen vastaus: x",
    "Odpowiedź automatyczna: x", "Automatická odpověď: x", "Automatická odpoveď: x", "Automatikus válasz: x",
    "Răspuns automat: x", "Samodejni odgovor: x", "Automatski odgovor: x", "Автоматический ответ: x",
    "Автоматична відповідь: x", "Автоматичен отговор: x", "Αυτόματη απάντηση: x", "Otomatik yanıt: x",
    "תשובה אוטומטית: x", "رد تلقائي: x", "自動応答: x", "自动回复: x", "自動回覆: x",
    "不在: x", "자동 회신: x", "부재중", "Abwesend bis 3.12.", "Hors du bureau : x", "תגובה אוטומטית: x",
    "Trả lời tự động: x", "ตอบกลับอัตโนมัติ: x", "Balasan otomatis: x", "Automaatvastus: x", "Automatinis atsakymas: x",
    "Ana Silva is out of the office (returning 30.11.2026)", "Ana Silva ist außer Haus.",
]  # fmt: skip


@pytest.mark.parametrize("subject", AWAY)
def test_t19_an_out_of_office_subject(subject: str) -> None:
    """In any language, where nothing else gives the machine away."""
    raw = letter().replace(b"Subject: Re: Refund", f"Subject: {subject}".encode())
    assert of(raw).machine is Reason.OUT_OF_OFFICE


PEOPLE = [
    [],
    ["Auto-Submitted: no"],
    ["Auto-Submitted: No (a person)"],
    ["X-Auto-Response-Suppress: None"],
    ["Precedence: normal", "Importance: high", "X-Priority: 1"],
    ["Return-Path: <ana@corp.example>", "X-Mailer: iPhone Mail (22A380)"],
    ["X-MS-Has-Attach:", "X-MS-TNEF-Correlator:", "X-MS-Exchange-MessageSentRepresentingType: 1"],
    ["X-MS-Exchange-Organization-SCL: -1", "x-ms-exchange-senderadcheck: 1", "Thread-Index: AQHb"],
    ["X-Pm-Message-Id: x", "X-Gm-Message-State: AOJu0Y", "X-YMail-OSG: x", "User-Agent: Mozilla Thunderbird"],
    ["Disposition-Notification-To: ana@corp.example", "Return-Receipt-To: ana@corp.example", "Feedback-ID: x"],
]


@pytest.mark.parametrize("headers", PEOPLE)
def test_a_persons_letter_is_no_machines(headers: list[str]) -> None:
    """What Exchange, Gmail, Apple, Yahoo, Proton and Thunderbird put into a person's letter."""
    assert mail(*headers).machine is None


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Out of office calendar",
        "AW: Automatic reply limits",
        "Autos for sale",
        "Absences: Re: no",
        "Holidays",
        "Awaiting",
    ],
)
def test_a_subject_that_only_speaks_of_it(subject: str) -> None:
    """The words count where a machine writes them: first."""
    assert of(letter().replace(b"Re: Refund", subject.encode())).machine is None


def test_the_envelope_may_be_null() -> None:
    """Known from the envelope alone, and unknown is not null."""
    assert of(letter(), sender="").machine is Reason.NULL_RETURN_PATH
    assert of(letter(), sender="<>").machine is Reason.NULL_RETURN_PATH
    assert of(letter(), sender="ana@corp.example").machine is None


@pytest.mark.parametrize(
    "sender", ["MAILER-DAEMON@corp.example", "Mail <postmaster@corp.example>", "Mailer-Daemon (x)"]
)
def test_a_mail_server_is_no_person(sender: str) -> None:
    """By its address, however it is written."""
    assert mail(sender=sender).machine is Reason.REPORT


PART = "--b\r\nContent-Type: text/plain\r\n\r\napprove\r\n--b\r\n{}\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("part", "machine"),
    [
        ("Content-Type: text/calendar; method=REPLY", Reason.CALENDAR),
        ("Content-Type: text/calendar; method=REQUEST; name=x.ics\r\nContent-Disposition: attachment", Reason.CALENDAR),
        ("Content-Type: text/calendar; name=x.ics\r\nContent-Disposition: attachment; filename=x.ics", None),
        ("Content-Type: message/delivery-status", Reason.REPORT),
        ("Content-Type: message/rfc822", None),
    ],
)
def test_a_machines_part(part: str, machine: Reason | None) -> None:
    """An answer to an invitation is a machine's; a file that a person attached is not."""
    assert mail("Content-Type: multipart/mixed; boundary=b", body=PART.format(part)).machine is machine
