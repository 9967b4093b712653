"""``/account``: who the house takes somebody for, where they are signed in, and how to end that."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.model import Person
from bot.core.ports import Session, Way
from bot.web.inbox import push, signing
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said, words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import Site

ACCOUNT = "/account"

_BY_LINK = words("by a one-time link")
_BY_PROVIDER = words("by {provider}")
_BY_ANOTHER = words("by an identity provider")
_MAIL, _SLACK, _NTFY = words("Mail"), words("Slack"), words("ntfy topic")


class Place(Struct, frozen=True):
    """One signed-in browser, as its owner reads of it."""

    session: Session
    way: str
    here: bool


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /account``."""
    person = visitor.person
    sessions = await site.house.access.sessions(person.id)
    # This one first: it is what the others are told from.
    sessions = tuple(sorted(sessions, key=lambda session: session.id != visitor.session.id))
    channel = site.house.push
    return site.pages.show(
        "account.html",
        now=site.house.clock.now(),
        visitor=visitor,
        place="account",
        groups=[name for name, people in site.house.policy().groups.items() if person.id in people],
        addresses=list(_addresses(person)),
        sessions=[Place(s, _way(site, s), s.id == visitor.session.id) for s in sessions],
        ended="ended" in http.query_params,
        push=channel,
        subscriptions=await site.house.desk.subscriptions(person.id) if channel is not None else (),
    )


def _addresses(person: Person) -> Iterator[tuple[str, str]]:
    for label, value in ((_MAIL, person.email), (_SLACK, person.slack), (_NTFY, person.ntfy)):
        if value:
            yield label, value


def _way(site: Site, session: Session) -> str:
    if session.way is Way.LINK:
        return _BY_LINK
    return Said(_BY_PROVIDER, provider=site.house.oidc.name) if site.house.oidc else _BY_ANOTHER


async def end(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /account/sessions/{session}/end``: end one of one's own; one that is gone already is as it should be."""
    session_id = http.path_params["session"]
    if session_id == visitor.session.id:
        return await signing.leave(site, http, visitor, form)
    own = await site.house.access.sessions(visitor.person.id)
    ended = next((session for session in own if session.id == session_id), None)
    if ended is not None:
        await site.house.access.end(ended.id, by=visitor.actor)
        await push.part_with(site.house, http, ended, by=visitor.actor)
    return see_other(f"{ACCOUNT}?ended")


async def end_others(site: Site, http: Http, visitor: Visitor, _form: Form) -> Response:
    """``POST /account/sessions/end-others``: stay signed in here alone."""
    await site.house.access.end_all(visitor.person.id, by=visitor.actor, but=visitor.session.id)
    await push.part_elsewhere(site.house, http, visitor.person.id)
    return see_other(f"{ACCOUNT}?ended")
