"""The first of the house's pages: health, what went wrong, the rules in force, the switch for all replays."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from bot.core.model import Event
from bot.core.ports import AuditQuery
from bot.web.house import Probe
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.trouble import failed, lost, undelivered


async def noted(house: Standing, kind: str, **data: str) -> None:
    """A line of the rules' own, as `bot.rules` writes them."""
    event = Event(type=kind, at=house.clock.now(), actor="sayso", via="file", data=dict(data))
    await house.store.write(lambda tx: tx.append(event))


async def test_it_says_what_is_well_and_counts_what_is_not(run: Standing, visit: Visit) -> None:
    """Each part with its reason; open requests, cards, runs and warnings by number, each leading to its page."""
    run.probes += [Probe("store", True, "writable"), Probe("email", False, "refused by <imap>")]  # noqa: FBT003  # Probe's shape
    await undelivered(run, await run.submit())
    await failed(run)
    await lost(run)
    page = await (await visit("kim")).get("/admin")
    assert "One part does not work" in page.words
    assert "✓ Store works writable" in page.words
    assert "✗ Mail does not work refused by <imap>" in page.words
    for figure in ("1 open request ", "1 failed delivery ", "1 execution of unknown outcome", "1 failed execution "):
        assert figure in page.words
    assert "warnings about the rules" in page.words


async def test_a_fault_of_ours_is_a_page_for_a_browser(run: Standing, visit: Visit) -> None:
    """It says what went wrong to whom, leads back, and shows no insides; other clients get the problem."""
    run.probes.append(cast("Probe", "no probe"))
    kim = await visit("kim")
    page = await kim.send("GET", "/admin", headers={"Accept": "text/html"})
    assert (page.status, "Something went wrong inside, so this cannot be shown" in page.words) == (500, True)
    assert 'href="/admin"' in page.text
    assert "Traceback" not in page.text
    assert '"code":"internal"' in (await kim.get("/admin")).text


async def test_it_says_which_rules_are_in_force_since_when(run: Standing, visit: Visit) -> None:
    """From the first reading of this file that no other came between, whatever starts there were since."""
    mine = run.policy.hash
    await noted(run, "config.loaded", policy=mine)
    run.clock.shift += timedelta(days=1)
    await noted(run, "config.loaded", policy="sha256:other")
    run.clock.shift += timedelta(hours=5)
    await noted(run, "config.loaded", policy=mine)
    run.clock.shift += timedelta(hours=3)
    await noted(run, "config.loaded", policy=mine)
    page = await (await visit("lea")).get("/admin")
    assert mine in page.words
    assert "(3 h ago)" in page.words
    assert "is not in force" not in page.words


async def test_t26_a_refused_file_is_told_with_its_reason(run: Standing, visit: Visit) -> None:
    """As long as the file is bad it stands above all, word for word and harmless."""
    await noted(run, "config.loaded", policy=run.policy.hash)
    await noted(run, "config.refused", policy=run.policy.hash, reason="routing.yaml:3:1: <b>no such</b> key\u202e")
    run.probes.append(Probe("rules", False, "not in force", False))  # noqa: FBT003  # Probe's shape
    page = await (await visit("kim")).get("/admin")
    assert "The routing file was changed and is not in force" in page.words
    assert "routing.yaml:3:1: <b>no such</b> key⟦U+202E⟧" in page.words.replace(" ⟦", "⟦").replace("⟧ ", "⟧")
    assert "<b>no such" not in page.text


async def test_replays_stop_and_start_by_a_second_word(run: Standing, visit: Visit) -> None:
    """The button that does it stands behind another; both directions are on record, by whom, and once each."""
    kim = await visit("kim")
    page = await kim.get("/admin")
    assert page.text.index("<summary") < page.text.index("Stop all replays") < page.text.index("Yes, stop them all")
    csrf = page.hidden("csrf")
    for _ in range(2):
        assert (await kim.post("/admin/replays", csrf=csrf, replays="stop")).status == 303
    assert await run.desk.paused()
    stopped = await kim.get("/admin")
    assert "All replays are stopped" in stopped.words
    assert "Yes, start them" in stopped.words
    assert (await kim.post("/admin/replays", csrf=csrf, replays="start")).status == 303
    assert not await run.desk.paused()
    lines = await run.store.audit_search(AuditQuery(type="replays.*", actor="person:kim"))
    assert [line.body.split('"type":"')[1].split('"')[0] for line in lines] == ["replays.resumed", "replays.paused"]
    assert all('"via":"inbox"' in line.body for line in lines)


async def test_one_agent_is_stopped_and_started_by_name(run: Standing, visit: Visit) -> None:
    """Behind a second word; the page lists it with a button of its own, which auditors have not; no name, nothing."""
    kim = await visit("kim")
    csrf = (await kim.get("/admin")).hidden("csrf")
    odd = "bot<b>\u202e"
    for kind, name in (("agent", odd), ("action", "refund.issue")):
        assert (await kim.post("/admin/replays", csrf=csrf, replays="stop", kind=kind, name=name)).status == 303
    for wrong in ({"kind": "agent", "name": " "}, {"kind": "person", "name": "ana"}):
        assert (await kim.post("/admin/replays", csrf=csrf, replays="stop", **wrong)).status == 422
    assert (await run.desk.stopped()).holds(odd, "x")
    page = await kim.get("/admin")
    assert "What is approved runs, but for what is stopped by name." in page.words
    assert "bot<b>" not in page.text
    assert page.text.count("Start it again") == 2
    assert "Start it again" not in (await (await visit("lea")).get("/admin")).text
    assert (await kim.post("/admin/replays", csrf=csrf, replays="start", kind="agent", name=odd)).status == 303
    assert (await run.desk.stopped()).agents == ()
    assert (await run.desk.stopped()).actions == ("refund.issue",)


async def test_a_form_that_does_not_say_which_changes_nothing(run: Standing, visit: Visit) -> None:
    """Neither stop nor start: refused, and replays run on."""
    kim = await visit("kim")
    csrf = (await kim.get("/admin")).hidden("csrf")
    assert (await kim.post("/admin/replays", csrf=csrf)).status == 422
    assert not await run.desk.paused()
