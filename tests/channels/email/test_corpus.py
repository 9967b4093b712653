"""Every mail of the corpus through the mailroom: the expected verdict under the expected name.

The issue allows no false decision, and under one in a hundred honest answers refused; this allows none of either.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest
from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import Card
from bot.core.model import Person, Request, Risk, State, Step, Verb
from bot.core.ports import KeyItem, ReplyKey
from bot.core.servers import MAIL_LISTEN, MAIL_OUT, server_of
from bot.core.token import hash_of
from channels.email.inbound.values import Incoming
from channels.email.mailroom import Mailroom
from channels.email.names import Names
from channels.email.settings import NAME, EmailSettings
from tests.channels.email import corpus
from tests.channels.email.corpus import COMMAND, REFUSED, Sample
from tests.channels.letters import LetterHouse

ENDED = {
    Verb.APPROVE: State.APPROVED,
    Verb.APPROVE_WITH_EDITS: State.APPROVED_WITH_EDITS,
    Verb.REJECT: State.REJECTED,
    Verb.ASK: State.NEEDS_INFO,
    Verb.ESCALATE: State.PENDING,
}


class Came(Struct, frozen=True):
    """What a mail came to."""

    request: Request
    reason: str
    answered: bool


@cache
def samples() -> tuple[Sample, ...]:
    """All of them, read once."""
    return tuple(corpus.samples())


def house_of(asked: str = "approval") -> tuple[LetterHouse, Request]:
    """A house in which three people were each sent a letter about one request that a reply may decide."""
    house = LetterHouse()
    house.schema = {"type": "object", "properties": dict(corpus.EDITABLE)}
    house.editable = tuple(corpus.EDITABLE)
    people = {token: address.partition("@")[0] for token, address in corpus.PEOPLE.items()}
    for token, name in people.items():
        house.people[name] = Person(id=name, name=name.title(), email=corpus.PEOPLE[token])
    kind, options = corpus.ASKED[asked]
    request = house.submit(dict(corpus.ARGUMENTS), risk=Risk.REVERSIBLE, kind=kind, options=options)
    (first, *more) = request.route.stages[0].steps
    steps = (Step(notify=tuple(people.values()), people=tuple(people.values()), wait=first.wait), *more)
    stage = replace(request.route.stages[0], steps=steps)
    request = replace(request, route=replace(request.route, stages=(stage,)))
    house.requests[request.id] = request
    for token, name in people.items():
        item = KeyItem(request=request.id, revision=1, digest=request.digest, delivery=f"dlv_{name}", fully_shown=True)
        house.keys[hash_of(token)] = ReplyKey(
            hash=hash_of(token),
            letter=f"dlv_{name}.r1",
            channel=NAME,
            person=name,
            items=(item,),
            at=request.created_at,
            expires_at=request.expires_at + timedelta(days=30),
        )
    return house, request


async def take(sample: Sample) -> Came:
    """Bring one mail to a new mailroom."""
    house, request = house_of(sample.kind)
    settings = EmailSettings(
        smtp=server_of("smtp://127.0.0.1:9", MAIL_OUT),
        sender=corpus.SENDER,
        reply_to=corpus.REPLY_TO,
        listen=server_of("lmtp://127.0.0.1:9", MAIL_LISTEN),
        authserv_id=corpus.AUTHSERV_ID,
    )
    room = Mailroom(settings, Names(("a secret of tests",), "sayso.example"), house, house.clock, page=_page)
    await room.take(Incoming(raw=sample.raw, recipients=sample.rcpt, sender=sample.mail_from), len(sample.raw))
    verdicts = [receipt.verdict for receipt in house.receipts.values()]
    (reason,) = (*verdicts, *room.aside)
    return Came(house.requests[request.id], reason, bool(house.answers))


def _page(card: Card, person: Person) -> str:
    return f"{card.url}?to={person.id}"


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
async def test_t18_t19_each_mail_comes_to_what_it_must(sample: Sample) -> None:
    """A decision exactly where one is expected, of the expected sort; else none, for one of the expected reasons."""
    came = await take(sample)
    if sample.verdict == REFUSED:
        assert not came.request.decisions, f"a false decision: {sample.note}"
        assert came.reason in sample.reasons, sample.note
    else:
        assert sample.reasons == (COMMAND,)
        verb = corpus.VERDICTS[sample.verdict]
        assert came.request.decisions, f"refused: {came.reason} ({sample.note})"
        made = came.request.decisions[-1]
        assert (made.decision, came.request.state) == (verb, ENDED[verb]), sample.note
        assert made.by == corpus.PEOPLE[_token(sample)].partition("@")[0]
        if sample.comment is not None:
            assert " ".join((made.comment or "").split()) == " ".join(sample.comment.split())
        assert " ".join((made.answer or "").split()) == " ".join((sample.answer or "").split())
        if sample.kind == "choice" and sample.verdict == "choose":
            assert came.request.content.chosen == sample.answer
        for name, text in sample.edits.items():
            value = came.request.content.arguments[name]
            assert value == (text if isinstance(value, str) else float(text))
    if sample.answered is not None:
        assert came.answered is sample.answered, sample.note


def _token(sample: Sample) -> str:
    """Whose letter it answers: the first token that is named."""
    named = str(sample.rcpt).encode() + sample.raw[:20_000].lower()
    return min((token for token in corpus.PEOPLE if token.encode() in named), key=lambda t: named.index(t.encode()))
