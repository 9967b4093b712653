"""The inbox's addresses, and the door before each: who is signed in, and whether a form is really theirs.

Starlette answers HEAD wherever it answers GET; neither changes anything (threat T16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request as Http
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.core.errors import NotFound, SaysoError, Unauthorized
from bot.core.links import batch_path
from bot.web.house import FAILED, LOST
from bot.web.inbox import (
    account,
    admin,
    alike,
    batches,
    insights,
    live,
    oidc,
    outcomes,
    push,
    pwa,
    queue,
    review,
    signing,
    together,
    wording,
)
from bot.web.inbox.assets import Assets
from bot.web.inbox.guard import (
    NOTHING,
    Form,
    Visitor,
    check_origin,
    check_token,
    local_path,
    read_form,
    typed_in,
    visitor_of,
)
from bot.web.inbox.house import House, SendLink
from bot.web.inbox.mailed import Mailed
from bot.web.inbox.pages import Pages, see_other
from bot.web.inbox.site import Site
from bot.web.problems import Internal

Endpoint = Callable[[Http], Awaitable[Response]]
Reading = Callable[[Site, Http, Visitor], Awaitable[Response]]
Greeting = Callable[[Http], Response | None]
Changing = Callable[[Site, Http, Visitor, Form], Awaitable[Response]]


def routes(house: House, send_link: SendLink | None = None) -> list[BaseRoute]:
    """Every page of the inbox. ``send_link`` sends a person (by id) a one-time link, where a channel can.

    Who has a mail address gets it there first: the page behind a mail's link promises that.
    """
    assets = Assets()
    site = Site(house, Pages(assets), send_link)
    mailed = Mailed(site)
    return [
        Route("/", _home, methods=["GET"]),
        Route("/inbox", _reads(site, queue.show), methods=["GET"]),
        Route("/inbox/live", partial(live.stream, site), methods=["GET"]),
        Route("/requests/{id}/read", _changes(site, live.read), methods=["POST"]),
        Route("/inbox/together", _reads(site, together.show), methods=["GET"]),
        Route("/inbox/together", _changes(site, together.decide), methods=["POST"]),
        Route("/inbox/together/undo", _home, methods=["GET"]),
        Route("/inbox/together/undo", _changes(site, outcomes.undo), methods=["POST"]),
        Route("/inbox/alike", _reads(site, alike.show), methods=["GET"]),
        Route("/inbox/alike", _changes(site, alike.decide), methods=["POST"]),
        # A batch is named by its agent, slashes and all.
        Route("/inbox/batches/{batch:path}", _reads(site, batches.show), methods=["GET"]),
        Route("/inbox/batches/{batch:path}", _changes(site, batches.decide), methods=["POST"]),
        Route("/requests/{id}", _reads(site, mailed.show, mailed.greet), methods=["GET"]),
        Route("/requests/{id}/decisions", _changes(site, review.decide), methods=["POST"]),
        Route("/requests/{id}/resolution", _changes(site, review.settle), methods=["POST"]),
        Route("/requests/{id}/undo", _changes(site, review.undo), methods=["POST"]),
        Route("/requests/{id}/rollback", _changes(site, review.roll_back), methods=["POST"]),
        Route("/requests/{id}/incidents", _changes(site, review.report), methods=["POST"]),
        # What a reload of the answer to a refused form becomes.
        Route("/requests/{id}/decisions", _to_request, methods=["GET"]),
        Route("/requests/{id}/resolution", _to_request, methods=["GET"]),
        Route("/requests/{id}/undo", _to_request, methods=["GET"]),
        Route("/requests/{id}/rollback", _to_request, methods=["GET"]),
        Route("/requests/{id}/incidents", _to_request, methods=["GET"]),
        *_entrance(site),
        Route("/account", _reads(site, account.show), methods=["GET"]),
        Route("/account/sessions/end-others", _changes(site, account.end_others), methods=["POST"]),
        Route("/account/sessions/{session}/end", _changes(site, account.end), methods=["POST"]),
        Route("/push/subscriptions/{device}/end", _changes(site, push.end), methods=["POST"]),
        *push.Door(site).routes(),
        *pwa.Shell(site, assets).routes(),
        *_of_the_house(site),
        Route("/static/{name}", assets.serve, methods=["GET"]),
        Route("/lost", partial(_lost, site), methods=["GET"], name=LOST),
        Route("/failed", partial(_failed, site), methods=["GET"], name=FAILED),
    ]


def _entrance(site: Site) -> list[BaseRoute]:
    """Signing in, and out again."""
    entry = signing.Entry(site)
    provided = oidc.Provided(site)
    return [
        Route("/sign-in", _guarded(site, entry.ask), methods=["GET"]),
        Route("/sign-in", _guarded(site, entry.send), methods=["POST"]),
        # Before what takes any word for a token.
        Route("/sign-in/oidc", _to_sign_in, methods=["GET"]),
        Route("/sign-in/oidc", _guarded(site, provided.begin), methods=["POST"]),
        Route("/sign-in/oidc/callback", _guarded(site, provided.come_back), methods=["GET"]),
        Route("/sign-in/{token}", _guarded(site, entry.offer), methods=["GET"]),
        Route("/sign-in/{token}", _guarded(site, entry.enter), methods=["POST"]),
        Route("/sign-out", _changes(site, signing.leave), methods=["POST"]),
    ]


def _of_the_house(site: Site) -> list[BaseRoute]:
    """How the bot runs, for admins and auditors."""
    return [
        *[Route(path, _reads(site, page), methods=["GET"]) for path, page in (*admin.PAGES, *insights.PAGES)],
        *[Route(path, _changes(site, form), methods=["POST"]) for path, form in admin.FORMS],
        *[Route(path, _to_house, methods=["GET"]) for path in admin.WITHOUT_PAGE],
    ]


async def _lost(site: Site, http: Http) -> Response:
    """The page for a browser at an address where nothing is, such as a link that was cut off."""
    try:
        visitor = await visitor_of(site.house, http)
    except SaysoError:
        visitor = None
    return site.refusal(NotFound(wording.NOWHERE), visitor)


async def _failed(site: Site, http: Http) -> Response:
    """The page for a browser where something went wrong inside, made without asking the store anything."""
    if http.url.path == "/failed":
        # Nothing went wrong for whoever opens this by its address.
        return await _lost(site, http)
    said = wording.NOT_SHOWN if http.method in ("GET", "HEAD") else wording.WENT_WRONG
    return site.refusal(Internal(said), None, _page_of(http))


async def _home(_http: Http) -> Response:
    return see_other("/inbox")


async def _to_sign_in(_http: Http) -> Response:
    return see_other("/sign-in")


async def _to_house(http: Http) -> Response:
    return see_other(admin.nearest(http.url.path))


async def _to_request(http: Http) -> Response:
    return see_other(local_path(http.url.path.rpartition("/")[0]))


def _guarded(site: Site, endpoint: Endpoint) -> Endpoint:
    """An endpoint whose refusals become pages."""

    async def guarded(http: Http) -> Response:
        try:
            return await endpoint(http)
        except SaysoError as error:
            return site.refusal(error, None, "/sign-in")

    return guarded


def _reads(site: Site, reading: Reading, greeting: Greeting | None = None) -> Endpoint:
    """A page for whoever is signed in; anybody else is asked to sign in and then brought here.

    ``greeting`` may have another page for them.
    """

    async def read(http: Http) -> Response:
        visitor = None
        try:
            visitor = await visitor_of(site.house, http)
            if visitor is None:
                greeted = greeting(http) if greeting else None
                if greeted is not None:
                    return greeted
                back = _page_of(http)
                return see_other("/sign-in" if back == "/inbox" else f"/sign-in?next={quote(back)}")
            return await reading(site, http, visitor)
        except SaysoError as error:
            # Whoever could not be shown it wants it still, and may well be signed in.
            again = error.status == HTTPStatus.SERVICE_UNAVAILABLE
            return site.refusal(error, visitor, _address_of(http) if again else "/inbox")

    return read


def _changes(site: Site, changing: Changing) -> Endpoint:
    """A form of a signed-in person, from our own page, with their session's token."""

    async def change(http: Http) -> Response:
        visitor, form = None, NOTHING
        try:
            visitor = await visitor_of(site.house, http)
            if visitor is None:
                check_origin(http, site.house.public_url)
                raise Unauthorized(wording.SESSION_OVER)
            form = await _sent(site, http, visitor)
            await _theirs(site, http, visitor, form)
            return await changing(site, http, visitor, form)
        except SaysoError as error:
            if visitor is None:
                form = await _salvaged(site, http)
            return site.refusal(error, visitor, _page_of(http), typed_in(form))

    return change


def _address_of(http: Http) -> str:
    """The address of a page of ours, as it was asked for; a route of ours has taken it, so it leads nowhere else."""
    return http.url.path + (f"?{http.url.query}" if http.url.query else "")


def _page_of(http: Http) -> str:
    """The page that an address within the inbox belongs to; the inbox where it belongs to none."""
    if http.url.path.startswith("/account"):
        return "/account"
    if http.url.path.startswith(admin.ADMIN):
        return admin.nearest(http.url.path)
    named = http.path_params
    return local_path(f"/requests/{named['id']}" if "id" in named else batch_path(named.get("batch")))


async def _sent(site: Site, http: Http, visitor: Visitor) -> Form:
    """The form of a page of ours; what is refused is recorded."""
    try:
        check_origin(http, site.house.public_url)
        return await read_form(http, known=True)
    except SaysoError as error:
        await site.record(visitor, http, f"form_{error.code}")
        raise


async def _theirs(site: Site, http: Http, visitor: Visitor, form: Form) -> None:
    """Refuse a form that this session was not given, and record it."""
    try:
        check_token(form, visitor)
    except SaysoError as error:
        await site.record(visitor, http, f"form_{error.code}")
        raise


async def _salvaged(site: Site, http: Http) -> Form:
    """What stands in a form that nobody signed in sent from a page of ours: only so that it can be given back."""
    with suppress(SaysoError):
        check_origin(http, site.house.public_url)
        return await read_form(http)
    return NOTHING
