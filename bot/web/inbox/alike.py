"""Requests of one agent for one action: how many wait, and a group of them decided together after spot checks."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Invalid, NotFound
from bot.core.model import Verb
from bot.core.ports import Wanted
from bot.web.inbox.gathered import Gathered, Row, gather
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.outcomes import Left, left_of, perform, told
from bot.web.inbox.samples import LOOKED, Odd, drawn, odd_ones, sealed, unsealed
from bot.web.inbox.site import Site
from bot.web.inbox.ticks import MOST, TICK, ballots_of
from bot.web.inbox.together import page

_LONGEST = 200
"""Characters of a name in the address; no agent and no action has a longer one."""

_NO_GROUP = words("Nothing of this kind waits for you.")
_NOT_LOOKED = words("Look at each spot check, and tick that you did. Then approve the others with them.")


class Group(Struct, frozen=True):
    """Which requests: of one agent, for one action."""

    agent: str
    action: str

    @property
    def address(self) -> str:
        """Its page."""
        return f"/inbox/alike?{urlencode({'agent': self.agent, 'action': self.action}, errors='replace')}"

    def wanted(self, person: str) -> Wanted:
        """What of it waits for a person."""
        return Wanted(waits_for=person, agent=self.agent, action=self.action, limit=MOST)


class Checks(Struct, frozen=True, kw_only=True):
    """The rows of a group, parted: ``samples`` and ``odd`` are shown open, ``others`` folded.

    ``why`` says of an id in what it differs, ``looked`` which samples were ticked; ``kept`` and ``mark`` are what the
    form keeps of the lot.
    """

    samples: tuple[Row, ...]
    odd: tuple[Row, ...]
    others: tuple[Row, ...]
    why: dict[str, tuple[Odd, ...]]
    looked: frozenset[str]
    kept: str
    mark: str


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /inbox/alike``: the groups; with ``agent`` and ``action`` one of them."""
    group = _group_of(http)
    if group.agent or group.action:
        return await _page(site, visitor, group)
    store, person = site.house.store, visitor.person.id
    found = await store.alike(Wanted(waits_for=person))
    return site.pages.show(
        "alike.html",
        now=site.house.clock.now(),
        visitor=visitor,
        place="inbox",
        groups=[(one, Group(one.agent, one.action).address) for one in found],
    )


async def decide(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /inbox/alike?agent=…&action=…``: an approval counts once every spot check was looked at."""
    group = _group_of(http)
    try:
        ballots = ballots_of(visitor, form)
        _check_looked(form, visitor)
    except Invalid as error:
        return await _page(site, visitor, group, error, form)
    outcomes = await perform(site, visitor, ballots)
    left = await site.house.store.queued(group.wanted(visitor.person.id))
    left_out = await left_of(site, visitor, form, ballots)
    return told(site, visitor, outcomes, left_out=left_out, more=Left(left, group.address))


async def _page(
    site: Site, visitor: Visitor, group: Group, error: Invalid | None = None, form: Form | None = None
) -> Response:
    store, wanted = site.house.store, group.wanted(visitor.person.id)
    waiting, count = await store.queue(wanted), await store.queued(wanted)
    if not waiting and error is None:
        raise NotFound(_NO_GROUP)
    return page(
        site,
        visitor,
        "alike_group.html",
        whole := gather(waiting, form),
        error=error,
        form=form,
        path=group.address,
        group=group,
        further=max(count - len(waiting), 0),
        checks=_checks(whole, visitor, form),
    )


def _group_of(http: Http) -> Group:
    # No text that is stored holds a NUL, and SQL would stop at it.
    named = (http.query_params.get(name, "").replace("\0", "")[:_LONGEST] for name in ("agent", "action"))
    return Group(*named)


def _check_looked(form: Form, visitor: Visitor) -> None:
    """Refuse to approve a group of which some sample was not looked at as it was shown. Raises `Invalid`.

    An opposite that approves was picked by itself, so it takes no spot check of others.
    """
    if form["decision"] != Verb.APPROVE or not any(key.startswith(TICK) for key in form):
        return
    samples = unsealed(form, visitor)
    if samples is None or any(form.get(LOOKED + id_) != bound for id_, bound in samples.items()):
        raise Invalid(_NOT_LOOKED, faults=(Fault("/looked", "required", _NOT_LOOKED),))


def _checks(whole: Gathered, visitor: Visitor, form: Form | None) -> Checks:
    before = unsealed(form, visitor) if form else None
    there = {row.request.id for row in whole.rows}
    # Of those that were drawn before, what still waits; where nothing does, others are drawn.
    lot = {id_ for id_ in before or () if id_ in there} or set(drawn(whole.rows))
    samples = _of(whole.rows, lot)
    why = odd_ones([row.request for row in whole.rows])
    kept, mark = sealed(samples, visitor)
    return Checks(
        samples=samples,
        odd=_of(whole.rows, set(why) - lot),
        others=_of(whole.rows, there - lot - set(why)),
        why=dict(why),
        looked=frozenset(row.request.id for row in samples if form and form.get(LOOKED + row.request.id) == row.bound),
        kept=kept,
        mark=mark,
    )


def _of(rows: Sequence[Row], ids: set[str]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.request.id in ids)
