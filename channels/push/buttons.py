"""Approve and Reject on a notification: for what may be decided without a look at what would run.

A button carries a token: one decision of one person on one revision through one way, until the request expires. Only
this house can make one; whoever holds it can use it once, which is why it is made for requests of low risk alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from bot.core import lifecycle
from bot.core.card import Card, fit
from bot.core.errors import Conflict, SaysoError
from bot.core.model import Delivery, Kind, Person, PushWay, Request, Risk, State, Verb
from bot.core.ports import Ballot, Clock
from bot.core.token import BadToken, Tokens
from channels.push.settings import LINES, NAME, ONE_TEXT
from channels.push.ways import Button

_LOW = (Risk.READ_ONLY, Risk.REVERSIBLE)
_VERBS = (Verb.APPROVE, Verb.REJECT)
_PARTS = 8
_OFF = (False, "off")
Section = Callable[[], Mapping[str, Any]]


class NeedsPage(Conflict):
    """This is not decided from a notification: open the request and decide on its page."""

    code = "needs_page"


class Press(Struct, frozen=True, kw_only=True):
    """What a token says: who decides what, about which revision, through which way, until when.

    ``nonce`` is the delivery's id, so that what is sent twice holds the same token; through ntfy, the `mark_of` the
    topic after a colon.
    """

    request: str
    revision: int
    digest: str
    person: str
    verb: Verb
    way: PushWay
    until: datetime
    nonce: str

    @property
    def decision(self) -> str:
        """The id of the decision that it makes, so that however often it comes it is one."""
        said = "\0".join((self.request, str(self.revision), self.person, self.verb, self.way, self.nonce))
        return "dec_" + hashlib.sha256(said.encode()).hexdigest()[:26]

    @property
    def ballot(self) -> Ballot:
        """The decision."""
        return Ballot(
            request=self.request,
            decision=self.verb,
            by=self.person,
            channel=NAME,
            revision=self.revision,
            digest=self.digest,
            id=self.decision,
        )


def mark_of(topic: str) -> str:
    """What stands for an ntfy topic in a token: a topic that leaked and was changed takes its buttons along."""
    return hashlib.sha256(b"sayso ntfy topic " + topic.encode()).hexdigest()[:16]


class Buttons:
    """Makes and reads the tokens, and says where there are buttons at all."""

    def __init__(self, tokens: Tokens, clock: Clock, section: Section) -> None:
        """``section`` is routing.yaml's own of this channel as it is now."""
        self._tokens = tokens
        self._clock = clock
        self._section = section

    def of(
        self, card: Card, request: Request | None, delivery: Delivery, way: PushWay, to: Person | None
    ) -> tuple[Button, ...]:
        """The buttons of a request's notification at one person, ``to`` as routing.yaml knows them, through one way."""
        person = delivery.person
        if person is None or request is None or not self.may(card, request, person):
            return ()
        topic = to.ntfy if to and way is PushWay.NTFY else None
        nonce = f"{delivery.id}:{mark_of(topic)}" if topic else delivery.id
        return tuple(Button(verb, self.sign(request, person, verb, way, nonce)) for verb in _VERBS)

    def may(self, card: Card, request: Request, person: str) -> bool:
        """Whether this person may decide it from a notification now."""
        return self.plain(card, request) and self._counts(request, person)

    def plain(self, card: Card, request: Request) -> bool:
        """Whether the request itself is such that nothing is lost by not looking closely.

        An approval of low risk that the agent is sure of, that the house has neither a warning nor a note about, and
        that a phone's page shows whole (T2).
        """
        return (
            self._section().get("buttons", True) not in _OFF
            and card.state is State.PENDING
            and request.kind is Kind.APPROVAL
            and request.risk in _LOW
            and not card.needs_reason
            and not card.marks
            and not card.notes
            and not card.below_gate
            and fit(card, line=ONE_TEXT, lines=LINES, total=ONE_TEXT).fully_shown
        )

    def _counts(self, request: Request, person: str) -> bool:
        ballot = Ballot(
            request=request.id,
            decision=Verb.APPROVE,
            by=person,
            channel=NAME,
            revision=request.revision,
            digest=request.digest,
        )
        try:
            lifecycle.authorise(request, ballot, self._clock.now())
        except SaysoError:
            return False
        return True

    def sign(self, request: Request, person: str, verb: Verb, way: PushWay, nonce: str) -> str:
        """The token of one button."""
        until = int(request.expires_at.timestamp())
        return self._tokens.sign([request.id, request.revision, request.digest, person, verb, way, until, nonce])

    def made(self, token: str) -> bool:
        """Whether this house made a token."""
        try:
            self._tokens.read(token)
        except BadToken:
            return False
        return True

    def read(self, token: str) -> Press:
        """What a token says; raises `BadToken` for what this house did not make."""
        value = self._tokens.read(token)
        if not isinstance(value, list) or len(value) != _PARTS:
            raise BadToken
        request, revision, digest, person, verb, way, until, nonce = value
        return Press(
            request=request,
            revision=revision,
            digest=digest,
            person=person,
            verb=Verb(verb),
            way=PushWay(way),
            until=datetime.fromtimestamp(until, UTC),
            nonce=nonce,
        )
