"""Signing in by the identity provider: the form that sends a browser there, and the address it comes back to.

The way back is a GET, for the protocol says so. It signs in only the browser that began, which holds a cookie for ten
minutes that works once; to any other, to a scanner and to HEAD it is a page that says so (threats T16, T20).
"""

from __future__ import annotations

import logging

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import NotFound, SaysoError
from bot.core.model import Person
from bot.core.ports import Way
from bot.web.inbox.browsers import browser_of
from bot.web.inbox.guard import check_origin, held, hold
from bot.web.inbox.house import Oidc
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.signing import arrive
from bot.web.inbox.site import Site

_log = logging.getLogger(__name__)

_BEGUN = "-oidc"
_BEGUN_FOR = 10 * 60


class Provided:
    """The pages at ``/sign-in/oidc``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._house = site.house

    @property
    def _oidc(self) -> Oidc:
        if self._house.oidc is None:
            raise NotFound
        return self._house.oidc

    @property
    def _back(self) -> str:
        return f"{self._house.public_url}/sign-in/oidc/callback"

    async def begin(self, http: Http) -> Response:
        """``POST /sign-in/oidc``: send the browser to the provider.

        By a page that leads on at once: a redirect would be the form's own answer, and our policy lets forms lead
        nowhere else, through however many redirects (CSP ``form-action``).
        """
        check_origin(http, self._house.public_url)
        address, begun = await self._oidc.begin(self._back)
        response = self._site.pages.show(
            "sign_in_onward.html",
            now=self._house.clock.now(),
            visitor=None,
            provider=self._oidc.name,
            address=address,
            refresh=f"0; url={address}",
        )
        hold(response, self._house.public_url, begun, seconds=_BEGUN_FOR, what=_BEGUN)
        return response

    async def come_back(self, http: Http) -> Response:
        """``GET /sign-in/oidc/callback``: whoever began here and is known is signed in, and goes on."""
        oidc = self._oidc
        if http.method == "HEAD":
            return Response(headers=HEADERS)
        try:
            named = await oidc.finish(held(http, self._house.public_url, _BEGUN), http.query_params, self._back)
        except SaysoError as error:
            response = self._site.refusal(error, None, "/sign-in")
        else:
            person = self._known(named) if named else None
            if person is None:
                _log.info("the identity provider named somebody whom routing.yaml does not know")
                response = self._unknown(oidc, named[0] if named else None)
            else:
                browser = browser_of(http.headers.get("user-agent"))
                entered = await self._house.access.begin(person.id, way=Way.OIDC, browser=browser)
                response = await arrive(self._house, http, *entered)
        hold(response, self._house.public_url, "", seconds=0, what=_BEGUN)
        return response

    def _known(self, named: tuple[str, bool]) -> Person | None:
        """The one person who is meant: by ``oidc:`` exactly, or who has none by a mail address that was verified."""
        value, verified = named
        people = self._house.policy().people.values()
        found = [person for person in people if person.oidc == value]
        if not found and verified:
            found = [p for p in people if p.oidc is None and p.email and _same(p.email, value)]
        return found[0] if len(found) == 1 else None

    def _unknown(self, oidc: Oidc, value: str | None) -> Response:
        return self._site.pages.show(
            "sign_in_unknown.html",
            now=self._house.clock.now(),
            visitor=None,
            status=403,
            provider=oidc.name,
            value=value,
        )


def _same(address: str, told: str) -> bool:
    """Whether two mail addresses are one, whatever the case of their letters.

    Of ASCII letters alone: elsewhere two letters of different people may be one in lower case (K and the Kelvin sign).
    """
    if not (address.isascii() and told.isascii()):
        return address == told
    return address.lower() == told.lower()
