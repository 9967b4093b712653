"""What the audit's lines say of a period: read once, from the first line to the last, whatever the period is.

The chain holds or breaks as a whole, so all of it is verified; counted is what happened within the period.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct, json

from bot.core.ports import AuditLine
from bot.core.ports.reports import ReportAsked
from bot.core.proof import Examiner
from bot.reports.kinds import DECISIONS, ENDED, heading_of
from bot.reports.lists import Entry, Fold, Listed

_MOST_CARDS = 50_000
"""Requests whose cards are remembered while they are open; beyond that the oldest are forgotten, and said to be."""

_MOST_SPANS = 500
_BY_CARD = frozenset({"slack", "email", "push"})
"""Channels in which a person decides on a card; in the inbox and over the API the page or answer is the request."""

_NOTED = 160
_PENDING = b'"state":"pending"'
_NAMES_ONE = b'"decision_id":'


class _Head(Struct):
    type: str
    at: datetime
    actor: str
    via: str
    request: str | None = None
    data: Raw = Raw(b"{}")


class Span(Struct):
    """One file of rules: its hash, and from when to when it was in force (None: it still is)."""

    policy: str
    since: datetime
    until: datetime | None = None


class _Cards(Struct):
    """What cards of one open request stood where: (channel, digest)."""

    stood: set[tuple[str, str]]


class _Created(Struct):
    created_at: datetime


class _Born(Struct):
    """Of a request's first line, when it says that it began."""

    request: _Created


_head = json.Decoder(_Head)
_born = json.Decoder(_Born)


class TrailReading:
    """Takes lines, oldest first."""

    def __init__(self, asked: ReportAsked, examiner: Examiner) -> None:
        self._asked = asked
        self.examiner = examiner
        self.types: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.channels: Counter[str] = Counter()
        self.carded: Counter[str] = Counter()
        self.spans: list[Span] = []
        self.spans_left_out = 0
        self.exceptions: dict[str, Listed] = {}
        self.unseen = Listed()
        self.differing = Listed()
        self.fold = Fold()
        self.submitted = Fold()
        self.first: tuple[int, datetime] | None = None
        self.last: tuple[int, datetime] | None = None
        self.opened_at: datetime | None = None
        self.closed_at: datetime | None = None
        self.oldest: str | None = None
        self.cards_forgotten = 0
        self.read_to = 0
        """The newest line there was."""
        self._cards: dict[str, _Cards] = {}
        self._waiting: dict[tuple[str, str, str], Entry] = {}

    def take(self, lines: Sequence[AuditLine]) -> None:
        """The next lines."""
        self.examiner.take(lines)
        for line in lines:
            try:
                head = _head.decode(line.body)
            except msgspec.DecodeError:
                continue  # the chain's examiner says so
            self._line(line.seq, head)

    def _line(self, seq: int, head: _Head) -> None:
        self.opened_at = self.opened_at or head.at
        self.closed_at = head.at
        within = (self._asked.since is None or head.at >= self._asked.since) and head.at < self._asked.until
        if head.type == "config.loaded" and head.at < self._asked.until:
            self._loaded(head)
        if head.request is not None:
            self._carded(head)
        if head.type == "request.submitted":
            self._submitted(head)
        if not within:
            if head.type in DECISIONS:
                self._closed(head)
            return
        self.first = self.first or (seq, head.at)
        self.last = (seq, head.at)
        self.types[head.type] += 1
        # By its type, or because it names one: of a subject's request the trail keeps the decision, and not its name.
        if head.type in DECISIONS or (_NAMES_ONE in bytes(head.data) and "decision_id" in _data(head)):
            self._decided(seq, head)
            self._closed(head)
        self._counted(head)
        heading = heading_of(head.type)
        if heading is not None:
            entry = _entry(seq, head, _note(_data(head)))
            self.exceptions.setdefault(heading, Listed()).add(entry)

    def _loaded(self, head: _Head) -> None:
        policy = str(_data(head).get("policy", ""))
        if self.spans and self.spans[-1].policy == policy:
            return  # the same rules, after a start
        if self.spans:
            self.spans[-1].until = head.at
            if self._asked.since is not None and head.at <= self._asked.since:
                self.spans.pop()
        self.spans.append(Span(policy, head.at))
        if len(self.spans) > _MOST_SPANS:
            self.spans.pop(0)
            self.spans_left_out += 1

    def _submitted(self, head: _Head) -> None:
        try:
            at = _born.decode(head.data).request.created_at
        except msgspec.DecodeError:
            return  # its row says that it was never submitted
        if (self._asked.since is None or at >= self._asked.since) and at < self._asked.until:
            self.submitted.add(fold_of_id(head.request or ""))

    def _counted(self, head: _Head) -> None:
        if head.type == "refusal":
            self.refusals[str(_data(head).get("reason", "?"))] += 1
        elif head.type == "refusals.counted":
            told = _data(head).get("count", 0)
            self.refusals["(of one actor within a minute, only counted)"] += told if isinstance(told, int) else 0
        elif head.type in ("execution.ended", "execution.reported", "execution.refused"):
            self.outcomes[str((_data(head).get("execution") or {}).get("state", "?"))] += 1

    def _carded(self, head: _Head) -> None:
        request = head.request or ""
        if head.type in ("request.submitted", "request.informed", "request.undone"):
            if _PENDING not in bytes(head.data):
                return  # a rule settled it, and nobody is asked
            self._cards.setdefault(request, _Cards(set()))
            if len(self._cards) > _MOST_CARDS:
                self._cards.pop(next(iter(self._cards)))
                self.cards_forgotten += 1
        elif head.type in ("delivery.sent", "delivery.updated"):
            digest = str(_data(head).get("digest", ""))
            # A click may be committed before what says that its card had been sent.
            self._waiting.pop((request, head.via, digest), None)
            cards = self._cards.get(request)
            if cards is not None:
                cards.stood.add((head.via, digest))

    def _closed(self, head: _Head) -> None:
        if head.type in ENDED and head.request is not None:
            self._cards.pop(head.request, None)

    def _decided(self, seq: int, head: _Head) -> None:
        data = _data(head)
        made, shown = data.get("decision") or {}, data.get("shown") or {}
        self.fold.add(fold_of(made))
        request = head.request or ""
        if self.oldest is None or request < self.oldest:
            self.oldest = request
        if made.get("decision") not in ("approve", "approve_with_edits"):
            return
        channel, digest = str(made.get("channel")), str(shown.get("digest"))
        self.channels[channel] += 1
        entry = _entry(seq, head, f"shown {digest[:19]}…, decided {str(made.get('digest'))[:19]}…")
        if made.get("decision") == "approve" and digest != made.get("digest"):
            self.differing.add(entry)
        if channel not in _BY_CARD:
            return
        cards = self._cards.get(request)
        if cards is None or (channel, digest) not in cards.stood:
            self._waiting[request, channel, digest] = entry

    def conclude(self) -> None:
        """There are no more lines."""
        for entry in self._waiting.values():
            self.unseen.add(entry)
        for channel in _BY_CARD & self.channels.keys():
            late = sum(1 for key in self._waiting if key[1] == channel)
            self.carded[channel] = self.channels[channel] - late
        self._cards.clear()


_COMPARED = ("id", "request", "digest", "by", "decision", "at", "channel")


def fold_of(made: Mapping[str, Any]) -> bytes:
    """What of a decision (as JSON) is compared between trail and rows, boiled down: what the report says of it.

    Lines of the first sayso know of no broken glass, and its rows do as of now.
    """
    told = [*(made.get(name) for name in _COMPARED), bool(made.get("broke_glass"))]
    return hashlib.sha256(json.encode(told)).digest()


def fold_of_id(request: str) -> bytes:
    """That there is such a request, boiled down."""
    return hashlib.sha256(request.encode()).digest()


def _data(head: _Head) -> dict[str, Any]:
    told: dict[str, Any] = json.decode(head.data)
    return told


def _entry(seq: int, head: _Head, note: str) -> Entry:
    return Entry(seq=seq, at=head.at, what=head.type, by=head.actor, request=head.request, note=note)


_TOLD = ("policy", "reason", "note", "name", "role", "agent", "action", "grant", "severity", "channel", "address",
         "error", "subject", "requests", "count", "sha256", "format", "key", "why")  # fmt: skip


def _note(data: dict[str, Any]) -> str:
    """What an event's data says in plain facts; never a value of a request, which may be somebody's."""
    plain = [f"{name} {data[name]}" for name in _TOLD if isinstance(data.get(name), str | int) and data[name] != ""]
    run = data.get("execution")
    if isinstance(run, dict) and "state" in run:
        plain.append(f"execution {run['state']}")
    text = "; ".join(plain)
    return text if len(text) <= _NOTED else f"{text[:_NOTED]}…"
