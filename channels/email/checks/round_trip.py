"""A letter to ourselves: whether what is sent arrives, and in what shape an answer would."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial

from bot.core.checkup import Finding, doubtful, good, wrong
from bot.core.errors import SendFailed
from bot.core.servers import Server
from channels.email.addresses import ReplyAddress
from channels.email.checks.aside import aside
from channels.email.checks.visibility import is_signed, servers_in, trust_of
from channels.email.inbound.charsets import decoded
from channels.email.inbound.headers import every, split
from channels.email.inbound.read import DELIVERED
from channels.email.inbound.senders import addresses_in
from channels.email.inbound.trust import Trust
from channels.email.letters.compose import LETTER
from channels.email.settings import EmailSettings
from channels.email.transport import imap
from channels.email.transport.smtp import Pool

_POINT = "round trip"
_TOKEN_BYTES = 16
_LOOK_WITHIN = 10.0
_SEND_WITHIN = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 3.0
_ADDRESSED = ("to",)
_TEXT = (
    "This letter was sent by `sayso doctor` to see whether answers would arrive.\n"
    "It stands for no request, and the running bot puts it aside. It may be deleted.\n"
)


async def round_trip(settings: EmailSettings, wait: float) -> tuple[Finding, ...]:
    """Send a letter to a reply address that stands for nothing, and look for it for up to ``wait`` seconds."""
    # As many letters as a real one, and random: no reply key has it, so the bot knows no request to decide.
    token = base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=").lower()
    reply = ReplyAddress(settings.reply_to or "")
    name = f"<doctor.{secrets.token_hex(_TOKEN_BYTES)}@{settings.domain}>"
    began = time.monotonic()
    pool = Pool(settings.smtp, most=1)
    try:
        async with asyncio.timeout(_SEND_WITHIN):
            await pool.send(settings.address, reply.of(token), _letter(settings, reply.of(token), name))
    except SendFailed as failed:
        return (wrong(_POINT, f"the letter was not taken: {failed}", "See smtp above."),)
    except TimeoutError:
        return (wrong(_POINT, f"the letter was not taken within {_SEND_WITHIN:.0f} s", "See smtp above."),)
    finally:
        await pool.close()
    if settings.imap is None:
        says = "a letter was sent; whether it arrived cannot be seen from here"
        to_do = "Look for this line in the bot's log: email: put aside, unknown_token"
        return (good(_POINT, says, to_do),)
    try:
        block = await _found(settings.imap, name, began + wait)
    except imap.ImapFailed as failed:
        return (wrong(_POINT, f"a letter was sent, but the mailbox cannot be read: {failed}", "See imap above."),)
    if block is None:
        says = f"a letter to {settings.reply_to} was sent and did not arrive within {wait:.0f} s"
        to_do = "Does that address reach this mailbox and folder, with what stands at {token}? Else wait: --wait 5m"
        return (wrong(_POINT, says, to_do),)
    took = time.monotonic() - began
    arrived = good(_POINT, f"a letter arrived after {took:.1f} s; the running bot puts it aside (unknown_token)")
    return arrived, _plus_part(reply, token, block), _proof(settings, block)


def _letter(settings: EmailSettings, to: str, name: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"] = settings.sender, to
    letter["Subject"] = "Sayso: a test of the reply address"
    letter["Date"], letter["Message-ID"], letter[LETTER] = formatdate(), name, name
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(_TEXT)
    return letter.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


async def _found(server: Server, name: str, until: float) -> bytes | None:
    """The letter's headers. A look that fails is repeated: the mailbox may be busy with what arrives."""
    pause = _FIRST_PAUSE
    while True:
        fault: imap.ImapFailed | None = None
        block: bytes | None = None
        try:
            async with asyncio.timeout(_LOOK_WITHIN):
                block = await aside(partial(imap.find, server, name))
        except imap.ImapFailed as failed:
            fault = failed
        except TimeoutError:
            fault = imap.ImapFailed("no answer in time")
        if block is not None:
            return block
        left = until - time.monotonic()
        if left <= 0 and fault is not None:
            raise fault
        if left <= 0:
            return None
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _holds(reply: ReplyAddress, token: str, block: bytes, *names: str) -> bool | None:
    """Whether the token stands in one of these headers; None where there are none."""
    values = [decoded(value, "") for value in every(split(block).headers, *names)]
    if not values:
        return None
    return any(reply.token_in(box) == token for value in values for box in addresses_in(value))


def _plus_part(reply: ReplyAddress, token: str, block: bytes) -> Finding:
    point = "token"
    addressed = _holds(reply, token, block, *_ADDRESSED)
    delivered = _holds(reply, token, block, *DELIVERED)
    if addressed and delivered is not False:
        return good(point, "the address arrived whole" + (", in Delivered-To too" if delivered else ""))
    if addressed or delivered:
        says = f"the address arrived whole in {'To' if addressed else 'Delivered-To'} alone"
        return good(point, says, "That is enough: one of the two is read.")
    to_do = "Answers cannot be told apart. Let your mail server keep the address as it was written."
    return wrong(point, "the address lost its token on the way", to_do)


def _proof(settings: EmailSettings, block: bytes) -> Finding:
    point = "proof"
    servers = ", ".join(dict.fromkeys(servers_in(block))) or "nobody"
    carried = f"it carries Authentication-Results of {servers}"
    if settings.authserv_id is None:
        if is_signed(block):
            return good(point, f"{carried}, and a DKIM-Signature, which is verified here when an answer comes")
        says = f"{carried}, and no DKIM-Signature: an answer from {settings.domain} that comes so is not proved"
        return doubtful(point, says, "Let your mail server sign what it sends with DKIM.")
    if trust_of(settings, block) is Trust.PASS:
        return good(point, f"{carried}; an answer from {settings.domain} would be proved")
    says = f"{carried}; an answer from {settings.domain} that comes so is not proved"
    to_do = (
        f"{settings.authserv_id} must say dmarc=pass, or dkim=pass for that domain. Some servers do not judge mail"
        " that they sent themselves: see senders above."
    )
    return doubtful(point, says, to_do)
