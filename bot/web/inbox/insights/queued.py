"""What waits now, whatever the period: how much, how long, and before whom."""

from __future__ import annotations

from bot.core.card import name_of
from bot.core.insight.waiting import Ages, Queue, queue_of
from bot.web.inbox.insights.answered import Reader
from bot.web.inbox.insights.page import Tile
from bot.web.inbox.insights.panels import MOST
from bot.web.inbox.insights.svg.marks import Chart
from bot.web.inbox.insights.svg.scale import length
from bot.web.inbox.insights.svg.strips import Amount, amounts
from bot.web.inbox.language import Said, words
from bot.web.sight import sees_people

_AGES = words("the oldest for {oldest}, half of them for {median} at most")


async def queue(reader: Reader) -> Queue:
    """What waits of the agent and the action that are asked about, without people who are not for this reader."""
    narrowed = {**reader.asked.narrowed, **reader.fixed}
    house, person = reader.site.house, reader.visitor.person
    found = queue_of(await house.store.waiting(narrowed.get("agent"), narrowed.get("action")), house.clock.now())
    if sees_people(person):
        return found
    return Queue(open=found.open, by_person=tuple(one for one in found.by_person if one.person == person.id))


def queue_tile(waiting: Queue) -> Tile:
    """How much waits, in large letters."""
    return Tile(
        text=words("open now"),
        value=f"{waiting.open.count:,}",
        sub=_ages(waiting.open),
        tone="wait" if waiting.open.count else "",
        href="/inbox?scope=all",
    )


def queue_chart(waiting: Queue, reader: Reader) -> Chart:
    """Before whom it waits."""
    people = reader.site.house.policy().people
    rows = [
        Amount(name=name_of(one.person, people), number=one.ages.count, note=_ages(one.ages))
        for one in waiting.by_person[:MOST]
    ]
    own = words("Your own queue; those of others by name are for admins and auditors.")
    return amounts(
        "queue",
        words("Waiting now"),
        words("How many open requests wait for each person, and for how long."),
        rows,
        note=words("What waits for several is in each one’s.") if sees_people(reader.visitor.person) else own,
        unit=words("open requests"),
    )


def _ages(ages: Ages) -> str:
    if ages.oldest is None or ages.median is None:
        return ""
    return Said(_AGES, oldest=length(ages.oldest), median=length(ages.median))
