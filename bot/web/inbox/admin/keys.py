"""``/admin/keys``: who may call the API: keys made, shown once, and revoked. No hash of a key is ever shown."""

from __future__ import annotations

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Invalid, NotFound, SaysoError
from bot.core.model import Key, Role
from bot.core.policy import Policy
from bot.desk.access import KEY_NAME
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said, words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import VIA, Site

KEYS = "/admin/keys"
ROLES = {
    Role.AGENT: (words("Agent"), words("proposes actions, and sees its own alone")),
    Role.REVIEWER: (words("Reviewer"), words("decides over the API as this person")),
    Role.ADVISOR: (words("Advisor"), words("gives second opinions; none of them is a vote")),
    Role.ADMIN: (words("Admin"), words("sees all, settles unknown outcomes and exports the trail")),
}
"""What a key's role is called, and what it may do."""

_BAD_NAME = words("Use up to 64 letters, digits, dots, dashes, @ or _, and begin with a letter or a digit.")
_NOBODY = words("routing.yaml knows nobody by the id {name}.")
_NO_ROLE = words("Say what the key is for.")
_NO_KEY = words("There is no such key in force any more.")


async def show(site: Site, _http: Http, visitor: Visitor) -> Response:
    """``GET /admin/keys``."""
    return await _page(site, visitor)


async def _page(
    site: Site,
    visitor: Visitor,
    made: tuple[Key, str] | None = None,
    form: Form | None = None,
    error: SaysoError | None = None,
) -> Response:
    keys = await site.house.access.keys()
    policy = site.house.policy()
    return page_of(
        site,
        visitor,
        "keys",
        status=error.status if error else 200,
        standing=[key for key in reversed(keys) if key.revoked_at is None],
        revoked=[key for key in reversed(keys) if key.revoked_at is not None],
        roles=ROLES,
        people=policy.people,
        made=made[0] if made else None,
        secret=made[1] if made else "",
        unlisted=made is not None and _unlisted(made[0], policy),
        sent=form or {},
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


def _unlisted(key: Key, policy: Policy) -> bool:
    """Whether it is an agent's whom routing.yaml does not list: it has no owner then, and no limits."""
    return key.role in (Role.AGENT, Role.ADVISOR) and key.name not in policy.agents


async def create(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/keys``: make a key. The answer is the only page that ever shows it."""
    try:
        name, role = _wanted(form, site.house.policy())
        made = await site.house.access.new_key(name, role, by=visitor.actor, via=VIA)
    except SaysoError as error:
        return await _page(site, visitor, form=form, error=error)
    return await _page(site, visitor, made)


def _wanted(form: Form, policy: Policy) -> tuple[str, Role]:
    name, given = form.get("name", "").strip(), form.get("role", "")
    faults = []
    if given not in tuple(Role):
        faults.append(Fault("/role", "required", _NO_ROLE))
    if KEY_NAME.fullmatch(name) is None:
        faults.append(Fault("/name", "format", _BAD_NAME))
    elif given == Role.REVIEWER and name not in policy.people:
        faults.append(Fault("/name", "unknown", Said(_NOBODY, name=name)))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    return name, Role(given)


async def revoke(site: Site, http: Http, visitor: Visitor, _form: Form) -> Response:
    """``POST /admin/keys/{key}/revoke``: a revoked key is refused within a second."""
    if not await site.house.access.revoke(http.path_params["key"], by=visitor.actor, via=VIA):
        raise NotFound(_NO_KEY)
    return see_other(KEYS)
