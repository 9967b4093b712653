"""T23 at every wire of a running bot: what is hidden leaves nowhere, and once it is erased it is nowhere left."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.core.model import Role
from tests.erasure.hidden import CUSTOMER, HIDDEN, PIECE, SUBJECTS, found
from tests.erasure.test_t23_canaries import files_of
from tests.erasure.wired import SAID, Wired, happens, wired
from tests.stories.program import Caller

ALL = (*HIDDEN, PIECE, *SUBJECTS, *SAID)


def leaks(said: dict[str, str], values: tuple[str, ...]) -> dict[str, list[str]]:
    """What stands where it may not."""
    return {where: hits for where, text in said.items() if (hits := found(text, values))}


async def measured(admin: Caller) -> None:
    """Wait until all that happened is in the figures."""
    async with asyncio.timeout(20):
        while '"refund.print"' not in await admin.text("/v1/metrics?by=action"):
            await asyncio.sleep(0.05)


async def erased(house: Wired, admin: Caller) -> None:
    """Erase the subject, and say something of it all the same."""
    status, answer = await admin.call("POST", "/v1/subjects/erasure", {"subject": CUSTOMER, "cancel": True})
    assert status == 200, answer
    assert (answer["requests"], answer["cancelled"], answer["rewritten"]) == (len(house.ids), 1, True)
    unheard = house.ids[6]
    settled = {"state": "executed", "note": f"{CUSTOMER} has it, {SAID[16]}"}
    assert (await admin.call("POST", f"/v1/requests/{unheard}/resolution", settled))[0] == 200
    harm = {"severity": "low", "note": f"{CUSTOMER} again, {SAID[17]}"}
    assert (await admin.call("POST", f"/v1/requests/{unheard}/incidents", harm))[0] == 200
    status, _ = await admin.call("POST", f"/v1/requests/{unheard}/rollback", {"reason": f"{CUSTOMER} {SAID[18]}"})
    assert status == 409


async def test_t23_no_wire_tells_what_is_hidden_and_nothing_is_left_of_a_subject(tmp_path: Path) -> None:
    """Canaries wherever one can be put, far sides that repeat all they hear: 0 hits, none of a subject at the end."""
    async with wired(tmp_path) as house:
        program = house.program
        async with (
            program.caller("billing") as agent,
            program.caller("ana", Role.REVIEWER) as ana,
            program.caller("ben", Role.REVIEWER) as ben,
            program.caller("ops", Role.ADMIN) as admin,
        ):
            await happens(house, agent, ana, ben)
            await measured(admin)
            told = await house.told(admin)
            events = "".join(call.body.decode() for call in house.events.calls)
            said = {"slack": house.posted(), "mail": house.mailed(), "events": events}
            assert leaks(told | said, (*HIDDEN, PIECE)) == {}
            assert [where for where, text in said.items() if CUSTOMER not in text] == [], "people are shown whose it is"
            quiet = {"log": program.said(), "push": house.pushed(), "traces": house.traced()}
            quiet |= {path: told[path] for path in ("/metrics", "/readyz", "/v1/audit/export")}
            assert leaks(quiet, ALL) == {}
            assert "550 5.1.1 (no such mailbox)" in told["/admin/people"]
            assert "554 5.7.1 (refused by the server" in told["/admin/deliveries"]
            assert "550 5.7.1 (refused by the server" in "".join(told.values())
            kinds = {call.json["type"] for call in house.events.calls}
            assert kinds >= {"request.rolled_back", "request.incident", "request.failed"}
            await erased(house, admin)
            await house.redrawn()
            assert leaks(await house.told(admin) | {"slack": house.posted()}, ALL) == {}
    quiet = {"log": program.said(), "push": house.pushed(), "traces": house.traced()}
    assert leaks(quiet, ALL) == {}
    assert [word for word in ("given up", "came back", "wrote: ") if word not in program.said()] == []
    files = [file for file in files_of(tmp_path) if file.name.startswith("sayso.db")]
    assert {file.name: hits for file in files if (hits := found(file.read_bytes(), ALL))} == {}
