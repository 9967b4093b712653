"""The page behind a mail's link: ``/requests/{id}?to={mark}``, where the mark says for whom the link was made.

The mark identifies and never authorises (threat T17). Without a session it shows one thing, whose mailbox it was sent
to, and can do one thing, send that mailbox a sign-in link. Within the right person's session it is the request's page;
within another's it is refused. Looking at it changes nothing, whoever looks (T16).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.model import Person
from bot.core.token import MARK
from bot.web.inbox import review
from bot.web.inbox.guard import Visitor, local_path
from bot.web.inbox.house import House
from bot.web.inbox.pause import Pause
from bot.web.inbox.site import Site

NOT_YOUR_LINK = "not_your_link"
"""The reason in the audit trail where somebody opened a link that was sent to another person."""

_PAUSE = timedelta(minutes=1)
"""Between two such lines about one session and link: reloading a page must not be a way to flood the trail."""

_MARK = re.compile(MARK)


class MailLink(Struct, frozen=True):
    """The request and the mark that a mail's link names; both have their shape, neither need be true."""

    request: str
    mark: str

    @property
    def page(self) -> str:
        """The request's own page, without the mark."""
        return f"/requests/{self.request}"

    @property
    def address(self) -> str:
        """The link as it stood in the mail, within this site."""
        return f"{self.page}?to={self.mark}"


def link_in(fields: Mapping[str, str], request_id: str) -> MailLink | None:
    """The link that a query or a form names in ``to``; None where the words have not the shape of one."""
    link = MailLink(request_id, fields.get("to", ""))
    return link if _MARK.fullmatch(link.mark) and local_path(link.page) == link.page else None


def addressee(house: House, link: MailLink | None) -> Person | None:
    """For whom the link was made: somebody whom routing.yaml still knows, with a mail address."""
    person_id = house.addressed(link.request, link.mark) if link else None
    person = house.desk.person(person_id) if person_id else None
    return person if person and person.email else None


def masked(address: str) -> str:
    """``a••@example.com``: enough for its owner; always two dots, so that not even the name's length is told."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}••@{domain}"


class Mailed:
    """Opens the links of mails."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pause = Pause(site.house.clock, _PAUSE)

    def greet(self, http: Http) -> Response | None:
        """The page for whoever is not signed in: nothing of the request, not even whether there is one.

        None for any other link: then the visit is like every signed-out visit.
        """
        link = _link_of(http)
        person = addressee(self._site.house, link)
        if link is None or person is None:
            return None
        return self._site.pages.show(
            "mailed.html",
            now=self._site.house.clock.now(),
            visitor=None,
            address=masked(person.email or ""),
            link=link,
            can_send=self._site.send_link is not None,
            asked="asked" in http.query_params,
        )

    async def show(self, site: Site, http: Http, visitor: Visitor) -> Response:
        """``GET /requests/{id}`` of a signed-in person: the page, unless its link was made for somebody else."""
        link = _link_of(http)
        person = addressee(site.house, link)
        if link is None or person is None or person.id == visitor.person.id:
            return await review.show(site, http, visitor)
        if self._pause.is_over(visitor.session.id, link.request, link.mark):
            await site.record(visitor, http, NOT_YOUR_LINK)
        return site.pages.show("not_your_link.html", now=site.house.clock.now(), visitor=visitor, status=403, link=link)


def _link_of(http: Http) -> MailLink | None:
    return link_in(http.query_params, http.path_params["id"])
