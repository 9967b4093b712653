"""Signing in by a one-time link, and out again.

Opening a link only shows a button: mail scanners and link previews follow links, and must use nothing up (T16). The
button's form uses the link, once, and begins a new session; an older one of the same browser ends (T20). A link that
was asked for here works in the browser that asked for it alone, so it is worth nothing to whoever else gets hold of it
(T17, T20); one that whoever runs the bot printed works in any.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import SaysoError
from bot.core.model import Person
from bot.core.ports import Link, Session
from bot.core.token import hash_of
from bot.web.inbox import push, wording
from bot.web.inbox.browsers import browser_of
from bot.web.inbox.guard import (
    Form,
    Visitor,
    check_origin,
    clear_session,
    held,
    hold,
    local_path,
    read_form,
    set_session,
    visitor_of,
)
from bot.web.inbox.house import House
from bot.web.inbox.mailed import addressee, link_in
from bot.web.inbox.pages import see_other
from bot.web.inbox.pause import Pause
from bot.web.inbox.site import Site

_PAUSE = timedelta(minutes=1)
"""Between two links sent to one person on request, so that nobody's mailbox can be flooded from here."""

_LONG = timedelta(hours=1)
_MOST_LINKS = 5
"""Links to one person in that long: whoever is not signed in may ask for one, again and again."""

_BACK_FOR = 15 * 60
_BACK = "-next"
_ASKED = "-asked"
_ASKED_FOR = 60 * 60
"""Longer than a link lasts, so that an older one still works once another is asked for."""

_MARK = re.compile(r"[A-Za-z0-9_-]{43}")
"""What a browser that asked for a link holds: 256 random bits, base64url."""


class LinkSpent(SaysoError):
    """This link was used already, or it is too old. Ask for a new one."""

    code = "link_spent"
    status = 410


class Entry:
    """The pages at ``/sign-in``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._house = site.house
        self._pause = Pause(site.house.clock, _PAUSE)
        self._enough = Pause(site.house.clock, _LONG, most=_MOST_LINKS)

    async def ask(self, http: Http) -> Response:
        """``GET /sign-in``: how to get a link; who is signed in already goes on."""
        back = local_path(http.query_params.get("next"))
        visitor = await visitor_of(self._house, http)
        if visitor is not None:
            return see_other(back)
        response = self._site.pages.show(
            "sign_in.html",
            now=self._house.clock.now(),
            visitor=None,
            can_send=self._site.send_link is not None,
            asked="asked" in http.query_params,
            provider=self._house.oidc.name if self._house.oidc else None,
        )
        if back != "/inbox":
            remember(self._house, response, back)
        return response

    async def send(self, http: Http) -> Response:
        """``POST /sign-in``: send a link; the answer is the same whether or not there is such a person."""
        check_origin(http, self._house.public_url)
        form = await read_form(http)
        mailed = link_in(form, form.get("request", ""))
        if mailed is not None:
            response = see_other(f"{mailed.address}&asked")
            remember(self._house, response, mailed.page)
            # At their own address, and nowhere that the form says.
            self._send_after(http, response, addressee(self._house, mailed))
            return response
        response = see_other("/sign-in?asked")
        if "link" in form:
            self._send_after(http, response, self._person_of(await self._house.access.link(form["link"])), "link")
        else:
            self._send_after(http, response, self._find(form.get("person", "")))
        return response

    def _send_after(self, http: Http, response: Response, person: Person | None, *because: str) -> None:
        """Send a link that works in this browser alone; the browser is given what it then has to hold, in any case.

        ``because`` of something that only that person has, they are sent one however many others asked for.
        """
        mark = self._mark_of(http) or secrets.token_urlsafe(32)
        hold(response, self._house.public_url, mark, seconds=_ASKED_FOR, what=_ASKED)
        send = self._site.send_link
        if person is None or send is None:
            return
        if self._pause.is_over(person.id, *because) and self._enough.is_over(person.id, *because):
            # After the answer is out: sending takes its time, which would tell who exists.
            response.background = BackgroundTask(send, person.id, hash_of(mark))

    def _mark_of(self, http: Http) -> str | None:
        mark = held(http, self._house.public_url, _ASKED)
        return mark if _MARK.fullmatch(mark) else None

    def _asked_by(self, http: Http) -> str | None:
        mark = self._mark_of(http)
        return hash_of(mark) if mark else None

    def _find(self, said: str) -> Person | None:
        wanted = said.strip().casefold()
        people = self._house.policy().people.values() if wanted else ()
        return next((p for p in people if wanted in (p.id.casefold(), (p.email or "").casefold())), None)

    def _person_of(self, link: Link | None) -> Person | None:
        return self._house.desk.person(link.person) if link else None

    async def offer(self, http: Http) -> Response:
        """``GET /sign-in/{token}``: the button that uses the link; looking at it changes nothing."""
        token = http.path_params["token"]
        link = await self._house.access.link(token)
        person = self._person_of(link)
        if link is None or person is None:
            raise LinkSpent(wording.LINK_SPENT)
        if link.browser not in (None, self._asked_by(http)):
            return self._elsewhere(token)
        visitor = await visitor_of(self._house, http)
        return self._site.pages.show(
            "sign_in_link.html",
            now=self._house.clock.now(),
            visitor=None,
            person=person,
            token=token,
            present=visitor.person if visitor and visitor.person.id != person.id else None,
        )

    def _elsewhere(self, token: str) -> Response:
        """The page for a browser that did not ask for the link: not even for whom it is, and a way to get another."""
        return self._site.pages.show(
            "sign_in_elsewhere.html",
            now=self._house.clock.now(),
            visitor=None,
            status=403,
            token=token,
            can_send=self._site.send_link is not None,
        )

    async def enter(self, http: Http) -> Response:
        """``POST /sign-in/{token}``: use the link up, begin a session, go on."""
        check_origin(http, self._house.public_url)
        token = http.path_params["token"]
        browser = browser_of(http.headers.get("user-agent"))
        entered = await self._house.access.sign_in(token, asked_by=self._asked_by(http), browser=browser)
        if entered is None:
            if self._person_of(await self._house.access.link(token)) is not None:
                return self._elsewhere(token)
            raise LinkSpent(wording.LINK_SPENT)
        return await arrive(self._house, http, *entered)


def remember(house: House, response: Response, back: str) -> None:
    """Where this browser wanted to go; read back through `local_path` alone, so it can lead nowhere else."""
    hold(response, house.public_url, back, seconds=_BACK_FOR, what=_BACK)


async def arrive(house: House, http: Http, cookie: str, session: Session) -> Response:
    """Hand the browser its new session, end the one it had, and send it where it wanted to go."""
    old = held(http, house.public_url, "")
    if old:
        await house.access.sign_out(old, reason="signed in anew")
    await push.part(house, http, to=session.person)
    response = see_other(local_path(held(http, house.public_url, _BACK)))
    lasts = session.expires_at - house.clock.now()
    set_session(response, house.public_url, cookie, int(lasts.total_seconds()))
    hold(response, house.public_url, "", seconds=0, what=_BACK)
    return response


async def leave(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /sign-out``: end the session here and in the store; whoever came by a mail's link is back at it."""
    await site.house.access.sign_out(visitor.cookie)
    await push.part(site.house, http)
    link = link_in(form, form.get("request", ""))
    response = see_other(link.address if link else "/sign-in")
    clear_session(response, site.house.public_url)
    return response
