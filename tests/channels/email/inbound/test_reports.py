"""Delivery reports: whether a letter came back for good, whose, and which."""

from __future__ import annotations

import pytest

from channels.email.inbound.values import Report
from tests.channels.email.inbound.letters import letter, mail, of

OUR_ID = "<dlv_1.r1.card.abc@sayso.example>"


def report(status: str, *, returned: str = "message/rfc822", headers: tuple[str, ...] = ()) -> Report:
    """A report by RFC 3464 with these fields of status."""
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n"
        f"--b\r\nContent-Type: {returned}\r\n\r\nFrom: a@b.example\r\nMessage-ID:\r\n {OUR_ID}\r\n\r\n--b--\r\n"
    )
    kind = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    found = of(letter(kind, *headers, body=body, sender="MAILER-DAEMON@mx.example")).report
    assert found is not None
    return found


GROUP = "Reporting-MTA: dns; mx\r\nOriginal-Envelope-Id: dlv_1\r\n\r\nFinal-Recipient: rfc822; Ana@Corp.example\r\n"


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ("Action: failed\r\nStatus: 5.1.1", True),
        ("Action: FAILED (bad)\r\nStatus: 4.4.7", True),
        ("Status: 5.1.1", True),
        ("Action: delayed\r\nStatus: 4.4.1", False),
        ("Action: delayed\r\nStatus: 5.0.0", False),
        ("Action: delivered\r\nStatus: 2.0.0", False),
        ("Action: relayed\r\nStatus: 2.0.0", False),
        ("Action: expanded\r\nStatus: 2.0.0", False),
        ("Status: 4.2.2", False),
        ("", False),
    ],
)
def test_only_what_failed_for_good_failed(fields: str, *, failed: bool) -> None:
    """A delay is no failure, and neither is a receipt."""
    assert report(GROUP + fields).failed is failed


def test_a_report_names_the_letter_and_the_address() -> None:
    """From the fields, from the letter that came back, and from what it answers."""
    found = report(
        GROUP + "Action: failed\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n  no\u202esuch user",
        headers=("References: <r@sayso.example>",),
    )
    assert found.recipients == ("ana@corp.example",)
    assert found.message_ids == ("<r@sayso.example>", OUR_ID)
    assert found.envelope_id == "dlv_1"
    assert found.diagnostic == "550 5.1.1 (no such mailbox)"


def test_returned_headers_alone_name_it_too() -> None:
    """Many servers send no more back."""
    assert report(GROUP + "Action: failed", returned="text/rfc822-headers").message_ids == (OUR_ID,)


def test_a_letter_that_a_service_gave_another_name_is_known_by_the_field_that_repeats_ours() -> None:
    """Amazon SES writes a Message-ID of its own."""
    body = f"undeliverable, 550 5.1.1\r\n\r\nMessage-ID: <0100@ses>\r\nX-Sayso-Letter: {OUR_ID}\r\n"
    found = mail(body=body, sender="MAILER-DAEMON@mx.example").report
    assert found is not None
    assert found.message_ids == ("<0100@ses>", OUR_ID)


def test_only_the_failing_recipient_is_named() -> None:
    """A letter to two that reached one."""
    two = GROUP + "Action: delivered\r\n\r\nFinal-Recipient: rfc822; ben@corp.example\r\nAction: failed"
    assert report(two).recipients == ("ben@corp.example",)


QMAIL = f"""Hi. This is the qmail-send program at mx.example.

<ana@corp.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Message-ID: {OUR_ID}
"""
EXIM = f"""A message that you sent could not be delivered to one or more of its recipients.
This is a permanent error.

  ana@corp.example
    Unrouteable address

Message-Id: {OUR_ID}
"""
EXCHANGE = f"""Your message did not reach some or all of the intended recipients.

<ana@corp.example>
550 5.1.1 User unknown

> Message-ID: {OUR_ID}
"""
WORKMAIL = f"""An error occurred while trying to deliver the mail to the following recipients:
ana@corp.example

Technical report:

Action: failed
Diagnostic-Code: smtp; 550 5.1.1 <ana@corp.example>... User Unknown

Message-Id: {OUR_ID}
"""
YAHOO = f"""Sorry, we were unable to deliver your message to the following address.

<ana@corp.example>:
550: : User unknown

--- Below this line is a copy of the message.

Message-Id: {OUR_ID}
"""
OLD_EXCHANGE = f"""did not reach the following recipient(s):

ana@corp.example
    The recipient name is not recognized

Message-ID: {OUR_ID}
"""
OPENSMTPD = f"""    An error has occurred while attempting to deliver a message for
    the following list of recipients:

ana@corp.example
    Envelope expired

    Below is a copy of the original message:

Message-ID: {OUR_ID}
"""
PLAIN = {
    "workmail": (WORKMAIL, ()),
    "yahoo": (YAHOO, ()),
    "old exchange": (OLD_EXCHANGE, ()),
    "opensmtpd": (OPENSMTPD, ()),
    "qmail": (QMAIL, ()),
    "exim": (EXIM, ("X-Failed-Recipients: ana@corp.example",)),
    "exchange": (EXCHANGE, ()),
}


@pytest.mark.parametrize(("body", "headers"), PLAIN.values(), ids=PLAIN)
def test_a_plain_bounce_is_read_as_far_as_it_goes(body: str, headers: tuple[str, ...]) -> None:
    """Older servers write words, not fields."""
    found = mail(*headers, body=body, sender="MAILER-DAEMON@mx.example").report
    assert found is not None
    assert found.failed
    assert found.message_ids == (OUR_ID,)
    assert "ana@corp.example" in found.recipients


@pytest.mark.parametrize(
    "body",
    [
        "Delivery failed: 550 it could not be delivered yet. It will be retried for 4 days.\r\n",
        "Your message is enqueued and undeliverable for 1 day; failed connect().\r\n",
        "It has not yet\r\nbeen delivered: 550 failed. Could not be delivered, attempts will continue.\r\n",
    ],
)
def test_a_plain_warning_is_no_failure(body: str) -> None:
    """The server goes on trying."""
    found = mail(body=body, sender="MAILER-DAEMON@mx.example").report
    assert found is not None
    assert not found.failed


def test_a_bounce_is_known_by_a_subject_in_coded_words() -> None:
    """As Amazon writes it."""
    raw = letter(body=f"ana@corp.example\r\n550 5.1.1\r\nMessage-ID: {OUR_ID}\r\n", sender="MAILER-DAEMON@mx.example")
    coded = b"Subject: =?iso-8859-15?Q?Delivery_Status_Notification_=28Failure=29?="
    found = of(raw.replace(b"Subject: Re: Refund", coded)).report
    assert found is not None
    assert (found.failed, found.message_ids) == (True, (OUR_ID,))


def test_a_person_who_writes_of_a_bounce_reports_none() -> None:
    """The words alone make no report."""
    assert mail(body="It was returned mail, 550 5.1.1, undeliverable.\r\n").report is None


def test_a_receipt_for_reading_is_no_delivery_report() -> None:
    """A machine wrote it all the same."""
    read = mail("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", body="--b--\r\n")
    assert (read.report, read.machine) == (None, "report")
