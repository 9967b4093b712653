"""The house of the channels' tests, with what letters need of it kept in memory: the `Correspondence` port."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Request
from bot.core.ports import MOST_ANSWERS, Ballot, Cursor, Handled, Letter, Receipt, ReplyKey, Unreachable
from tests.channels.house import PEOPLE, House


class LetterHouse(House):
    """A house whose people have mail addresses. ``answers`` are owed letters, and are written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {p.id: replace(p, email=f"{p.id}@corp.example") for p in PEOPLE if p.id != "nil"}
        self.people["nil"] = next(p for p in PEOPLE if p.id == "nil")
        self.keys: dict[str, ReplyKey] = {}
        self.receipts: dict[str, Receipt] = {}
        self.cursors: dict[str, Cursor] = {}
        self.lost: dict[tuple[str, str], Unreachable] = {}
        self.came_back: list[tuple[str, str]] = []
        self.answers: list[Letter] = []

    async def decide(self, ballot: Ballot) -> Request:
        """As the desk does: a ballot with an id that counted is the same decision."""
        known = self.requests.get(ballot.request)
        if known is not None and any(kept.id == ballot.id for kept in known.decisions):
            return known
        after = await super().decide(ballot)
        made = replace(after.decisions[-1], id=ballot.id or after.decisions[-1].id)
        self.requests[after.id] = replace(self.requests[after.id], decisions=(*after.decisions[:-1], made))
        return self.requests[after.id]

    async def keep_key(self, key: ReplyKey) -> None:
        """Keep it."""
        self.keys[key.hash] = key

    async def reply_key(self, token_hash: str) -> ReplyKey | None:
        """By the token's hash."""
        return self.keys.get(token_hash)

    async def letter(self, name: str) -> ReplyKey | None:
        """By the letter's name."""
        return next((key for key in self.keys.values() if key.letter == name), None)

    async def received(self, key: str) -> Receipt | None:
        """If it was filed."""
        return self.receipts.get(key)

    async def file(self, receipt: Receipt, answer: Letter | None, about: Handled) -> bool:
        """Keep the receipt, record a refusal, and write the answer."""
        if receipt.key in self.receipts:
            return False
        self.receipts[receipt.key] = receipt
        if about.refused:
            await self.refused(request_id=about.request, actor=about.actor, via=about.via, reason=receipt.verdict)
        if answer is None or sum(owed.thread == answer.thread for owed in self.answers) >= MOST_ANSWERS:
            return False
        self.answers.append(answer)
        if self.channel is not None:
            await self.channel.write(answer, f"eff_{next(self._numbers)}")
        return True

    async def returned(self, key: ReplyKey, error: str) -> None:
        """Keep what came back, and why."""
        self.came_back.append((key.letter, error))

    async def unreachable(self, channel: str, to: str) -> Unreachable | None:
        """If it is known."""
        return self.lost.get((channel, to))

    async def reached(self, channel: str, to: str) -> None:
        """It lives."""
        self.lost.pop((channel, to), None)

    async def reads(self, mailbox: str) -> bool:
        """Nobody else is here."""
        del mailbox
        return True

    async def cursor(self, mailbox: str) -> Cursor | None:
        """As it was moved."""
        return self.cursors.get(mailbox)

    async def move_cursor(self, cursor: Cursor) -> None:
        """Keep it."""
        self.cursors[cursor.mailbox] = cursor
