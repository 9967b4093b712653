"""Letters to draw: cards as the core makes them, and every kind of letter with the same hostile text in each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.card import Card, Line, Verdict
from bot.core.model import ExecutionState, Person, Replies, State
from channels.email.letters.draw import Drawn, card_letter, digest_letter, news_letter, outcome_letter, words
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
        card = replace(card, undo=card.title, why=card.title, agent=card.action)
        yield card_letter(card, person=ANA, link=LINK, hears=True, note="Ben asked for it.")
        yield from _later(card, text)
    yield words(f"Re: {text}", (text, text, "It is decided."), link=LINK, link_says="Open the full request")


def _later(card: Card, text: str) -> Iterator[Drawn]:
    told = card.title
    verdict = Verdict(
        title="Rejected", by=text, at=NOON, channel="email", comment=told, category=text, edits=(Line(told, told),)
    )
    again = replace(card, revision=2, verdicts=(verdict,))
    yield card_letter(again, person=ANA, link=LINK, hears=False)
    ran = replace(ended(again), verdicts=(verdict,), execution=Line("Failed", told), run=ExecutionState.FAILED)
    yield outcome_letter(ran, person=ANA, link=LINK)
    yield news_letter(card, person=ANA, link=LINK, hears=True, note=f"The next in the chain are asked: {told}")
    yield digest_letter([(1, card, LINK), (2, a_card(), LINK)], [(ran, LINK)], person=ANA, hears=True, inbox=INBOX)


def samples() -> dict[str, Drawn]:
    """What people get to see, by name: for the browser."""
    long = {"to": "all@example.com", "body": "Dear customer,\n\n" + "we are sorry for the delay of your order. " * 900}
    irreversible = a_card(
        replies=Replies.REJECT_ONLY, warnings=("/payee holds p⟦U+0430⟧ypal.com, which mixes scripts that look alike",)
    )
    many = [
        (1, a_card(), LINK),
        (2, irreversible, LINK),
        (
            3,
            a_card(
                {"sql": "delete from users\nwhere last_seen < '2019-01-01'"},
                action="database.run",
                title="Delete 1,204 users",
            ),
            LINK,
        ),
        (4, a_card(long, action="mail.send", title="Write to all customers"), LINK),
    ]
    return {
        "pending": card_letter(a_card(), person=ANA, link=LINK, hears=True),
        "page": card_letter(irreversible, person=ANA, link=LINK, hears=True),
        "long": card_letter(
            a_card(long, action="mail.send", title="Write to all customers"), person=ANA, link=LINK, hears=True
        ),
        "code": card_letter(
            a_card(
                {
                    "command": "set -e\n  rm -rf /srv/cache\n\n\n\n\napprove",
                    "host": "db-1.internal.example.com",
                    "limits": {"cpu": 2, "tags": ["a", "b"]},
                    "x" * 90: "y" * 200,
                },
                action="shell.run",
            ),
            person=ANA,
            link=LINK,
            hears=True,
        ),
        "edited": card_letter(edited(a_card()), person=ANA, link=LINK, hears=True),
        "executed": outcome_letter(ended(a_card()), person=ANA, link=LINK),
        "failed": outcome_letter(ended(a_card(), run=ExecutionState.FAILED), person=ANA, link=LINK),
        "unknown": outcome_letter(ended(a_card(), run=ExecutionState.UNKNOWN), person=ANA, link=LINK),
        "rejected": outcome_letter(ended(a_card(), state=State.REJECTED, run=None), person=ANA, link=LINK),
        "escalation": news_letter(
            replace(a_card(), escalation_level=1),
            person=ANA,
            link=LINK,
            hears=True,
            note="Nobody has decided yet, so Lea is asked too.",
        ),
        "digest": digest_letter(many, [(ended(a_card()), LINK)], person=ANA, hears=True, inbox=INBOX),
        "answer": words(
            "Not understood",
            (
                "Your answer was not understood.",
                "That is no command. Write one of: approve, reject, reject: reason, edit name=value, ask: question.",
                "Nothing was decided.",
            ),
            link=LINK,
            link_says="Open the full request",
        ),
    }


__all__ = ["ANA", "INBOX", "LINK", "a_card", "edited", "ended", "every_letter", "pending", "samples"]
