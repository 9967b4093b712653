"""People, what did not reach them, what went wrong, and the keys."""

from __future__ import annotations

import json

from bot.core.model import ExecutionState, Role
from bot.core.ports import AuditQuery, Subscription
from bot.core.token import hash_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing
from tests.web.inbox.trouble import failed, lost, undelivered


async def newest(house: Standing, kind: str) -> dict[str, object]:
    """The newest event of a kind."""
    (line,) = await house.store.audit_search(AuditQuery(type=kind, limit=1))
    found: dict[str, object] = json.loads(line.body)
    return found


async def test_everybody_is_shown_with_how_they_are_reached(run: Standing, visit: Visit) -> None:
    """Role, groups, addresses, browsers that take push, what reaches nobody and why, who is away."""
    await run.returned("ana@example.com", "550 <no> such mailbox")
    device = Subscription(
        id="d" * 64, person="ana", endpoint="https://push.example/secret-endpoint", p256dh="pub", auth="key",
        browser="Safari on iPhone", created_at=run.clock.now(),
    )  # fmt: skip
    await run.desk.subscribe(device)
    page = await (await visit("lea")).get("/admin/people")
    assert "5 people" in page.words
    ana = page.text[page.text.index('id="person-ana"') : page.text.index('id="person-ben"')]
    for piece in ("reviewer", "not reached", "U0ANASILVA", "550 &lt;no&gt; such mailbox", "Safari on iPhone", "oncall"):
        assert piece in ana, piece
    assert "secret-endpoint" not in page.text
    assert "Ana Silva stands in." in page.words
    assert page.text.index('id="person-kim"') < page.text.index('id="person-lea"') < page.text.index('id="person-ana"')


async def test_an_admin_ends_sessions(run: Standing, visit: Visit) -> None:
    """One, or all with the browsers that are told by push; who did it is on record, and their own stays."""
    kim, phone, desk = await visit("kim"), await visit("ana"), await visit("ana")
    page = await kim.get("/admin/people")
    csrf = page.hidden("csrf")
    sessions = await run.access.sessions("ana")
    assert all(session.id not in page.text for session in sessions)
    first = sessions[0].id[:16]
    assert (await kim.post("/admin/people/sessions", csrf=csrf, person="ana", session=first)).status == 303
    assert [(await reader.get("/inbox")).status for reader in (phone, desk)].count(200) == 1
    assert (await newest(run, "session.ended"))["actor"] == "person:kim"
    device = Subscription(
        id="d" * 64, person="ana", endpoint="https://push.example/1", p256dh="pub", auth="key",
        browser="Safari", created_at=run.clock.now(),
    )  # fmt: skip
    await run.desk.subscribe(device)
    assert (await kim.post("/admin/people/sessions", csrf=csrf, person="ana", session="all")).status == 303
    assert await run.access.sessions("ana") == ()
    assert await run.desk.subscriptions("ana") == ()
    assert (await kim.post("/admin/people/sessions", csrf=csrf, person="kim", session="all")).status == 303
    assert (await kim.get("/admin")).status == 200


async def test_a_session_that_is_gone_or_not_named_is_refused(run: Standing, visit: Visit) -> None:
    """A part of an id, another person's, an empty field: nothing ends."""
    kim = await visit("kim")
    await visit("ana")
    csrf = (await kim.get("/admin")).hidden("csrf")
    ana = (await run.access.sessions("ana"))[0].id
    for person, session, status in (("ana", ana[:1], 404), ("ben", ana[:16], 404), ("ana", "", 422), ("", "all", 422)):
        answer = await kim.post("/admin/people/sessions", csrf=csrf, person=person, session=session)
        assert answer.status == status
    assert len(await run.access.sessions("ana")) == 1


async def test_sessions_of_people_who_left_are_shown(run: Standing, visit: Visit) -> None:
    """They open nothing, and can be ended before the person comes back."""
    kim = await visit("kim")
    await visit("ben")
    run.forget("ben")
    assert "Sessions of people whom the file does not know any more" in (await kim.get("/admin/people")).words


async def test_a_failed_delivery_says_whose_it_was_and_what_to_do(run: Standing, visit: Visit) -> None:
    """Channel, address, request, what was said, when; agents' and servers' texts are only texts."""
    request = await run.submit(action="page.publish", arguments={"x": 1})
    await undelivered(run, request, MARKUP[0] + "\u202e")
    page = await (await visit("lea")).get("/admin/deliveries")
    for piece in ("Ana Silva, by mail", "ana@example.com", "page.publish", "⟦U+202E⟧", "Correct the address"):
        assert piece in page.words
    assert f'href="/requests/{request.id}"' in page.text
    assert MARKUP[0] not in page.text


async def test_p06_an_admin_settles_what_nobody_knows(run: Standing, visit: Visit) -> None:
    """With a note, on record as theirs; without one, or of what is known, it is refused beside the field."""
    unknown, broken = await lost(run, note="<b>x</b>"), await failed(run, "<i>locked</i>")
    kim = await visit("kim")
    page = await kim.get("/admin/executions")
    assert "One outcome that nobody knows" in page.words
    assert "One execution failed" in page.words
    assert "<b>x</b>" not in page.text
    assert "<i>locked" not in page.text
    assert page.text.count(f'action="/admin/executions/{unknown.id}"') == 1
    assert f'action="/admin/executions/{broken.id}"' not in page.text
    csrf = page.hidden("csrf")
    empty = await kim.post(f"/admin/executions/{unknown.id}", csrf=csrf, note="half <b>a note</b>")
    assert empty.status == 422
    assert "Say whether it happened or not." in empty.words
    assert "half &lt;b&gt;a note&lt;/b&gt;</textarea>" in empty.text
    settled = await kim.post(f"/admin/executions/{unknown.id}", csrf=csrf, state="executed", note="seen in the shop")
    assert settled.status == 303
    execution = (await run.now(unknown.id)).execution
    assert execution is not None
    assert execution.state is ExecutionState.EXECUTED
    event = await newest(run, "execution.settled")
    assert (event["actor"], event["via"]) == ("person:kim", "inbox")
    again = await kim.post(f"/admin/executions/{unknown.id}", csrf=csrf, state="failed", note="no")
    assert (again.status, (await run.now(unknown.id)).execution) == (409, execution)
    assert (await kim.post("/admin/executions/req_none", csrf=csrf, state="failed", note="no")).status == 404


async def test_long_arguments_make_no_long_list(run: Standing, visit: Visit) -> None:
    """What was to run is read on its own page where it is long."""
    request = await failed(run, text="y" * 7000)
    page = await (await visit("kim")).get("/admin/executions")
    assert "What was to run is long" in page.words
    assert len(page.text) < 20_000
    assert request.id in page.text


async def test_t23_a_key_is_shown_once_and_only_to_who_made_it(run: Standing, visit: Visit) -> None:
    """On the answer alone, never in an address, never stored by a browser, never its hash; the record has its id."""
    kim = await visit("kim")
    csrf = (await kim.get("/admin/keys")).hidden("csrf")
    made = await kim.post("/admin/keys", csrf=csrf, name="newcomer", role="agent")
    assert (made.status, made.headers["cache-control"]) == (200, "no-store")
    secret = made.text.split('class="value secret"')[1].split(">")[1].split("<")[0]
    assert secret.startswith("sk_agent_")
    key = await run.access.key(secret)
    assert key is not None
    assert (key.name, key.role) == ("newcomer", Role.AGENT)
    assert "lists no agent newcomer" in made.words
    for page in (await kim.get("/admin/keys"), await kim.get("/admin/audit")):
        assert secret not in page.text
        assert hash_of(secret) not in page.text
    assert "newcomer" in (await kim.get("/admin/keys")).words
    event = await newest(run, "key.created")
    assert (event["actor"], event["via"]) == ("person:kim", "inbox")
    revoked = await kim.post(f"/admin/keys/{key.id}/revoke", csrf=csrf)
    assert revoked.status == 303
    assert await run.access.key(secret) is None
    assert (await newest(run, "key.revoked"))["actor"] == "person:kim"
    assert (await kim.post(f"/admin/keys/{key.id}/revoke", csrf=csrf)).status == 404


async def test_a_key_has_a_name_that_can_be_one(run: Standing, visit: Visit) -> None:
    """As with `sayso key create`: a reviewer's is a person's, the house's own is nobody's, and odd ones are refused."""
    kim = await visit("kim")
    csrf = (await kim.get("/admin/keys")).hidden("csrf")
    wrong = [
        ("<b>x", "agent", "Use up to 64 letters"),
        ("", "agent", "Use up to 64 letters"),
        ("zoe", "reviewer", "routing.yaml knows nobody by the id zoe."),
        ("fine", "god", "Say what the key is for."),
        ("sayso", "agent", "sayso is the house's own name"),
        ("Sayso", "advisor", "sayso is the house's own name"),
    ]
    for name, role, told in wrong:
        answer = await kim.post("/admin/keys", csrf=csrf, name=name, role=role)
        assert answer.status == 422, name
        assert told in answer.words, (told, answer.words)
    assert await run.access.keys() == ()
    assert (await kim.post("/admin/keys", csrf=csrf, name="ana", role="reviewer")).status == 200
