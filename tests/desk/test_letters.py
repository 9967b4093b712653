"""Letters at the desk: what is filed, answered and kept, once each."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.core import errors
from bot.core.model import Request
from bot.core.ports import MOST_ANSWERS, Cursor, Handled, KeyItem, Letter, Receipt, ReplyKey
from tests.desk.house import START, House


async def trail(house: House, kind: str) -> list[dict[str, Any]]:
    """The data of every line of this type in the whole trail."""
    lines = [json.loads(line.body) for line in await house.store.audit_lines(0, 10_000)]
    return [line["data"] for line in lines if line["type"] == kind]


def receipt(number: int = 1, thread: str = "letter_1", verdict: str = "approve") -> Receipt:
    """What became of an incoming letter."""
    return Receipt(key=f"key_{number}", thread=thread, verdict=verdict, at=START)


def about(request: Request, *, refused: bool = False) -> Handled:
    """What the trail says of it."""
    return Handled(request=request.id, actor="person:ana", via="email", refused=refused)


ANSWER = Letter(
    person="ana",
    subject="Re: Refund",
    lines=("Understood: approved.",),
    link="https://sayso.test/r",
    thread="letter_1",
    answers="<1@example.com>",
)


async def test_a_letter_is_filed_once_with_its_answer(house: House) -> None:
    """The answer is a committed effect that holds the whole letter; the trail says what was received, once."""
    request = await house.submit()
    assert await house.desk.received("key_1") is None
    assert await house.desk.file(receipt(), ANSWER, about(request))
    owed = house.sql("select request, ref, note from effects where kind = 'letter'")
    assert [(of, via, msgspec.json.decode(note, type=Letter)) for of, via, note in owed] == [
        (request.id, "email", ANSWER)
    ]
    for again in (receipt(), receipt(verdict="reject"), receipt(thread="letter_2")):
        assert not await house.desk.file(again, ANSWER, about(request))
    assert await house.desk.received("key_1") == receipt()
    assert len(house.sql("select id from effects where kind = 'letter'")) == 1
    assert await trail(house, "letter.received") == [{"verdict": "approve"}]


async def test_what_the_channel_refused_is_a_refusal(house: House) -> None:
    """By its reason and with who wrote it, whether or not it is answered."""
    request = await house.submit()
    await house.desk.file(receipt(verdict="sender_unverified"), None, about(request, refused=True))
    assert (await house.events(request))[-1] == "refusal:sender_unverified"
    assert house.sql("select id from effects where kind = 'letter'") == []
    line = json.loads((await house.store.audit(request.id))[-1].body)
    assert (line["actor"], line["via"]) == ("person:ana", "email")


async def test_answers_to_one_thread_end(house: House) -> None:
    """Five are written; the sixth letter is filed, is in the trail, and hears nothing: no two machines write for ever.

    Another thread is not cut short by it, and what asked for no answer does not count.
    """
    request = await house.submit()
    for number in range(20, 30):
        assert not await house.desk.file(receipt(number), None, about(request))
    told = [await house.desk.file(receipt(number), ANSWER, about(request)) for number in range(MOST_ANSWERS + 2)]
    assert told == [True] * MOST_ANSWERS + [False] * 2
    assert await house.desk.received(f"key_{MOST_ANSWERS + 1}") is not None
    notes = [note for (note,) in house.sql("select note from effects where kind = 'letter' order by n")]
    assert len(notes) == MOST_ANSWERS == 5
    assert ["no further answers" in note for note in notes] == [False] * 4 + [True]
    assert len(await trail(house, "letter.received")) == 17
    assert await house.desk.file(receipt(99, "letter_2"), ANSWER, about(request))


async def test_six_letters_at_once_get_five_answers(house: House) -> None:
    """Filed side by side in one commit."""
    request = await house.submit()
    told = await asyncio.gather(*(house.desk.file(receipt(n), ANSWER, about(request)) for n in range(6)))
    assert sorted(told) == [False] + [True] * 5


async def test_a_letter_about_nothing_is_not_filed(house: House) -> None:
    """No request, no receipt: the channel hears of it."""
    request = await house.submit()
    strange = Handled(request="req_none", actor="person:ana", via="email", refused=False)
    with pytest.raises(errors.NotFound):
        await house.desk.file(receipt(), ANSWER, strange)
    assert await house.desk.received("key_1") is None
    assert await house.desk.file(receipt(), ANSWER, about(request))


async def test_what_a_letter_stands_for_is_found_again(house: House) -> None:
    """By the hash of its token and by its name; and how far a mailbox was read."""
    item = KeyItem(request="req_1", revision=2, digest="sha256:0", delivery="dlv_1", fully_shown=True, number=1)
    key = ReplyKey(
        hash="a hash",
        letter="letter_1",
        channel="email",
        person="ana",
        items=(item,),
        at=START,
        expires_at=START + timedelta(days=30),
    )
    await house.desk.keep_key(key)
    assert await house.desk.reply_key(key.hash) == await house.desk.letter(key.letter) == key
    assert await house.desk.cursor("imaps://h/INBOX") is None
    moved = Cursor(mailbox="imaps://h/INBOX", validity=1, uid=7)
    await house.desk.move_cursor(moved)
    assert await house.desk.cursor("imaps://h/INBOX") == moved
