"""What `sayso doctor` looks at in email: the server that takes letters, the reply address, and the ways in."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.core.checkup import Finding, Look, doubtful, good, wrong
from bot.core.scrutiny import visible
from bot.core.servers import Server
from channels.email.addresses import ReplyAddress
from channels.email.checks.aside import aside
from channels.email.checks.round_trip import round_trip
from channels.email.checks.visibility import visibility
from channels.email.settings import EmailSettings
from channels.email.transport import imap
from channels.email.transport.smtp_connection import Refused, SmtpConnection

_CLOSE_WITHIN = 1.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # an address that one listens at, to call it by another
_READY, _HELLO = b"220", b"250"
_TOLD = ("encryption", "sign-in")


def looks(settings: EmailSettings, *, running: bool, wait: float | None) -> tuple[Look, ...]:
    """Everything to look at, in order. ``running``: whether a bot runs on this database.

    ``wait`` is how many seconds the letter of the round trip is looked for; None: none is sent.
    """
    found = [
        Look(point="smtp", run=partial(_smtp, settings)),
        Look(point="reply address", run=partial(_reply_address, settings)),
    ]
    if settings.imap is not None:
        found.append(Look(point="imap", run=partial(_imap, settings.imap)))
    if settings.listen is not None:
        found.append(Look(point="listener", run=partial(_listener, settings.listen, running=running)))
    if settings.imap is not None:
        found.append(Look(point="senders", run=partial(visibility, settings, settings.imap)))
    if wait is not None and settings.reply_to is not None:
        # Sending has its own 10 s, and so has the last look into the mailbox.
        found.append(Look(point="round trip", run=partial(round_trip, settings, wait), within=wait + 20))
    return tuple(found)


async def _smtp(settings: EmailSettings) -> tuple[Finding, ...]:
    server, connection = settings.smtp, SmtpConnection(settings.smtp)
    try:
        await connection.open()
    except Refused as refused:
        return (wrong("smtp", f"{server.shown}: {refused}", _cure(str(refused), "SMTP_URL")),)
    told = "; ".join(line for line in connection.told() if line.startswith(_TOLD))
    try:
        await connection.try_sender(settings.address)
    except Refused as refused:
        says = f"letters from {settings.address} are refused: {refused}"
        sender = wrong("sender", says, "Set EMAIL_FROM to an address that this account may send from.")
    else:
        sender = good("sender", f"letters from {settings.address} are taken")
    finally:
        await connection.close(_CLOSE_WITHIN)
    return good("smtp", f"{server.shown}; {told}"), sender


def _cure(told: str, variable: str) -> str:
    if told.startswith("AUTH:") or "sign-in was refused" in told:
        return f"Check the user and password in {variable}; an @ in them is written %40."
    if "CERTIFICATE_VERIFY_FAILED" in told:
        return (
            f"Write the host in {variable} as its certificate has it, and let this machine trust who signed that; "
            "?verify=off at its end takes any certificate."
        )
    if "WRONG_VERSION_NUMBER" in told:
        plain, port = ("smtp", 587) if variable == "SMTP_URL" else ("imap", 143)
        return f"TLS is not spoken there from the first byte: check the port, or write {plain}:// (often port {port})."
    if told.startswith("the folder "):
        return f"End {variable} in a folder that is there, such as /INBOX."
    return f"Check {variable}, that the server is up, and that this machine may reach it."


async def _reply_address(settings: EmailSettings) -> tuple[Finding, ...]:
    if settings.reply_to is None:
        says = "none, so people decide by the link in the letter"
        return (
            doubtful("reply address", says, "To let them answer, set EMAIL_REPLY_TO and IMAP_URL or EMAIL_LISTEN."),
        )
    if not settings.hears:
        says = f"{settings.reply_to}, but nothing reads what arrives there"
        return (wrong("reply address", says, "Set IMAP_URL or EMAIL_LISTEN."),)
    domain = ReplyAddress(settings.reply_to).domain
    if domain != settings.domain:
        says = f"{settings.reply_to} is not at {settings.domain}, where letters come from"
        return (doubtful("reply address", says, f"Make sure that mail for {domain} arrives where it is read."),)
    return (good("reply address", settings.reply_to),)


async def _imap(server: Server) -> tuple[Finding, ...]:
    try:
        told = await aside(partial(imap.try_out, server))
    except imap.ImapFailed as failed:
        return (wrong("imap", str(failed), _cure(str(failed).partition(": ")[2], "IMAP_URL")),)
    lines = [line for line in told if not line.startswith("capabilities")]
    return (good("imap", f"{server.shown}; {'; '.join(lines)}"),)


async def _listener(server: Server, *, running: bool) -> tuple[Finding, ...]:
    greeting = b"LHLO" if server.scheme == "lmtp" else b"EHLO"
    try:
        reader, writer = await asyncio.open_connection(_ANYWHERE.get(server.host, server.host), server.port)
    except OSError as fault:
        says = f"{server.shown} takes no connection: {fault.strerror or type(fault).__name__}"
        if not running:
            return (doubtful("listener", says, "No bot runs; it listens there once `sayso up` does."),)
        return (wrong("listener", says, "Look at the bot's log for why it does not listen."),)
    try:
        hello = await reader.readline()
        writer.write(greeting + b" doctor.invalid\r\n")
        answer = await reader.readline()
        writer.write(b"QUIT\r\n")
    except (OSError, ValueError):
        hello = answer = b""
    finally:
        writer.close()
    if hello.startswith(_READY) and answer.startswith(_HELLO):
        return (good("listener", f"{server.shown} answers {greeting.decode()}"),)
    told = visible((answer or hello or b"nothing").decode("ascii", "replace").strip())[:100]
    to_do = "Is it the bot that listens there? Check EMAIL_LISTEN."
    return (wrong("listener", f"{server.shown} says to {greeting.decode()}: {told}", to_do),)
