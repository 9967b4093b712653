"""Who may see how the house runs, and who may change it: admins both, auditors the first alone, reviewers neither."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import OnlyReads
from bot.core.model import PersonRole
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.site import Site

Reading = Callable[[Site, Http, Visitor], Awaitable[Response]]
Changing = Callable[[Site, Http, Visitor, Form], Awaitable[Response]]

READERS = (PersonRole.ADMIN, PersonRole.AUDITOR)


def page_of(site: Site, visitor: Visitor, tab: str, *, status: int = 200, **context: Any) -> Response:
    """One of the house's pages; ``acts`` is whether its buttons are there for this visitor."""
    return site.pages.show(
        f"admin/{tab}.html",
        now=site.house.clock.now(),
        visitor=visitor,
        status=status,
        place="admin",
        tab=tab,
        acts=visitor.person.role is PersonRole.ADMIN,
        **context,
    )


def reading(page: Reading) -> Reading:
    """The page for admins and auditors; anybody else is told whose it is."""

    async def read(site: Site, http: Http, visitor: Visitor) -> Response:
        if visitor.person.role not in READERS:
            return _closed(site, visitor)
        return await page(site, http, visitor)

    return read


def acting(change: Changing) -> Changing:
    """A form that only an admin may send; anybody else is refused, on record."""
    return _by((PersonRole.ADMIN,), change)


def asking(answer: Changing) -> Changing:
    """A form that changes nothing of the house, for admins and auditors; anybody else is refused, on record."""
    return _by(READERS, answer)


def _by(roles: tuple[PersonRole, ...], change: Changing) -> Changing:
    async def done(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
        role = visitor.person.role
        if role in roles:
            return await change(site, http, visitor, form)
        if role is PersonRole.AUDITOR:
            await site.record(visitor, http, OnlyReads.code)
            raise OnlyReads
        await site.record(visitor, http, "not_admin")
        return _closed(site, visitor)

    return done


def _closed(site: Site, visitor: Visitor) -> Response:
    people = site.house.policy().people.values()
    admins = [person.name for person in people if person.role is PersonRole.ADMIN]
    return site.pages.show(
        "admin/closed.html", now=site.house.clock.now(), visitor=visitor, status=403, place="admin", admins=admins
    )
