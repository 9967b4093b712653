"""Signing in by a one-time link, and out again.

Opening a link only shows a button: mail scanners and link previews follow links, and must use nothing up (T16). The
button's form uses the link, once, and begins a new session; an older one of the same browser ends (T20).
"""

from __future__ import annotations

from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import SaysoError
from bot.core.model import Person
from bot.web.inbox import wording
from bot.web.inbox.guard import (
    Form,
    Visitor,
    check_origin,
    clear_session,
    cookie_name,
    local_path,
    read_form,
    set_session,
    visitor_of,
)
from bot.web.inbox.mailed import MailLink, addressee, link_in
from bot.web.inbox.pages import see_other
from bot.web.inbox.pause import Pause
from bot.web.inbox.site import Site

_PAUSE = timedelta(minutes=1)
"""Between two links sent to one person on request, so that nobody's mailbox can be flooded from here."""

_LONG = timedelta(hours=1)
_MOST_LINKS = 5
"""Links to one person in that long: whoever is not signed in may ask for one, again and again."""

_BACK_FOR = 15 * 60


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
        )
        if back != "/inbox":
            self._remember(response, back, _BACK_FOR)
        return response

    async def send(self, http: Http) -> Response:
        """``POST /sign-in``: send a link; the answer is the same whether or not there is such a person."""
        check_origin(http, self._house.public_url)
        form = await read_form(http)
        link = link_in(form, form.get("request", ""))
        if link is not None:
            return self._send_to_mailbox(link)
        response = see_other("/sign-in?asked")
        self._send_after(response, self._find(form.get("person", "")))
        return response

    def _send_to_mailbox(self, link: MailLink) -> Response:
        """Send a link to whom a mail's link was made for, at their own address, and nowhere that the form says."""
        response = see_other(f"{link.address}&asked")
        self._remember(response, link.page, _BACK_FOR)
        self._send_after(response, addressee(self._house, link))
        return response

    def _send_after(self, response: Response, person: Person | None) -> None:
        send = self._site.send_link
        if person is None or send is None:
            return
        if self._pause.is_over(person.id) and self._enough.is_over(person.id):
            # After the answer is out: sending takes its time, which would tell who exists.
            response.background = BackgroundTask(send, person.id)

    def _find(self, said: str) -> Person | None:
        wanted = said.strip().casefold()
        people = self._house.policy().people.values() if wanted else ()
        return next((p for p in people if wanted in (p.id.casefold(), (p.email or "").casefold())), None)

    async def offer(self, http: Http) -> Response:
        """``GET /sign-in/{token}``: the button that uses the link; looking at it changes nothing."""
        person = await self._house.access.link_person(http.path_params["token"])
        known = self._house.desk.person(person) if person else None
        if known is None:
            raise LinkSpent(wording.LINK_SPENT)
        visitor = await visitor_of(self._house, http)
        return self._site.pages.show(
            "sign_in_link.html",
            now=self._house.clock.now(),
            visitor=None,
            person=known,
            token=http.path_params["token"],
            present=visitor.person if visitor and visitor.person.id != known.id else None,
        )

    async def enter(self, http: Http) -> Response:
        """``POST /sign-in/{token}``: use the link up, begin a session, go on."""
        check_origin(http, self._house.public_url)
        entered = await self._house.access.sign_in(http.path_params["token"])
        if entered is None:
            raise LinkSpent(wording.LINK_SPENT)
        old = http.cookies.get(cookie_name(self._house.public_url))
        if old:
            await self._house.access.sign_out(old)
        cookie, session = entered
        response = see_other(local_path(http.cookies.get(self._back_name)))
        lasts = session.expires_at - self._house.clock.now()
        set_session(response, self._house.public_url, cookie, int(lasts.total_seconds()))
        self._remember(response, "", 0)
        return response

    @property
    def _back_name(self) -> str:
        return cookie_name(self._house.public_url) + "-next"

    def _remember(self, response: Response, back: str, seconds: int) -> None:
        """Where this browser wanted to go; read back through `local_path` alone, so it can lead nowhere else."""
        secure = self._house.public_url.startswith("https:")
        response.set_cookie(
            self._back_name, back, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax"
        )


async def leave(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /sign-out``: end the session here and in the store; whoever came by a mail's link is back at it."""
    await site.house.access.sign_out(visitor.cookie)
    link = link_in(form, form.get("request", ""))
    response = see_other(link.address if link else "/sign-in")
    clear_session(response, site.house.public_url)
    return response
