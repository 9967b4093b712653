"""Whether the answers that arrive can be proved to be from who they say: what the newest mails in the mailbox carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from bot.core.checkup import Finding, doubtful, good, wrong
from bot.core.scrutiny import visible
from bot.core.servers import Server
from channels.email.addresses import ReplyAddress
from channels.email.checks.aside import aside
from channels.email.inbound.charsets import decoded
from channels.email.inbound.headers import every, split
from channels.email.inbound.read import read
from channels.email.inbound.results import results_of
from channels.email.inbound.trust import Trust, by_results
from channels.email.inbound.values import Incoming
from channels.email.settings import EmailSettings
from channels.email.transport import imap

_NEWEST = 20
_POINT = "senders"
_LONGEST_NAME = 100
_NO_TO = (
    "Microsoft's signatures do not cover To, and such answers get the link to the page back: let your mail server "
    "verify, and set EMAIL_AUTHSERV_ID."
)


def servers_in(block: bytes) -> list[str]:
    """Whose Authentication-Results a header block carries, topmost first; what cannot be read names nobody."""
    values = every(split(block).headers, "authentication-results")
    found = [results_of(decoded(value, "")) for value in values]
    return [visible(one.authserv_id)[:_LONGEST_NAME] for one in found if one is not None]


def is_signed(block: bytes) -> bool:
    """Whether a header block carries a DKIM signature, good or not."""
    return any(True for _ in every(split(block).headers, "dkim-signature"))


def suppresses(block: bytes) -> bool:
    """Whether a header block bears a mark of Exchange's that its own automatic answers bear, and no other of those."""
    names = {name.lower() for name, _ in split(block).headers}
    return "x-auto-response-suppress" in names and "auto-submitted" not in names


def covers_to(block: bytes) -> bool:
    """Whether a DKIM signature of a header block says that it covers To; one that does not proves no answer here."""
    values = (decoded(value, "").lower() for value in every(split(block).headers, "dkim-signature"))
    tags = (tag.partition("=") for value in values for tag in value.split(";"))
    return any("to" in said.replace(" ", "").split(":") for name, _, said in tags if name.strip() == "h")


def trust_of(settings: EmailSettings, block: bytes) -> Trust:
    """How far our mail server's own results prove a letter's sender."""
    mail = read(Incoming(raw=block), ReplyAddress(settings.reply_to or "{token}@invalid"))
    return by_results(mail, settings.authserv_id or "")


async def visibility(settings: EmailSettings, server: Server) -> tuple[Finding, ...]:
    """How many of the newest mails could be proved, and what would let more of them be."""
    try:
        blocks = await aside(partial(imap.newest, server, _NEWEST))
    except imap.ImapFailed:
        return (doubtful(_POINT, "not seen, since the mailbox cannot be read", "See imap above."),)
    if not blocks:
        return (good(_POINT, "the mailbox is empty, so there is nothing to judge by yet"),)
    topmost = Counter(servers[0] for block in blocks if (servers := servers_in(block)))
    usual = topmost.most_common(1)[0][0] if topmost else None
    newest = "the newest mail" if len(blocks) == 1 else f"the newest {len(blocks)} mails"
    if settings.authserv_id is None:
        return (_by_keys(blocks, usual, newest), *_suppressing(blocks, newest))
    return (_by_results(settings, blocks, usual, newest), *_suppressing(blocks, newest))


def _suppressing(blocks: Sequence[bytes], newest: str) -> tuple[Finding, ...]:
    """What some organisations' Exchange puts on every letter, and passes for a machine's mark."""
    marked = sum(suppresses(block) for block in blocks)
    if not marked:
        return ()
    carry = "carries" if marked == 1 else "carry"
    says = f"of {newest}, {marked} {carry} X-Auto-Response-Suppress, and no such letter decides"
    to_do = (
        "Where they are people's own answers, let their mail server take that header out (Exchange: a mail flow rule)."
    )
    return (doubtful("machines", says, to_do),)


def _by_keys(blocks: Sequence[bytes], usual: str | None, newest: str) -> Finding:
    signed = sum(is_signed(block) for block in blocks)
    says = f"DKIM is verified here; of {newest}, {signed} carr{'ies' if signed == 1 else 'y'} a DKIM-Signature"
    # Whoever writes to the mailbox can name any server; only its owner knows which one is theirs.
    hint = (
        f"{usual} stands topmost in Authentication-Results: if that is your own mail server, and it strips copies that"
        f" come from outside, set EMAIL_AUTHSERV_ID={usual} and its DMARC results count."
        if usual
        else ""
    )
    covered = sum(covers_to(block) for block in blocks)
    if signed > covered:
        return doubtful(_POINT, f"{says}, {covered} of them over To", hint or _NO_TO)
    if signed:
        return good(_POINT, says, hint)
    return doubtful(_POINT, says, hint or "Answers without one get the link to the page back, and decide nothing.")


def _by_results(settings: EmailSettings, blocks: Sequence[bytes], usual: str | None, newest: str) -> Finding:
    name = settings.authserv_id or ""
    carrying = sum(name.lower() in servers_in(block) for block in blocks)
    proved = sum(trust_of(settings, block) is Trust.PASS for block in blocks)
    says = f"of {newest}, {carrying} carr{'ies' if carrying == 1 else 'y'} results of {name}; {proved} prove the sender"
    if proved:
        return good(_POINT, says)
    if carrying:
        return doubtful(_POINT, says, "Nobody's answer would have decided; do your people's domains sign with DKIM?")
    if usual is not None:
        to_do = f"{usual} stands topmost: if that is your own mail server, set EMAIL_AUTHSERV_ID={usual}."
        return wrong(_POINT, says, to_do)
    to_do = "Let your mail server add Authentication-Results, or unset EMAIL_AUTHSERV_ID: DKIM is then verified here."
    return doubtful(_POINT, says, to_do)
