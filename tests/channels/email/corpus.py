"""The corpus of letters that come in, kept as data: what each must come to, and the named reason.

One ``.eml`` a letter under ``tests/data/mail/<category>/``, in the bytes that came over the wire, and one
``<category>.json`` that says of each what is right. It was written from how mail programs, servers and forgers write,
not from how ours reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from bot.core.model import Kind, Option, Verb

MAIL = Path(__file__).parents[2] / "data" / "mail"

REPLY_TO = "approvals+{token}@sayso.example"
SENDER = "Sayso <sayso@sayso.example>"
AUTHSERV_ID = "mx.sayso.example"
SUBJECT = "[Sayso] Refund 240.0 USD on order 10428 (#h2k9qm)"

ANA = "ana@corp.example"
BEN = "ben@corp.example"
CLEO = "cleo@bank.co.uk"
"""Her domain stands below a public suffix of two labels, so that `evil.co.uk` is nobody to her."""

ANA_TOKEN = "ana2" + "a" * 22
BEN_TOKEN = "ben3" + "b" * 22
CLEO_TOKEN = "cleo" + "c" * 22
PEOPLE: Mapping[str, str] = MappingProxyType({ANA_TOKEN: ANA, BEN_TOKEN: BEN, CLEO_TOKEN: CLEO})
"""Whose each token is. All three were asked about the same request."""

ACTION = "refund.issue"
ARGUMENTS: Mapping[str, Any] = MappingProxyType({"order": "10428", "amount": 240.0, "currency": "USD"})
EDITABLE: Mapping[str, Any] = MappingProxyType(
    {
        "amount": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "enum": ["USD", "EUR"]},
        "note": {"type": "string"},
    }
)
"""The arguments that may be edited, as JSON Schema. The action is reversible: a reply may approve it."""

REFUSED = "refused"
COMMAND = "command"
VERDICTS: Mapping[str, Verb] = MappingProxyType(
    {
        "approve": Verb.APPROVE,
        "reject": Verb.REJECT,
        "edit": Verb.APPROVE_WITH_EDITS,
        "ask": Verb.ASK,
        "escalate": Verb.ESCALATE,
        "answer": Verb.APPROVE,
        "choose": Verb.APPROVE,
        "handled": Verb.APPROVE,
    }
)
"""The verdicts beside ``refused``, and the verb that each stands for."""

OPTIONS = (
    Option(id="a", title="The whole amount", arguments={"order": "10428", "amount": 240.0, "currency": "USD"}),
    Option(id="b", title="Half of it", arguments={"order": "10428", "amount": 120.0, "currency": "USD"}),
    Option(id="c", title="Nothing", arguments={"order": "10428", "amount": 0.0, "currency": "USD"}),
)
"""What may be picked, of a choice; of a question that has options, without the arguments."""
ASKED: Mapping[str, tuple[Kind, tuple[Option, ...]]] = MappingProxyType(
    {
        "approval": (Kind.APPROVAL, ()),
        "question": (Kind.QUESTION, ()),
        "options": (Kind.QUESTION, tuple(Option(id=option.id, title=option.title) for option in OPTIONS)),
        "choice": (Kind.CHOICE, OPTIONS),
        "exception": (Kind.EXCEPTION, ()),
    }
)
"""What a letter of the corpus answers, by the name that its entry gives."""

STRUCTURE = ("malformed", "too_large")
TOKEN = ("no_token", "unknown_token", "token_mismatch")
MACHINES = (
    "auto_submitted",
    "auto_response_suppress",
    "bulk",
    "null_return_path",
    "report",
    "calendar",
    "out_of_office",
)
FROM = ("from_not_one", "sender_not_recipient")
AUTHENTICATION = ("not_authenticated", "weak_authentication")
GRAMMAR = (
    "empty",
    "unknown_command",
    "more_than_the_command",
    "edit_malformed",
    "question_missing",
    "answer_missing",
    "option_missing",
    "quote_not_closed",
    "text_after_quote",
    "named_twice",
    "edit_maybe_wrapped",
)
UNFIT = ("answer_otherwise", "no_such_option")
"""A command, and not one that answers what was asked."""
REASONS = (COMMAND, *STRUCTURE, *TOKEN, *MACHINES, *FROM, *AUTHENTICATION, *GRAMMAR, *UNFIT)
"""Every named reason, in the order of judgement: the first that holds is the one that is given."""
ANSWERED = ("too_large", "weak_authentication", *GRAMMAR, *UNFIT)
"""The refusals that are answered: whoever wrote is the recipient (or most likely is), and no machine."""


class Sample(Struct, frozen=True, kw_only=True):
    """One letter and what it must come to.

    ``raw`` is what the server handed over. ``rcpt`` and ``mail_from`` are the envelope's; empty and None where it is
    not known, as in a mailbox. ``verdict`` is a key of `VERDICTS` or ``refused``; each of ``reasons`` is right.
    ``comment`` is None where it is not tested; runs of white space in it count as one space, for mail programs wrap
    lines. ``edits`` are texts by argument name. ``answered`` is None where either is right. ``kind`` (a key of `ASKED`)
    is what was asked, ``answer`` what the decision must hold of it.
    """

    category: str
    name: str
    raw: bytes
    rcpt: tuple[str, ...]
    mail_from: str | None
    verdict: str
    reasons: tuple[str, ...]
    comment: str | None
    edits: Mapping[str, str]
    answered: bool | None
    note: str
    kind: str = "approval"
    answer: str | None = None

    @property
    def id(self) -> str:
        """What tests call it."""
        return f"{self.category}/{self.name}"


def categories() -> tuple[str, ...]:
    """The categories that there are."""
    return tuple(sorted(path.stem for path in MAIL.glob("*.json")))


def entries(category: str) -> dict[str, dict[str, Any]]:
    """What a category's file says, by the letter's name."""
    told: dict[str, dict[str, Any]] = json.loads((MAIL / f"{category}.json").read_text(encoding="utf-8"))
    return told


def samples(*chosen: str) -> Iterator[Sample]:
    """The letters of these categories (of all, where none is named), one at a time: some are of many megabytes."""
    for category in chosen or categories():
        for name, entry in entries(category).items():
            yield _sample(category, name, entry)


def sample(category: str, name: str) -> Sample:
    """One letter."""
    return _sample(category, name, entries(category)[name])


def _sample(category: str, name: str, entry: Mapping[str, Any]) -> Sample:
    reason = entry["reason"]
    return Sample(
        category=category,
        name=name,
        raw=_filled((MAIL / category / f"{name}.eml").read_bytes(), entry.get("fill", ())),
        rcpt=tuple(entry["rcpt"]),
        mail_from=entry["mail_from"],
        verdict=entry["verdict"],
        reasons=(reason,) if isinstance(reason, str) else tuple(reason),
        comment=entry.get("comment"),
        edits=entry.get("edits", {}),
        answered=entry["answered"],
        note=entry["note"],
        kind=entry.get("kind", "approval"),
        answer=entry.get("answer"),
    )


def _filled(raw: bytes, fills: Any) -> bytes:
    """The letter with each mark replaced by its filling, so that a huge one is kept small."""
    for fill in fills if isinstance(fills, list) else [fills] if fills else []:
        mark = fill["mark"].encode()
        if mark not in raw:
            raise ValueError(f"the letter holds no {fill['mark']}")
        raw = raw.replace(mark, fill["with"].encode() * fill["times"])
    return raw
