"""Letters in: each read, judged, decided upon at most once, and filed before its sender is answered.

The order is what makes a crash harmless: a decision carries an id made of the mail's own, so that the same mail
decides once; the receipt with its answer is committed next; only then does the mailbox's cursor move.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from bot.core.card import Card
from bot.core.errors import Overloaded, SaysoError, Unavailable
from bot.core.grammar import Command, NotUnderstood
from bot.core.links import inbox_of
from bot.core.model import Decision, Person, Request, Verb
from bot.core.ports import Clock, Correspondence, Handled, KeyItem, Letter, Receipt, ReplyKey
from bot.core.redaction import shown
from bot.core.token import hash_of
from channels.email import answers
from channels.email.addresses import ReplyAddress
from channels.email.answers import Outcome
from channels.email.commands import ballot_of, check, commands_in, decision_id
from channels.email.inbound.asking import KeysUnknown, Resolve
from channels.email.inbound.judge import judged
from channels.email.inbound.read import read
from channels.email.inbound.text import new_text
from channels.email.inbound.trust import Trust, by_keys, by_results
from channels.email.inbound.values import Incoming, Mail, Reason
from channels.email.letters.parts import subject_of
from channels.email.names import Names
from channels.email.settings import LARGEST, NAME, EmailSettings

_DNS_PATIENCE = timedelta(minutes=10)
"""How long letters wait for a DNS that does not answer; after that they are told to use the page."""

_SMALL = 64 * 1024
"""Bytes of a letter; nothing of that size takes more than a few milliseconds to read, whatever it holds."""

_ANSWERED_WITH = re.compile(
    r"(?:\s*(?:re|aw|sv|vs|antw|antwort|res|rif|ref|odp|ynt|vá|bls|ha|rv|σχετ|απ|על|رد|回复|答复|回覆|答覆|返信|회신)"
    r"(?:\[\d{1,3}\])?\s?[:：]\s*)+",
    re.IGNORECASE,
)

T = TypeVar("T")

LOG = logging.getLogger("channels.email")
_ANSWERED = (Reason.WEAK_AUTHENTICATION,)
"""What the channel itself refuses and answers: the sender is very likely the recipient. All else stays unanswered."""


class Mailroom:
    """Takes in letters, whichever door they come through."""

    def __init__(
        self,
        settings: EmailSettings,
        names: Names,
        letters: Correspondence,
        clock: Clock,
        *,
        page: Callable[[Card, Person], str],
    ) -> None:
        """``page`` is the address of a request's page as a person is given it."""
        self._settings = settings
        self._names = names
        self._letters = letters
        self._clock = clock
        self._page = page
        self._address = ReplyAddress(settings.reply_to or "")
        self._resolve = _resolver(settings.dns) if settings.authserv_id is None else None
        self._deaf_since: datetime | None = None
        self.aside: Counter[str] = Counter()
        """How many letters were put aside without a trace, by named reason."""

    async def fetched(self, raw: bytes, size: int) -> None:
        """Take one letter out of a mailbox; nothing is known of its envelope. ``size``: of all of it, in bytes."""
        await self.take(Incoming(raw=raw), size)

    async def take(self, incoming: Incoming, size: int) -> None:
        """Take one letter; returns once all that came of it is committed.

        Raises `Unavailable` or `Overloaded`: bring it again.
        """
        mail = await _aside(incoming.raw, lambda: read(incoming, self._address))
        if size > LARGEST and mail.fault is None:
            mail = replace(mail, fault=Reason.TOO_LARGE)
        if mail.report is not None:
            await self._returned(mail)
            return
        key = await self._letters.reply_key(hash_of(mail.token)) if mail.token else None
        person = self._letters.person(key.person) if key is not None and key.channel == NAME else None
        if key is None or person is None or person.email is None:
            # Anybody can write to the address: what names no letter of ours leaves no trace but this line.
            self._put_aside(Reason.UNKNOWN_TOKEN if mail.token else mail.fault or Reason.NO_TOKEN)
            return
        await self._judge(mail, key, person)

    async def _judge(self, mail: Mail, key: ReplyKey, person: Person) -> None:
        trust = await self._trust(mail, person)
        reason = judged(mail, person.email or "", trust)
        receipt = self._receipt(mail, key, trust)
        if await self._letters.received(receipt.key) is not None:
            self._put_aside(Reason.RECEIVED_BEFORE)
            return
        if reason is not None:
            lines = answers.refused(reason) if reason in _ANSWERED or self._proved(mail, person) else ()
            actor = f"email:{mail.sender or 'unknown'}"
            # Nobody knows who chose its subject: the answer bears our own.
            bare = replace(mail, subject="") if trust is Trust.WEAK else mail
            await self._file(replace(receipt, verdict=reason), lines, bare, key, person, actor=actor, refused=True)
            return
        await self._letters.reached(NAME, person.email or "")
        await self._understand(receipt, mail, key, person)

    async def _trust(self, mail: Mail, person: Person) -> Trust:
        """Whether the mail is proved to be its sender's. Keys are asked for only where that could matter."""
        if judged(mail, person.email or "", Trust.PASS) is not None:
            return Trust.NONE
        if self._settings.authserv_id is not None or self._resolve is None:
            return by_results(mail, self._settings.authserv_id or "")
        try:
            trust = await asyncio.to_thread(by_keys, mail, self._resolve)
        except KeysUnknown:
            now = self._clock.now()
            self._deaf_since = self._deaf_since or now
            if now - self._deaf_since < _DNS_PATIENCE:
                raise Unavailable("The DNS cannot be asked for DKIM keys now; the letter is looked at later.") from None
            return Trust.WEAK
        self._deaf_since = None
        return trust

    def _proved(self, mail: Mail, person: Person) -> bool:
        """Whether a letter that is too large to be read is the recipient's all the same, by its headers."""
        if mail.fault is not Reason.TOO_LARGE or self._settings.authserv_id is None:
            return False
        read_whole = replace(mail, fault=None)
        return judged(read_whole, person.email or "", by_results(read_whole, self._settings.authserv_id)) is None

    def _receipt(self, mail: Mail, key: ReplyKey, trust: Trust) -> Receipt:
        """A proved mail is known by its Message-ID; any other by all of it, so that no forgery takes an id's place."""
        if trust is Trust.PASS and mail.message_id is not None:
            same = f"id {mail.message_id} {key.letter}".encode()
        else:
            same = b"raw " + mail.raw
        return Receipt(key=hashlib.sha256(same).hexdigest(), thread=key.letter, verdict="", at=self._clock.now())

    async def _understand(self, receipt: Receipt, mail: Mail, key: ReplyKey, person: Person) -> None:
        ours = (self._settings.address, self._settings.reply_to or "")
        text = await _aside(mail.raw, lambda: new_text(mail, ours))
        given = commands_in(text, key, reasons=await self._needs_reason(key))
        actor = f"person:{person.id}"
        if isinstance(given, NotUnderstood):
            lines = answers.not_understood(given)
            await self._file(
                replace(receipt, verdict=given.reason), lines, mail, key, person, actor=actor, refused=True
            )
            return
        same = mail.message_id or receipt.key
        outcomes = [await self._outcome(item, command, key, person, same) for item, command in given]
        verdict = ",".join(dict.fromkeys(outcome.word for outcome in outcomes))
        lines = answers.lines_of(outcomes, person)
        await self._file(replace(receipt, verdict=verdict), lines, mail, key, person, actor=actor, refused=False)

    async def _needs_reason(self, key: ReplyKey) -> bool:
        """Whether the letter was about one request, whose approval has to say why."""
        found = await self._letters.request(key.items[0].request) if len(key.items) == 1 else None
        return found is not None and found.route.needs_reason

    async def _outcome(self, item: KeyItem, command: Command, key: ReplyKey, person: Person, same: str) -> Outcome:
        """Decide one request; what is refused is an outcome too."""
        found = await self._letters.request(item.request)
        title = "" if found is None else shown(found).title
        decision = decision_id(same, key, item)
        if found is not None and (made := _made(found, decision)) is not None:
            # It counted, and the bot died before it could say so.
            return _counted(title, item, found, made.id)
        try:
            request = check(found, item, command, person.id)
            fields = self._letters.fields(request) if command.verb is Verb.APPROVE_WITH_EDITS else ()
            ballot = ballot_of(request, command, item, by=person.id, decision=decision, fields=fields)
        except SaysoError as refusal:
            await self._letters.refused(
                request_id=item.request, actor=f"person:{person.id}", via=NAME, reason=refusal.code
            )
            return Outcome(title=title, number=item.number, refusal=refusal)
        try:
            after = await self._letters.decide(ballot)
        except (Unavailable, Overloaded):
            raise
        except SaysoError as refusal:  # the house has recorded it
            return Outcome(title=title, number=item.number, refusal=refusal)
        return _counted(title, item, after, decision)

    async def _file(
        self,
        receipt: Receipt,
        lines: tuple[str, ...],
        mail: Mail,
        key: ReplyKey,
        person: Person,
        *,
        actor: str,
        refused: bool,
    ) -> None:
        about = Handled(request=key.items[0].request, actor=actor, via=NAME, refused=refused)
        answer = await self._answer(lines, mail, key, person) if lines else None
        await self._letters.file(receipt, answer, about)
        LOG.info("email: a letter about %s: %s", about.request, receipt.verdict)

    async def _answer(self, lines: tuple[str, ...], mail: Mail, key: ReplyKey, person: Person) -> Letter:
        card = await self._letters.card(key.items[0].request)
        link = "" if card is None else self._page(card, person)
        if Names.is_digest(key.letter) and card is not None:
            link = inbox_of(card.url)
        return Letter(
            person=person.id,
            subject=_bare(mail.subject) or (subject_of(card) if card else "Sayso"),
            lines=lines,
            link=link,
            thread=key.letter,
            answers=mail.message_id,
        )

    async def _returned(self, mail: Mail) -> None:
        """A report on a letter of ours: one that says it failed fails its cards. A mark of ours in it proves it.

        Whoever saw a letter can write such a report: each letter comes back once at most, and never by the hand of its
        own recipient, whose automatic answer may quote any words of the agent's.
        """
        report = mail.report
        if report is None or not report.failed:
            self._put_aside(Reason.REPORT)
            return
        for identifier in (*report.message_ids, report.envelope_id or ""):
            name = self._names.name_in(identifier)
            key = await self._letters.letter(name) if name else None
            person = self._letters.person(key.person) if key is not None else None
            if key is None or person is None or person.email is None:
                continue
            if report.recipients and person.email.casefold() not in report.recipients:
                continue
            if mail.sender == person.email.casefold():
                continue
            receipt = self._bounce(identifier, key)
            if await self._letters.received(receipt.key) is None:
                why = report.diagnostic or "a delivery report said that it failed"
                await self._letters.returned(key, why)
                about = Handled(request=key.items[0].request, actor="email:mailer-daemon", via=NAME, refused=False)
                await self._letters.file(receipt, None, about)
                LOG.warning("email: a letter to %s came back: %s", person.id, why)
            return
        self._put_aside(Reason.REPORT)

    def _bounce(self, identifier: str, key: ReplyKey) -> Receipt:
        """The same for every report on one letter, by its Message-ID or envelope id."""
        same = f"bounce {identifier.strip().strip('<>').partition('@')[0]}".encode()
        return Receipt(key=hashlib.sha256(same).hexdigest(), thread=key.letter, verdict="bounce", at=self._clock.now())

    def _put_aside(self, reason: str) -> None:
        self.aside[reason] += 1
        LOG.info("email: put aside, %s", reason)


async def _aside(raw: bytes, work: Callable[[], T]) -> T:
    """Do what reads a letter: a large one in a thread, for it may take a while; a small one here, which is quicker."""
    return work() if len(raw) <= _SMALL else await asyncio.to_thread(work)


def _counted(title: str, item: KeyItem, request: Request, decision: str) -> Outcome:
    """What counted, as everybody may see it: who wrote what is hidden in their comment is not mailed it back."""
    seen = shown(request)
    return Outcome(title=title, number=item.number, request=seen, decision=_made(seen, decision))


def _made(request: Request, decision: str) -> Decision | None:
    return next((kept for kept in request.decisions if kept.id == decision), None)


def _bare(subject: str) -> str:
    """A subject without the ``Re:`` that answers begin with, in whatever language: so that it stays in its thread."""
    found = _ANSWERED_WITH.match(subject)
    return subject[found.end() :] if found else subject


def _resolver(server: str | None) -> Resolve:
    from channels.email.keys import resolver  # noqa: PLC0415  # it and what it asks for are 50 ms and 3 MB

    return resolver(server)
