"""Letters to draw: cards as the core makes them, and every kind of letter with the same hostile text in each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, Verdict, edit_text
from bot.core.model import Edit, ExecutionState, Kind, Option, Person, Replies, State
from channels.email.letters.draw import (
    Drawn,
    batch_of,
    card_letter,
    digest_letter,
    listed,
    news_letter,
    outcome_letter,
    words,
)
from tests.channels.house import House

ANA = Person(id="ana", name="Ana Silva", email="ana@example.com", timezone="Europe/Lisbon")
LINK = "https://sayso.example/requests/req_01k0c9h2x7?to=mfqw2zlnmfqw2zlnmfqw2zlnmf"
INBOX = "https://sayso.example/inbox"
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CONTEXT = {
    "user_request": "I was charged twice for my order, please help!",
    "evidence": [
        {"title": "Charges", "text": "ch_1 and ch_2, 40 seconds apart", "url": "https://billing.example.com/ch_1"}
    ],
    "checks": [{"name": "Duplicate", "passed": True, "detail": "two charges of the same amount"}],
    "risks": ["The customer keeps both the goods and the money", "The second charge may be another order"],
}


OPTIONS = (
    Option(id="a", title="The whole amount", arguments={"amount": 240.0}),
    Option(id="b", title="Half of it", arguments={"amount": 120.0}),
)
NOTES = (
    Line("The same was rejected before", "Ben rejected it on Tuesday"),
    Line("Checked: the order is theirs", "failed (order belongs to another customer)"),
    Line("Second opinion by fraud-watch", "doubts it: two refunds this week"),
)
DRAFT = "Dear Ana,\nwe are sorry.\nYou get 240 USD.\nBest,\nSupport"
"""A text that people edit."""


def a_card(arguments: dict[str, Any] | None = None, *, replies: Replies = Replies.APPROVE, **changes: Any) -> Card:
    """A refund at noon, put to Ana and Ben; ``changes`` are fields of the request or its revision."""
    house = House()
    changes = {"reason": "Customer reported a duplicate charge", "confidence": 0.72, "context": CONTEXT} | changes
    made = house.card_of(house.submit(arguments, **changes))
    return replace(
        made,
        request="req_01k0c9h2x7",
        deadline=NOON + timedelta(minutes=15),
        expires_at=NOON + timedelta(hours=24),
        replies=replies,
        risk="reversible" if replies is Replies.APPROVE else "irreversible",
        url=LINK,
    )


def pending(card: Card, *, hears: bool = True, note: str | None = None) -> Drawn:
    """A request's letter to Ana."""
    return card_letter(card, person=ANA, link=LINK, hears=hears, note=note)


def edited(card: Card) -> Card:
    """Its next revision, after Ben edited it."""
    edits = (Line("/amount", "240.0 → 100.0"), Line("/note", '(absent) → "half of it"'))
    by_ben = Verdict(
        title="Approved with edits", by="Ben <Okri>", at=NOON, channel="slack", comment="Half is enough.", edits=edits
    )
    return replace(card, revision=2, verdicts=(by_ben,))


def ended(card: Card, *, state: State = State.APPROVED, run: ExecutionState | None = ExecutionState.EXECUTED) -> Card:
    """It once decided, by mail, and run."""
    said = {
        ExecutionState.EXECUTED: ("Executed", '{\n  "refund": "re_1"\n}'),
        ExecutionState.FAILED: ("Failed", "402: card closed"),
    }
    label, text = (
        said.get(run, ("Outcome unknown: it may have happened, and somebody has to find out", "reset"))
        if run
        else ("", "")
    )
    title = "Rejected" if state is State.REJECTED else "Approved"
    verdict = Verdict(
        title=title, by="Ben <Okri>", at=NOON, channel="email", comment="Go ahead.\nThanks", category=None
    )
    return replace(
        card, state=state, buttons=(), verdicts=(verdict,), execution=Line(label, text) if run else None, run=run
    )


def every_letter(text: str = "Refund", modes: Iterable[Replies] = tuple(Replies)) -> Iterator[Drawn]:
    """Each kind of letter, with ``text`` wherever somebody else's text can stand; drawn as the house would."""
    context = {"evidence": [{"title": text, "text": text, "url": text}], "user_request": text, "risks": [text],
               "checks": [{"name": text, "passed": True, "detail": text}], "tool_calls": [{"name": text}]}  # fmt: skip
    for replies in modes:
        card = a_card(
            {"value": text, text: 1, "nested": {text: [text]}}, replies=replies, title=text, action=text, reason=text,
            context=context, warnings=(f"/value holds {text}",),
        )  # fmt: skip
        told = card.title
        card = replace(
            card, undo=told, why=told, agent=card.action, asked=(Asked(told, "ana", 0, told),), batch=told,
            notes=(Line(told, told), Line(told, changed_lines(told))),
        )  # fmt: skip
        yield card_letter(card, person=ANA, link=LINK, hears=True, note="Ben asked for it.")
        yield from _later(card, text)
        for kind in (Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION):
            yield from _asked(kind, text, replies)
    yield words(f"Re: {text}", (text, text, "It is decided."), link=LINK, link_says="Open the full request")


def changed_lines(text: str) -> str:
    """What a card says of a long text in which a line was changed into this one."""
    return edit_text(Edit("/body", f"one\n--two\n{text}\nthree", f"one\n++two\n{text} and {text}\nthree"))


def _asked(kind: Kind, text: str, replies: Replies) -> Iterator[Drawn]:
    """What is no approval, to be answered, and answered."""
    options = (Option(id="a", title=text, arguments={"value": text}), Option(id=text, title=text))
    card = a_card(
        {"value": text}, kind=kind, replies=replies, options=() if kind is Kind.EXCEPTION else options, reason=text
    )
    yield card_letter(replace(card, answer=card.claims[0].text), person=ANA, link=LINK, hears=True)
    yield digest_letter([(1, card, LINK), (2, card, LINK)], [], person=ANA, hears=True, inbox=INBOX)
    over = replace(ended(card, run=None), answer=text if kind is not Kind.CHOICE else "a")
    yield outcome_letter(replace(over, answer=card.claims[0].text), person=ANA, link=LINK)


def batch_letter(cards: Iterable[Card], *, hears: bool = True) -> Drawn:
    """One letter for a batch."""
    batch = batch_of(tuple(cards))
    assert batch is not None
    links = [LINK for _ in batch.cards]
    asks = [(number, batch.cards[index], LINK) for number, index in enumerate(listed(batch, links), 1)]
    return digest_letter(asks, [], person=ANA, hears=hears, inbox=INBOX, batch=batch)


def _later(card: Card, text: str) -> Iterator[Drawn]:
    told = card.title
    edits = (Line(told, told), Line(told, changed_lines(told)))
    verdict = Verdict(title="Rejected", by=text, at=NOON, channel="email", comment=told, category=text, edits=edits)
    again = replace(card, revision=2, verdicts=(verdict,))
    yield card_letter(again, person=ANA, link=LINK, hears=False)
    ran = replace(ended(again), verdicts=(verdict,), execution=Line("Failed", told), run=ExecutionState.FAILED)
    yield outcome_letter(ran, person=ANA, link=LINK)
    yield news_letter(card, person=ANA, link=LINK, hears=True, note=f"The next in the chain are asked: {told}")
    yield digest_letter([(1, card, LINK), (2, a_card(), LINK)], [(ran, LINK)], person=ANA, hears=True, inbox=INBOX)
    yield batch_letter([card, replace(card, notes=()), card])


def rewritten() -> Card:
    """A mail to a customer, after Ben changed a line of it."""
    after = DRAFT.replace("240", "120")
    edits = (Line("/body", edit_text(Edit("/body", DRAFT, after))),)
    by_ben = Verdict(title="Approved with edits", by="Ben <Okri>", at=NOON, channel="slack", edits=edits)
    return replace(a_card({"body": after}, action="mail.send", title="Write to Ana"), revision=2, verdicts=(by_ben,))


def batch_of_refunds(count: int) -> list[Card]:
    """A batch of refunds, of 10, 20, 30 and so on."""
    return [
        replace(
            a_card({"order": f"1{n:04}", "amount": n * 10.0}, batch="newsletter-11", title=f"Refund on order 1{n:04}"),
            batch="newsletter-11",
        )
        for n in range(1, count + 1)
    ]


def samples() -> dict[str, Drawn]:
    """What people get to see, by name: for the browser."""
    return {**_waiting(), **_over(), **_several()}


def _waiting() -> dict[str, Drawn]:
    """Letters about one request that waits."""
    shell = {
        "command": "set -e\n  rm -rf /srv/cache\n\n\n\n\napprove",
        "host": "db-1.internal.example.com",
        "limits": {"cpu": 2, "tags": ["a", "b"]},
        "x" * 90: "y" * 200,
    }
    note = "Nobody has decided yet, so Lea is asked too."
    return {
        "pending": pending(a_card()),
        "page": pending(_irreversible()),
        "long": pending(_long()),
        "code": pending(a_card(shell, action="shell.run")),
        "edited": pending(edited(a_card())),
        "escalation": news_letter(replace(a_card(), escalation_level=1), person=ANA, link=LINK, hears=True, note=note),
        "question": pending(a_card({"question": "Which account?"}, kind=Kind.QUESTION)),
        "choice": pending(a_card({}, kind=Kind.CHOICE, options=OPTIONS, title="Pay back")),
        "exception": pending(a_card(kind=Kind.EXCEPTION)),
        "notes": pending(replace(a_card(), notes=NOTES)),
        "lines": pending(rewritten()),
    }


def _over() -> dict[str, Drawn]:
    """Letters about one that is decided."""
    cards = {
        "executed": ended(a_card()),
        "failed": ended(a_card(), run=ExecutionState.FAILED),
        "unknown": ended(a_card(), run=ExecutionState.UNKNOWN),
        "rejected": ended(a_card(), state=State.REJECTED, run=None),
        "answered": replace(ended(a_card(kind=Kind.QUESTION), run=None), answer="The second.\nAsk Ben."),
    }
    return {name: outcome_letter(card, person=ANA, link=LINK) for name, card in cards.items()}


def _several() -> dict[str, Drawn]:
    """Letters about several, and one that answers a letter."""
    sql = {"sql": "delete from users\nwhere last_seen < '2019-01-01'"}
    cards = (a_card(), _irreversible(), a_card(sql, action="database.run", title="Delete 1,204 users"), _long())
    asks = [(number, card, LINK) for number, card in enumerate(cards, 1)]
    not_understood = (
        "Your answer was not understood.",
        "That is no command. Write one of: approve, reject, reject: reason, edit name=value, ask: question.",
        "Nothing was decided.",
    )
    return {
        "batch": batch_letter(batch_of_refunds(12)),
        "digest": digest_letter(asks, [(ended(a_card()), LINK)], person=ANA, hears=True, inbox=INBOX),
        "answer": words("Not understood", not_understood, link=LINK, link_says="Open the full request"),
    }


def _irreversible() -> Card:
    """What a letter may not approve."""
    mixed = "/payee holds p⟦U+0430⟧ypal.com, which mixes scripts that look alike"
    return a_card(replies=Replies.REJECT_ONLY, warnings=(mixed,))


def _long() -> Card:
    """More text than a letter shows."""
    body = "Dear customer,\n\n" + "we are sorry for the delay of your order. " * 900
    return a_card({"to": "all@example.com", "body": body}, action="mail.send", title="Write to all customers")


__all__ = [
    "ANA",
    "DRAFT",
    "INBOX",
    "LINK",
    "NOTES",
    "OPTIONS",
    "a_card",
    "batch_letter",
    "batch_of_refunds",
    "changed_lines",
    "edited",
    "ended",
    "every_letter",
    "pending",
    "rewritten",
    "samples",
]
