"""``/admin/examples``: what would leave the house as examples, looked at one by one, then taken.

All of it stands in the page: the filter in its address, what is taken in its boxes. Nothing is kept between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode

from starlette.requests import Request as Http
from starlette.responses import Response, StreamingResponse

from bot.core.errors import Conflict, Fault, Invalid, SaysoError
from bot.core.examples import Example, ExampleQuery, Verdict, left_out
from bot.desk.examples import Parcel, some_examples
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.days import span_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.site import VIA, Site

EXAMPLES = "/admin/examples"
AT_ONCE = 100
"""Examples on one page, which are looked at and taken together."""

_TEXTS = ("from", "until", "agent", "action", "without")
_FLAGS = ("people", "labels", "none")
_LONGEST = 400
_TAKE = "take:"

SAID = (
    words("Something changed since you looked at these, so nothing was taken. Look again."),
    words("No example is ticked, so nothing was taken."),
)
"""What the desk refuses with, for the catalogue."""
NO_PATH = words("Leave out arguments.NAME, labels.NAME, comment, category, confidence or outcome, a space between.")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/examples``: the examples that are asked for, newest first, all of them ticked unless ``none``."""
    sought = _sought(http.query_params)
    return await _page(site, visitor, sought, after=http.query_params.get("after") or None)


def _sought(given: Mapping[str, str]) -> dict[str, str]:
    sought = {name: given.get(name, "").strip()[:_LONGEST] for name in _TEXTS}
    sought |= {f"verdict-{verdict}": given.get(f"verdict-{verdict}", "") for verdict in Verdict}
    return sought | {name: "1" if given.get(name) else "" for name in _FLAGS}


def _asked(sought: Mapping[str, str], visitor: Visitor) -> ExampleQuery:
    since, until = span_of(sought, visitor.person)
    without = tuple(sought["without"].replace(",", " ").split())
    try:
        left_out(without)
    except ValueError:
        raise Invalid(NO_PATH, faults=(Fault("/without", "value", NO_PATH),)) from None
    return ExampleQuery(
        since=since,
        until=until,
        agent=sought["agent"] or None,
        action=sought["action"] or None,
        verdicts=tuple(verdict for verdict in Verdict if sought[f"verdict-{verdict}"]) or tuple(Verdict),
        without=without,
        people=bool(sought["people"]),
        labels=bool(sought["labels"]),
    )


async def _page(
    site: Site,
    visitor: Visitor,
    sought: Mapping[str, str],
    *,
    after: str | None = None,
    error: SaysoError | None = None,
) -> Response:
    found: tuple[Example, ...] = ()
    further = None
    try:
        asked = _asked(sought, visitor)
        found, further = await some_examples(site.house.store, asked, after=after, at_once=AT_ONCE)
    except Invalid as wrong:
        error = error or wrong
    kept = {name: value for name, value in sought.items() if value}
    here = {"after": after} if after else {}
    other = {name: value for name, value in kept.items() if name != "none"} | ({} if sought["none"] else {"none": "1"})
    return page_of(
        site,
        visitor,
        "examples",
        status=error.status if error else 200,
        sought=sought,
        found=found,
        ticked=not sought["none"],
        kept=kept | here,
        more=urlencode(kept | {"after": further}) if further else "",
        turned=urlencode(other | here),
        later=after is not None,
        zone=visitor.person.timezone,
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


async def take(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/examples/export``: what is ticked, exactly as it was looked at; that it left is on record first."""
    sought = _sought(form)
    chosen = {name.removeprefix(_TAKE): mark for name, mark in form.items() if name.startswith(_TAKE)}
    try:
        asked = _asked(sought, visitor)
        parcel = await site.house.desk.export_examples(asked, by=visitor.actor, via=VIA, chosen=chosen)
    except (Conflict, Invalid) as error:
        return await _page(site, visitor, sought, after=form.get("after"), error=error)
    headers = HEADERS | {"Content-Disposition": 'attachment; filename="examples.jsonl"'}
    return StreamingResponse(_chunks(parcel), 200, headers, "application/jsonl")


async def _chunks(parcel: Parcel) -> AsyncIterator[bytes]:
    with parcel.lines:
        while chunk := parcel.chunk():
            yield chunk
