"""``/push``: browsers that take push, and what a notification's buttons decide."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.model import PersonRole, PushWay, State, Verb
from bot.web.inbox import push
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.pushing import Pushing, csrf, id_of, post, pushing, subscribed, text_of, turn_on

TRIED = 30
"""How often a token may be tried here in a minute."""


@pytest.fixture
async def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pushing]:
    """A house with a push channel, which bears little trying."""
    monkeypatch.setattr(push, "MOST_PRESSES", TRIED)
    async with pushing(tmp_path) as opened:
        yield opened


@pytest.fixture
def visited(pushed: Pushing) -> Standing:
    """That house, for `visit`."""
    return pushed.house


async def test_a_browser_is_kept_and_known_again(pushed: Pushing, visit: Visit) -> None:
    """It is kept once, named by a few words, listed on the account page, and removed by a plain form."""
    ana = await visit("ana")
    told = subscribed()
    ana.client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    assert [(await turn_on(ana, told)).status for _ in range(2)] == [201, 200]
    (kept,) = await pushed.devices("ana")
    assert (kept.id, kept.endpoint, kept.browser) == (id_of(told), told["endpoint"], "Firefox on Linux")
    person = pushed.house.desk.person("ana")
    assert person is not None
    assert pushed.push.place(person) is not None
    page = await ana.get("/account")
    assert "Firefox on Linux" in page.words
    assert told["endpoint"] not in page.text
    gone = await ana.post(f"/push/subscriptions/{kept.id}/end", csrf=page.hidden("csrf"))
    assert (gone.status, gone.headers["location"]) == (303, "/account#notifications")
    assert await pushed.devices() == ()


async def test_only_ones_own_devices_are_removed(pushed: Pushing, visit: Visit) -> None:
    """Another person's form names the device in vain."""
    ana, ben = await visit("ana"), await visit("ben")
    await turn_on(ana, subscribed())
    (kept,) = await pushed.devices()
    assert (await ben.post(f"/push/subscriptions/{kept.id}/end", csrf=await csrf(ben))).status == 303
    assert await pushed.devices() == (kept,)


async def test_a_browser_that_changes_hands_takes_nothing_along(pushed: Pushing, visit: Visit) -> None:
    """Who shows the browser's keys has it; who only knows its address gets nothing, and takes nothing away."""
    ana, ben = await visit("ana"), await visit("ben")
    told = subscribed()
    await turn_on(ana, told)
    stolen = {**told, "keys": subscribed()["keys"]}
    refused = await turn_on(ben, stolen)
    assert (refused.status, json.loads(refused.text)["code"]) == (409, "conflict")
    assert [kept.person for kept in await pushed.devices()] == ["ana"]
    assert (await turn_on(ben, told)).status == 200
    assert [kept.person for kept in await pushed.devices()] == ["ben"]


async def test_signing_out_ends_the_pushes_of_this_browser_alone(pushed: Pushing, visit: Visit) -> None:
    """A shared browser tells the next person nothing of the one before; their phone is still told."""
    here, phone = await visit("ana"), await visit("ana")
    await turn_on(here, subscribed("https://push.example.com/here"))
    await turn_on(phone, subscribed("https://push.example.com/phone"))
    await here.post("/sign-out", csrf=await csrf(here))
    assert [kept.endpoint for kept in await pushed.devices()] == ["https://push.example.com/phone"]
    await phone.sign_in("ben")
    assert await pushed.devices() == ()


async def test_signing_in_again_keeps_the_pushes(pushed: Pushing, visit: Visit) -> None:
    """A session that ended by itself, and the same person's next one, leave the device as it was."""
    ana = await visit("ana")
    await turn_on(ana, subscribed())
    await ana.sign_in("ana")
    assert [kept.person for kept in await pushed.devices()] == ["ana"]


async def test_ending_all_other_sessions_ends_their_pushes(pushed: Pushing, visit: Visit) -> None:
    """A phone that was lost is told nothing more, and this browser still is."""
    here, lost = await visit("ana"), await visit("ana")
    await turn_on(lost, subscribed("https://push.example.com/lost"))
    await turn_on(here, subscribed("https://push.example.com/here"))
    await here.post("/account/sessions/end-others", csrf=await csrf(here))
    assert [kept.endpoint for kept in await pushed.devices()] == ["https://push.example.com/here"]


@pytest.mark.parametrize("who", ["ana", "kim"])
async def test_a_lost_phone_whose_session_is_ended_is_told_no_more(pushed: Pushing, visit: Visit, who: str) -> None:
    """By its owner or by an admin; what calls itself otherwise, and the browser that they do it in, stay."""
    pushed.house.change("kim", role=PersonRole.ADMIN)
    phone, laptop, here = await visit(None), await visit("ana"), await visit(who)
    phone.client.headers["User-Agent"] = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
    await phone.sign_in("ana")
    for reader, name in ((phone, "phone"), (laptop, "laptop"), (here, "here")):
        await turn_on(reader, subscribed(f"https://push.example.com/{name}"))
    (lost,) = [s for s in await pushed.house.access.sessions("ana") if s.browser == "Firefox on Android"]
    if who == "ana":
        await here.post(f"/account/sessions/{lost.id}/end", csrf=await csrf(here))
    else:
        await here.post("/admin/people/sessions", person="ana", session=lost.id[:16], csrf=await csrf(here))
    assert {kept.endpoint.rpartition("/")[2] for kept in await pushed.devices()} == {"laptop", "here"}


async def test_a_new_address_of_the_same_browser_replaces_the_old(pushed: Pushing, visit: Visit) -> None:
    """What a browser subscribes to anew by itself leaves no dead address behind."""
    ana = await visit("ana")
    await turn_on(ana, subscribed("https://push.example.com/old"))
    await turn_on(ana, subscribed("https://push.example.com/new"))
    assert [kept.endpoint for kept in await pushed.devices()] == ["https://push.example.com/new"]


def _with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(told: dict[str, Any]) -> dict[str, Any]:
        keys = {**told["keys"], **{name: changes[name] for name in ("p256dh", "auth") if name in changes}}
        return {**told, "endpoint": changes.get("endpoint", told["endpoint"]), "keys": keys}

    return change


REFUSED = {
    "no object": lambda _: [],
    "no keys": lambda told: {"endpoint": told["endpoint"]},
    "a key that is no text": _with(auth=16),
    "no address": _with(endpoint=""),
    "a longer one than any": _with(endpoint="https://push.example.com/" + "a" * 2000),
    "plain http elsewhere": _with(endpoint="http://push.example.com/x"),
    "a private address": _with(endpoint="https://10.0.0.7/x"),
    "the cloud's own": _with(endpoint="https://169.254.169.254/latest"),
    "a machine of this network": _with(endpoint="https://intranet/x"),
    "an address in disguise": _with(endpoint="https://0x0a000007/x"),
    "another scheme": _with(endpoint="file:///etc/passwd"),
    "a password": _with(endpoint="https://a:b@push.example.com/x"),
    "no port": _with(endpoint="https://push.example.com:99999/x"),
    "a line end": _with(endpoint="https://push.example.com/x\nHost: a"),
    "letters of elsewhere": _with(endpoint="https://püsh.example.com/x"),
    "a short key": _with(p256dh=text_of(b"\x04" * 64)),
    "no point of the curve": _with(p256dh=text_of(b"\x04" + b"\x01" * 64)),
    "a compressed point": _with(p256dh=text_of(b"\x02" + b"\x01" * 64)),
    "a short secret": _with(auth=text_of(b"a" * 15)),
    "other letters": _with(auth="+/+/+/+/+/+/+/+/+/+/+w"),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_subscription_is_refused(
    pushed: Pushing, visit: Visit, wrong: Callable[[dict[str, Any]], Any]
) -> None:
    """422, which says what, and nothing is kept."""
    answer = await turn_on(await visit("ana"), wrong(subscribed()))
    assert (answer.status, json.loads(answer.text)["code"]) == (422, "invalid")
    assert await pushed.devices() == ()


async def test_what_is_no_json_is_refused(pushed: Pushing, visit: Visit) -> None:
    """Another type, broken text, and more than a subscription can be long."""
    ana = await visit("ana")
    token = {"X-CSRF": await csrf(ana)}
    for body, status, headers in (
        (b"{", 400, {}),
        (b"{}", 415, {"Content-Type": "text/plain"}),
        (b" " * 9000, 413, {}),
    ):
        assert (await post(ana, "/push/subscriptions", body, **token, **headers)).status == status
    assert await pushed.devices() == ()


async def test_t20_push_is_turned_on_by_our_own_pages_alone(pushed: Pushing, visit: Visit) -> None:
    """Another origin, no token, another session's, or no session: refused, recorded where somebody is signed in."""
    ana, ben, stranger = await visit("ana"), await visit("ben"), await visit(None)
    own, others = {"X-CSRF": await csrf(ana)}, {"X-CSRF": await csrf(ben)}
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    before = await pushed.house.lines()
    for reader, headers, status in (
        (ana, own | elsewhere, 403),
        (ana, {}, 403),
        (ana, others, 403),
        (stranger, own, 401),
    ):
        assert (await post(reader, "/push/subscriptions", subscribed(), **headers)).status == status
    assert await pushed.devices() == ()
    assert await pushed.house.lines() == before + 3
    assert (await ana.send("GET", "/push/state", headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await stranger.get("/push/state")).status == 401


async def test_a_button_decides_and_again_says_the_same(pushed: Pushing, visit: Visit) -> None:
    """T17: the press counts once; the second is told the recorded result."""
    request = await pushed.submit()
    ana = await visit("ana")
    body = {"token": pushed.token(request, "ana")}
    answers = [await post(ana, "/push/decisions", body) for _ in range(2)]
    assert [(a.status, json.loads(a.text)) for a in answers] == [(200, {"state": "approved", "said": "Approved"})] * 2
    now = await pushed.house.now(request.id)
    assert (now.state, [d.by for d in now.decisions]) == (State.APPROVED, ["ana"])


async def test_t17_a_button_is_its_readers_own(pushed: Pushing, visit: Visit) -> None:
    """Another person's session, no session, another origin, a forged token: refused, and nothing is decided."""
    request = await pushed.submit()
    ana, ben, stranger = await visit("ana"), await visit("ben"), await visit(None)
    token = pushed.token(request, "ana")
    cross = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await post(ben, "/push/decisions", {"token": token})).status == 403
    assert (await post(stranger, "/push/decisions", {"token": token})).status == 401
    assert (await post(ana, "/push/decisions", {"token": token}, **cross)).status == 403
    assert (await post(ana, "/push/decisions", {"token": token[:-2] + "AA"})).status in (400, 403, 404)
    assert (await post(ana, "/push/decisions", {"token": "a" * 2001})).status == 404
    assert (await pushed.house.now(request.id)).state is State.PENDING


async def test_a_button_pressed_too_late_says_who_was_first(pushed: Pushing, visit: Visit) -> None:
    """409, and how it ended."""
    request = await pushed.submit()
    ana, ben = await visit("ana"), await visit("ben")
    await post(ben, "/push/decisions", {"token": pushed.token(request, "ben", Verb.REJECT)})
    late = await post(ana, "/push/decisions", {"token": pushed.token(request, "ana")})
    assert late.status == 409
    assert json.loads(late.text)["said"]
    assert (await pushed.house.now(request.id)).state is State.REJECTED


async def test_t16_whatever_looks_at_a_button_of_ntfy_changes_nothing(pushed: Pushing, visit: Visit) -> None:
    """GET, HEAD, OPTIONS and the rest are 405; the POST decides, without a session, once."""
    request = await pushed.submit()
    nobody = await visit(None)
    path = f"/push/act/{pushed.token(request, 'ana', way=PushWay.NTFY)}"
    before = await pushed.house.lines()
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        answer = await nobody.send(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert "access-control-allow-origin" not in answer.headers
    assert (await pushed.house.now(request.id)).state is State.PENDING
    assert await pushed.house.lines() == before
    answers = [await nobody.send("POST", path) for _ in range(2)]
    assert [(a.status, a.text) for a in answers] == [(200, "Approved\n")] * 2
    assert "access-control-allow-origin" not in answers[0].headers
    assert len((await pushed.house.now(request.id)).decisions) == 1


async def test_a_button_of_a_browser_is_worth_nothing_without_its_session(pushed: Pushing, visit: Visit) -> None:
    """The token of a browser's notification, posted to where ntfy posts: 401, in one line of text."""
    request = await pushed.submit()
    answer = await (await visit(None)).send("POST", f"/push/act/{pushed.token(request, 'ana')}")
    assert (answer.status, answer.text.count("\n")) == (401, 1)
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await pushed.house.now(request.id)).state is State.PENDING


async def test_trying_tokens_has_an_end(pushed: Pushing, visit: Visit) -> None:
    """After so many in a minute from one address it is told to wait; a minute later it is judged again.

    Behind a proxy a stranger has the address that everybody has: a button of ours counts all the same, meanwhile.
    """
    nobody = await visit(None)
    request = await pushed.submit()
    for _ in range(TRIED):
        answer = await nobody.send("POST", "/push/act/none")
    assert answer.status in (400, 403, 404)
    stopped = await nobody.send("POST", "/push/act/another")
    assert (stopped.status, stopped.headers["retry-after"]) == (429, "60")
    answer = await nobody.send("POST", f"/push/act/{pushed.token(request, 'ana', way=PushWay.NTFY)}")
    assert (answer.status, (await pushed.house.now(request.id)).state) == (200, State.APPROVED)
    pushed.house.clock.shift = timedelta(seconds=61)
    assert (await nobody.send("POST", "/push/act/another")).status == 403
