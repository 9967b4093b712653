"""``/admin/people``: everybody whom the rules know: their role, how they are reached, where they are signed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Invalid, NotFound
from bot.core.model import Absence, Person, PersonRole
from bot.core.policy import Policy
from bot.core.ports import Session, Subscription, Unreachable
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.admin.paging import leaf_of, sliced
from bot.web.inbox.admin.roster import Roster
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import see_other
from bot.web.inbox.push import part_with
from bot.web.inbox.site import VIA, Site

PEOPLE = "/admin/people"
_SHORT = 16
"""Digits of a session's id that a form names it by: enough to tell one person's sessions apart."""

_MAIL, _SLACK, _NTFY = words("Mail"), words("Slack"), words("ntfy topic")
NO_SESSION = words("There is no such session any more.")
NOT_SAID = words("The form does not say whose session is to end, so nothing was changed.")
_ROLE_ORDER = (PersonRole.ADMIN, PersonRole.AUDITOR, PersonRole.REVIEWER)


class Address(Struct, frozen=True, kw_only=True):
    """One way to a person, and why it reaches nobody (None: nothing is known against it)."""

    label: str
    to: str
    lost: Unreachable | None


class Signed(Struct, frozen=True, kw_only=True):
    """One session in force, and what a form names it by."""

    session: Session
    short: str
    here: bool


class Member(Struct, frozen=True, kw_only=True):
    """One person. ``asked`` are the groups and schedules that they are in, ``there`` how they are asked now."""

    person: Person
    asked: tuple[str, ...]
    addresses: tuple[Address, ...]
    browsers: tuple[Subscription, ...]
    away: Absence | None
    away_now: bool
    delegate: str | None
    sessions: tuple[Signed, ...]


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/people``: fifty a page, admins first."""
    house = site.house
    policy, now = house.policy(), house.clock.now()
    people = sorted(policy.people.values(), key=lambda p: (_ROLE_ORDER.index(p.role), p.name.casefold(), p.id))
    leaf = leaf_of(http, len(people))
    sessions: dict[str, list[Session]] = defaultdict(list)
    for session in await house.access.sessions():
        sessions[session.person].append(session)
    browsers: dict[str, list[Subscription]] = defaultdict(list)
    for browser in await house.desk.subscriptions():
        browsers[browser.person].append(browser)
    lost = {(u.channel, u.to.casefold()): u for u in await house.store.unreachable()}
    roster, asked = Roster(policy, now), _asked(policy)
    members = []
    for person in sliced(people, leaf).items:
        away = roster.away(person.id)
        members.append(
            Member(
                person=person,
                asked=tuple(asked.get(person.id, ())),
                addresses=tuple(_addresses(person, lost)),
                browsers=tuple(browsers[person.id]),
                away=away,
                away_now=away is not None and away.since <= now,
                delegate=roster.name(away.delegate) if away and away.delegate else None,
                sessions=_signed(sessions[person.id], visitor),
            )
        )
    strangers = {name: _signed(found, visitor) for name, found in sessions.items() if name not in policy.people}
    return page_of(
        site,
        visitor,
        "people",
        leaf=leaf,
        members=members,
        total=len(people),
        strangers=strangers,
        admins=_admins(people),
    )


def _admins(people: Iterable[Person]) -> int:
    return sum(person.role is PersonRole.ADMIN for person in people)


def _asked(policy: Policy) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, people in policy.groups.items():
        for person in people:
            found[person].append(name)
    for schedule in policy.schedules.values():
        for person in dict.fromkeys(schedule.people):
            found[person].append(schedule.name)
    return found


def _addresses(person: Person, lost: dict[tuple[str, str], Unreachable]) -> Iterable[Address]:
    every = (("email", _MAIL, person.email), ("slack", _SLACK, person.slack), ("push", _NTFY, person.ntfy))
    for channel, label, to in every:
        if to:
            yield Address(label=label, to=to, lost=lost.get((channel, to.casefold())))


def _signed(sessions: Iterable[Session], visitor: Visitor) -> tuple[Signed, ...]:
    return tuple(Signed(session=s, short=s.id[:_SHORT], here=s.id == visitor.session.id) for s in sessions)


async def _forget_browsers(site: Site, person: str, actor: str) -> None:
    """A device that is signed out, as when it was lost, is told of no further request."""
    for browser in await site.house.desk.subscriptions(person):
        await site.house.desk.unsubscribe(browser.id, by=actor, reason="all sessions ended by an admin")
    if site.house.push is not None:
        await site.house.push.refresh()


async def end(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/people/sessions``: end one session of a person, or with ``all`` every one of theirs."""
    person, short = form.get("person", ""), form.get("session", "")
    if not person or not short:
        raise Invalid(NOT_SAID, faults=(Fault("/session", "required", NOT_SAID),))
    access = site.house.access
    if short == "all":
        own = visitor.session.id if person == visitor.person.id else None
        await access.end_all(person, by=visitor.actor, but=own, via=VIA)
        if own is None:
            await _forget_browsers(site, person, visitor.actor)
        return see_other(PEOPLE)
    found = [s for s in await access.sessions(person) if len(short) == _SHORT and s.id.startswith(short)]
    if len(found) != 1:
        raise NotFound(NO_SESSION)
    await access.end(found[0].id, by=visitor.actor, reason="ended by an admin", via=VIA)
    await part_with(site.house, http, found[0], by=visitor.actor)
    return see_other(PEOPLE)
