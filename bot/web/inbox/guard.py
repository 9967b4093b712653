"""Who is at the door, and whether a form is really theirs (threats T16, T20).

A form counts only from our own origin, within a session, with that session's token. GET and HEAD change nothing, so
they need none of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from bot.core.about import mark
from bot.core.errors import Forbidden, Malformed, TooLarge
from bot.core.model import Person
from bot.core.ports import Session
from bot.web.exchange import Gone, read_body
from bot.web.inbox import wording
from bot.web.inbox.house import House
from bot.web.inbox.language import Said
from bot.web.problems import TooSlow

MAX_FORM = 1024 * 1024
"""Bytes: the intake's 256 KiB, percent-encoded, and room for the rest of the form."""

MAX_SIGN_IN = 16 * 1024
"""Bytes of a form of who is not signed in: a name or an address, or a link."""

MAX_FIELDS = 1000
_LOCAL = re.compile(
    r"/(?:account|admin(?:/[a-z]{1,20}){0,2}|inbox(?:/batches/[A-Za-z0-9._~%-]{1,1600})?"
    r"|requests/[A-Za-z0-9_-]{1,80})"
)

Form = Mapping[str, str]
NOTHING: Form = {}
"""A form of which nothing came."""

_TYPED = ("answer", "comment", "note", "why")
_ARGUMENT = "arg:"


class Visitor(Struct, frozen=True):
    """A signed-in person, their session, its cookie's value, and the token that their forms carry."""

    person: Person
    session: Session
    cookie: str
    csrf: str

    @property
    def actor(self) -> str:
        """The person, as the trail names who did something."""
        return f"person:{self.person.id}"


def cookie_name(public_url: str) -> str:
    """``__Host-`` where the pages are on https: then no subdomain and no plain-http page can plant the cookie."""
    return "__Host-sayso" if public_url.startswith("https:") else "sayso"


def csrf_of(cookie: str) -> str:
    """The form token of a session: nobody can make it without the cookie's value, which no script can read."""
    return hmac.new(cookie.encode(), b"sayso inbox form", hashlib.sha256).hexdigest()


def local_path(wanted: str | None) -> str:
    """Where to go after signing in: one of our own pages, or the inbox; an address elsewhere never passes."""
    return wanted if wanted and _LOCAL.fullmatch(wanted) else "/inbox"


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers write an Origin: lower case, the scheme's own port left out."""
    parts = urlsplit(url)
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def from_here(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether a browser says that a form was sent by a page of ours. A client that says nothing is not believed."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    return site in (None, "same-origin") and origin in (None, origin_of(public_url))


async def visitor_of(house: House, request: Request) -> Visitor | None:
    """Who is signed in, if anybody whom routing.yaml still knows is."""
    cookie = request.cookies.get(cookie_name(house.public_url))
    session = await house.access.session(cookie) if cookie else None
    person = house.desk.person(session.person) if session else None
    if cookie is None or session is None or person is None:
        return None
    mark(who=f"person:{person.id}")
    return Visitor(person, session, cookie, csrf_of(cookie))


async def read_form(request: Request, *, known: bool = False) -> Form:
    """The form's fields, the last of each name. Raises `Malformed`, `TooLarge` and `TooSlow`.

    ``known``: whoever sends it is signed in. Of anybody it may be small alone.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Malformed("A form is sent as application/x-www-form-urlencoded.")
    most = MAX_FORM if known else MAX_SIGN_IN
    try:
        body = await read_body(request.scope, request.receive, most, known=known)
    except TooLarge:
        raise TooLarge(f"The form is larger than {most // 1024} KiB, so nothing was changed.") from None
    except TooSlow:
        raise TooSlow("The form did not arrive in time, so nothing was changed. Send it again.") from None
    except Gone:
        raise Malformed("The form broke off, so nothing was changed.") from None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Malformed("The form could not be read, so nothing was changed.") from None
    return dict(pairs)


def typed_in(form: Form) -> tuple[tuple[str, str], ...]:
    """The texts in a form of a request's page, each with the argument that it is to be ("" where it is none).

    Whoever is refused with the page of the form gone, as when their session ended, would have typed them in vain.
    """
    texts = [("", form[name].strip()) for name in _TYPED if form.get(name, "").strip()]
    return (*texts, *((k.removeprefix(_ARGUMENT), v) for k, v in form.items() if k.startswith(_ARGUMENT) and v))


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a form from elsewhere. Raises `Forbidden`."""
    if not from_here(request.headers, public_url):
        raise Forbidden(Said(wording.FOREIGN_FORM, origin=origin_of(public_url)))


def check_token(form: Form, visitor: Visitor) -> None:
    """Refuse a form that this session was not given. Raises `Forbidden`."""
    if not hmac.compare_digest(form.get("csrf", "").encode(), visitor.csrf.encode()):
        raise Forbidden(wording.FORGED_FORM)


def hold(response: Response, public_url: str, value: str, *, seconds: int, what: str = "") -> None:
    """Give a browser something to hold that no script can read; ``what`` tells such cookies apart.

    Lax, so that a link from a mail, from Slack or from an identity provider arrives with it.
    """
    response.set_cookie(
        cookie_name(public_url) + what,
        value,
        max_age=seconds,
        path="/",
        secure=public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def held(request: Request, public_url: str, what: str) -> str:
    """What a browser was given to hold; empty where it holds nothing."""
    return request.cookies.get(cookie_name(public_url) + what, "")


def set_session(response: Response, public_url: str, cookie: str, max_age: int) -> None:
    """Hand the browser its session."""
    hold(response, public_url, cookie, seconds=max_age)


def clear_session(response: Response, public_url: str) -> None:
    """Take the session's cookie back."""
    set_session(response, public_url, "", 0)
