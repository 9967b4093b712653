"""Every address of the inbox as its table of routes holds it, so that a door that is added is tried, too."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.routing import Route

from bot.core.model import PersonRole, PushWay, Request, Role
from bot.web.inbox import routes
from store.schema import metadata
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN
from tests.web.inbox.house import Standing
from tests.web.inbox.pushing import Pushing, csrf, pushing, subscribed, turn_on
from tests.web.inbox.reader import Reader

STREAM = "/inbox/live"
TOKEN_IS_THE_PERSON = "/push/act/{token}"
WITHOUT_TOKEN = {"/sign-in", "/sign-in/oidc", "/sign-in/{token}", "/push/decisions", TOKEN_IS_THE_PERSON}
"""Forms that need no session's token: whoever signs in has no session yet, and a button carries a token of its own."""

TRAIL = frozenset({"events", "chain"})
"""Tables in which a refusal leaves its line."""

OWN = TRAIL | {"sessions", "subscriptions", "links", "seen"}
"""Tables in which everybody has rows that are nobody else's."""


@pytest.fixture
async def pushed(tmp_path: Path) -> AsyncIterator[Pushing]:
    """A house with a push channel, and an admin."""
    async with pushing(tmp_path) as opened:
        opened.house.change("ana", role=PersonRole.ADMIN)
        yield opened


@pytest.fixture
def visited(pushed: Pushing) -> Standing:
    """That house, for `visit`."""
    return pushed.house


def doors(pushed: Pushing, method: str) -> list[str]:
    """The addresses that answer a method."""
    found = [route for route in routes(cast("Any", pushed.house)) if isinstance(route, Route)]
    return [route.path for route in found if method in (route.methods or ())]


def stands(folder: Path, but: frozenset[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored, by table."""
    with closing(sqlite3.connect(f"file:{folder / 'sayso.db'}?mode=ro", uri=True)) as database:
        tables = [name for name in metadata.tables if name not in but]
        return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}  # noqa: S608  # ours


@dataclass
class Full:
    """A house in which every address leads to something: ``parts`` of addresses, and a form that would do it all."""

    pushed: Pushing
    request: Request
    parts: dict[str, str]
    form: dict[str, str]


async def full(pushed: Pushing, reader: Reader, person: str) -> Full:
    """One request that waits, a link, a device, a key, a session; and a form that would do everything."""
    house = pushed.house
    request = await house.submit(batch="night", arguments={"order": "10428"}, action="refund.reverse")
    await turn_on(reader, subscribed())
    (device,) = await pushed.devices(person)
    (session,) = await house.access.sessions(person)
    key, _ = await house.access.new_key("standing", Role.AGENT, by="tests")
    parts = {
        "id": request.id,
        "batch:path": "night",
        "name:path": "standing",
        "grant": "grt_1",
        "token": (await house.link("ben")).rpartition("/")[2],
        "session": session.id,
        "device": device.id,
        "key": key.id,
        "name": "inbox.css",
    }
    form = {
        "csrf": await csrf(reader),
        "decision": "approve",
        "revision": "1",
        "digest": request.digest,
        f"tick:{request.id}": f"{request.revision}:{request.digest}",
        f"undo:{request.id}": "1",
        "replays": "stop",
        "state": "executed",
        "note": "a note",
        "name": "another",
        "role": "admin",
        "person": person,
        "session": "all",
        "format": "csv",
    }
    return Full(pushed, request, parts, form)


def at(made: Full, path: str) -> str:
    """The address of a door with everything filled in."""
    if path == TOKEN_IS_THE_PERSON:
        return path.replace("{token}", made.pushed.token(made.request, "ana", way=PushWay.NTFY))
    for name, value in made.parts.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"{path} has a part that this test does not know"
    return path


async def test_t16_looking_at_any_address_changes_nothing(pushed: Pushing, visit: Visit, tmp_path: Path) -> None:
    """GET and HEAD on all of them, with all that a form would say, by an admin: the store is what it was."""
    ana = await visit("ana")
    made = await full(pushed, ana, "ana")
    query = "&".join(f"{name}={value}" for name, value in made.form.items())
    before = stands(tmp_path)
    tried = doors(pushed, "GET")
    assert len(tried) > 30
    for path in [*tried, *doors(pushed, "POST")]:
        for method in ("GET", "HEAD"):
            if (method, path) == ("GET", STREAM):
                continue
            answer = await ana.send(method, f"{at(made, path)}?{query}", headers=ana.origin)
            assert answer.status < 500, (method, path)
    assert stands(tmp_path) == before


async def test_t20_no_door_takes_a_form_from_elsewhere(pushed: Pushing, visit: Visit, tmp_path: Path) -> None:
    """With the right cookie and the right token in the form and in the header: 403 each, and nothing is done."""
    ana = await visit("ana")
    made = await full(pushed, ana, "ana")
    before = stands(tmp_path, TRAIL)
    tried = [path for path in doors(pushed, "POST") if path != TOKEN_IS_THE_PERSON]
    assert len(tried) > 20
    for path in tried:
        for foreign in FOREIGN[:5:2]:
            sent = {**foreign, "X-CSRF": made.form["csrf"]}
            answer = await ana.send("POST", at(made, path), made.form, sent)
            assert answer.status == 403, (path, foreign)
    assert stands(tmp_path, TRAIL) == before


async def test_t20_no_door_takes_a_form_without_its_sessions_token(
    pushed: Pushing, visit: Visit, tmp_path: Path
) -> None:
    """From our own origin, with no token and with another session's: 403, but where there is no session yet."""
    ana, ben = await visit("ana"), await visit("ben")
    made = await full(pushed, ana, "ana")
    before = stands(tmp_path, TRAIL)
    assert set(doors(pushed, "POST")) >= WITHOUT_TOKEN
    for path in set(doors(pushed, "POST")) - WITHOUT_TOKEN:
        for token in ("", await csrf(ben)):
            sent = {**ana.origin, "X-CSRF": token}
            answer = await ana.send("POST", at(made, path), {**made.form, "csrf": token}, sent)
            assert answer.status == 403, path
    assert stands(tmp_path, TRAIL) == before


async def test_an_auditor_changes_nothing_through_any_door(pushed: Pushing, visit: Visit, tmp_path: Path) -> None:
    """Who was asked and then became an auditor, still signed in, with a form that would do everything.

    Their own sessions, devices and looks are their own.
    """
    ben = await visit("ben")
    made = await full(pushed, ben, "ben")
    pushed.house.change("ben", role=PersonRole.AUDITOR)
    before = stands(tmp_path, OWN)
    leaving = ("/sign-out", "/account/sessions/{session}/end")
    for path in [p for p in doors(pushed, "POST") if p not in (*leaving, TOKEN_IS_THE_PERSON, "/sign-in/{token}")]:
        answer = await ben.send("POST", at(made, path), made.form, ben.origin)
        assert answer.status < 500, path
    token = pushed.token(made.request, "ben", way=PushWay.NTFY)
    pushed.house.change("ben", ntfy="ben-topic")
    assert (await ben.send("POST", f"/push/act/{token}")).status == 403
    assert stands(tmp_path, OWN) == before
    pushed.house.change("ben", role=PersonRole.ADMIN)
    for path in ("/requests/{id}/decisions", "/admin/keys", "/admin/replays"):
        await ben.send("POST", at(made, path), made.form, ben.origin)
    changed = {name for name, rows in stands(tmp_path, OWN).items() if rows != before[name]}
    assert changed >= {"decisions", "keys", "switches"}, "the form itself is good"
