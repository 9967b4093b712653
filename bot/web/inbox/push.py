"""``/push``: browsers that take push come and go, and what a notification's buttons decide.

What a button carries is a token that the push channel made: for one person, one request, one revision, once. A click in
a browser counts within that person's session alone (T17); one in ntfy has no session, so there the token is the person.
All of it is POST: whatever only looks at such an address changes nothing (T16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Overloaded,
    SaysoError,
    Unauthorized,
)
from bot.core.model import Request, State
from bot.core.ports import Session, Subscription
from bot.web.exchange import JSON_TYPE, Gone, read_body
from bot.web.inbox import wording
from bot.web.inbox.browsers import browser_of
from bot.web.inbox.endpoints import Told, subscription_of
from bot.web.inbox.guard import Form, Visitor, check_origin, check_token, held, hold, visitor_of
from bot.web.inbox.house import House, Push
from bot.web.inbox.language import words
from bot.web.inbox.pages import HEADERS, see_other
from bot.web.inbox.pause import Pause
from bot.web.inbox.record import state_text
from bot.web.inbox.site import Site
from bot.web.problems import UnsupportedMedia
from bot.web.strict_json import parse

DEVICE = "-device"
"""What a browser holds to know its own subscription by, so that signing out there ends it, scripts or none."""

_DEVICE_FOR = 400 * 86400
"""Seconds: as long as browsers keep a cookie at most (RFC 6265bis §5.5). A session is shorter; the device stays."""

MAX_BODY = 8 * 1024
MAX_TOKEN = 2000
_MINUTE = timedelta(minutes=1)
MOST_PRESSES = 300
"""Of one button, or of what is none from one address, in a minute: this bounds what trying costs the house.

A button of ours is never made to wait for others: everybody behind one proxy has one address, a stranger's, too.
"""

_OFF = words("Push notifications are off here.")
_TAKEN = words("Somebody else takes push with this address, and with other keys.")
_TOO_OFTEN = words("Too many at once. Try again in a minute, or open the request.")
_NO_TOKEN = words("That is no button of ours.")

T = TypeVar("T")
Answering = Callable[[Http], Awaitable[Response]]


class Pressed(Struct, frozen=True):
    """The button of a notification."""

    token: str


class Door:
    """What scripts and ntfy call; answers are JSON or one line of text."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._house = site.house
        self._pace = Pause(site.house.clock, _MINUTE, most=MOST_PRESSES)

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [
            Route("/push/state", self._says(self.state), methods=["GET"]),
            Route("/push/subscriptions", self._says(self.subscribe), methods=["POST"]),
            Route("/push/decisions", self._says(self.decide), methods=["POST"]),
            Route("/push/act/{token}", self.act, methods=["POST"]),
        ]

    async def state(self, http: Http) -> Response:
        """``GET /push/state``: what a worker needs to subscribe anew, for a page or worker of ours alone."""
        if http.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Forbidden(wording.FOREIGN_STREAM)
        visitor = await self._visitor(http)
        return _json({"public_key": self._push.public_key, "csrf": visitor.csrf})

    async def subscribe(self, http: Http) -> Response:
        """``POST /push/subscriptions``: keep this browser, a ``PushSubscription`` as JSON, for whoever is signed in.

        A browser that changes hands is moved, where it shows the keys that only it has.
        """
        visitor = await self._visitor(http, form=True)
        push, desk = self._push, self._house.desk
        if push.public_key is None:
            raise Conflict(_OFF)
        told = await _body(http, Told)
        made = subscription_of(
            told,
            person=visitor.person.id,
            browser=browser_of(http.headers.get("user-agent")),
            now=self._house.clock.now(),
            listed=self._house.policy().allow_private,
        )
        known = {kept.id: kept for kept in await desk.subscriptions()}
        there = known.get(made.id)
        if there and there.person != made.person and (there.p256dh, there.auth) != (made.p256dh, made.auth):
            raise Conflict(_TAKEN)
        if there is None or _owner(there) != _owner(made):
            await desk.subscribe(made)
            old = held(http, self._house.public_url, DEVICE)
            # A browser has one address; the one that it had before is gone.
            if old in known and old != made.id:
                await desk.unsubscribe(old, by=f"person:{made.person}", reason="renewed")
            await push.refresh()
        response = _json({"id": made.id}, 200 if there else 201)
        hold(response, self._house.public_url, made.id, seconds=_DEVICE_FOR, what=DEVICE)
        return response

    async def decide(self, http: Http) -> Response:
        """``POST /push/decisions``: a button that was pressed on a notification of a browser."""
        visitor = await self._visitor(http, form=True, token=False)
        pressed = await _body(http, Pressed)
        request = await self._push.act(_token(pressed.token), person=visitor.person.id)
        # Shown on a locked screen: what became of it, and nothing of what it is about.
        return _json({"state": request.state, "said": self._said(request)})

    async def act(self, http: Http) -> Response:
        """``POST /push/act/{token}``: a button that was pressed in ntfy, by whoever holds its token."""
        try:
            token = _token(http.path_params["token"])
            if not self._pace.is_over(*(("made", token) if self._push.made(token) else (_address_of(http),))):
                raise Overloaded(_TOO_OFTEN)
            request = await self._push.act(token, person=None)
        except SaysoError as error:
            wait = {"Retry-After": "60"} if isinstance(error, Overloaded) else {}
            return PlainTextResponse(f"{self._site.pages.say(error.detail)}\n", error.status, {**HEADERS, **wait})
        return PlainTextResponse(f"{self._said(request)}\n", headers=HEADERS)

    @property
    def _push(self) -> Push:
        if self._house.push is None:
            raise NotFound(_OFF)
        return self._house.push

    def _said(self, request: Request) -> str:
        waits = request.state is State.PENDING
        return self._site.pages.say(wording.VOTE_COUNTED if waits else state_text(request))

    async def _visitor(self, http: Http, *, form: bool = False, token: bool = True) -> Visitor:
        """Who is signed in; of a ``form`` it must be known that it is theirs. Raises `Unauthorized` and `Forbidden`."""
        visitor = await visitor_of(self._house, http)
        try:
            if form:
                check_origin(http, self._house.public_url)
            if visitor is None:
                raise Unauthorized(wording.SESSION_OVER)
            if form and token:
                check_token({"csrf": http.headers.get("x-csrf", "")}, visitor)
        except Forbidden as error:
            if visitor is not None:
                await self._site.record(visitor, http, f"form_{error.code}")
            raise
        return visitor

    def _says(self, answering: Answering) -> Answering:
        """Refusals as JSON: ``code`` and, in words, ``said``."""

        async def answered(http: Http) -> Response:
            try:
                return await answering(http)
            except SaysoError as error:
                return _json({"code": error.code, "said": self._site.pages.say(error.detail)}, error.status)

        return answered


async def end(site: Site, http: Http, visitor: Visitor, _form: Form) -> Response:
    """``POST /push/subscriptions/{device}/end``: one device of one's own is told no more."""
    device = http.path_params["device"]
    if device in {kept.id for kept in await site.house.desk.subscriptions(visitor.person.id)}:
        await _forget(site.house, device, visitor.actor, "removed")
    return see_other("/account#notifications")


async def part(house: House, http: Http, *, to: str | None = None) -> None:
    """This browser's session ended, ``to`` whoever signs in there next (an id): nobody else's pushes stay behind."""
    device = held(http, house.public_url, DEVICE)
    kept = next((s for s in await house.desk.subscriptions() if s.id == device), None) if device else None
    if kept is not None and kept.person != to:
        await _forget(house, kept.id, f"person:{kept.person}", "signed out")


async def part_elsewhere(house: House, http: Http, person: str) -> None:
    """All of a person's other sessions ended, so their other devices are told no more."""
    here = held(http, house.public_url, DEVICE)
    for device in [kept.id for kept in await house.desk.subscriptions(person) if kept.id != here]:
        await _forget(house, device, f"person:{person}", "signed out elsewhere")


async def part_with(house: House, http: Http, session: Session, *, by: str) -> None:
    """One session was ended (``by`` an actor) from another browser, as of a lost phone: its notifications end, too.

    A subscription does not know its session, only its browser: whatever calls itself alike is taken for it. Rather one
    device too many is turned on again than one goes on telling a finder who asks for what.
    """
    here = held(http, house.public_url, DEVICE)
    known = await house.desk.subscriptions(session.person)
    for device in [kept.id for kept in known if kept.browser == session.browser and kept.id != here]:
        await _forget(house, device, by, "its session was ended")


async def _forget(house: House, device: str, by: str, reason: str) -> None:
    await house.desk.unsubscribe(device, by=by, reason=reason)
    if house.push is not None:
        await house.push.refresh()


def _owner(subscription: Subscription) -> tuple[str, ...]:
    return subscription.person, subscription.p256dh, subscription.auth, subscription.browser


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, HEADERS, "application/json")


def _token(text: str) -> str:
    if not 1 <= len(text) <= MAX_TOKEN:
        raise NotFound(_NO_TOKEN)
    return text


async def _body(http: Http, shape: type[T]) -> T:
    """The JSON body, strictly parsed and of this shape."""
    if http.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE.decode():
        raise UnsupportedMedia
    try:
        return msgspec.convert(parse(await read_body(http.scope, http.receive, MAX_BODY)), shape)
    except msgspec.ValidationError as fault:
        raise Invalid(f"{fault}.") from None
    except Gone:
        raise Malformed from None


def _address_of(http: Http) -> str:
    """Whom a call comes from: an address, or of IPv6 the network that one household has."""
    host = http.client.host if http.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(address if address.version == 4 else int(address) >> 64)  # noqa: PLR2004  # the version of IP
