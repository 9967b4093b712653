"""What was decided together is taken back together, while nothing ran."""

from __future__ import annotations

import html
import re

from bot.core.model import State
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.test_together import PATH, letters, picked, send, states, ticks


async def test_all_approvals_are_taken_back_while_nothing_ran(staged: Standing, visit: Visit) -> None:
    """One button; each is told of by itself, and what is too late, or was not one's own, stays."""
    made = await letters(staged)
    ana = await visit("ana")
    page = await ana.get(picked(made))
    done = await send(ana, page, "approve", ticks(page))
    assert "Undo all 3 approvals" in done.words
    named = dict(re.findall(r'name="(undo:[^"]*)" value="(\d+)"', done.text))
    assert named == {f"undo:{r.id}": "1" for r in made}
    lea = await visit("lea")
    csrf = (await lea.get(f"/requests/{made[0].id}")).hidden("csrf")
    foreign = await lea.post(f"{PATH}/undo", csrf=csrf, **named)
    assert (foreign.status, "0 of 3 taken back" in foreign.words) == (409, True)
    back = await ana.post(f"{PATH}/undo", csrf=done.hidden("csrf"), **named)
    assert "3 of 3 taken back" in back.words
    assert html.escape(picked(made)) in back.text
    assert await states(staged, made) == [State.PENDING] * 3
    again = await ana.post(f"{PATH}/undo", csrf=done.hidden("csrf"), **named)
    assert (again.status, "0 of 3 taken back" in again.words) == (409, True)
    assert (await ana.post(f"{PATH}/undo", csrf=done.hidden("csrf"))).status == 422


async def test_no_undo_is_offered_where_there_is_no_window(staged: Standing, visit: Visit) -> None:
    """What runs at once cannot be taken back, and a rejection has no window."""
    made = await letters(staged, 2)
    refund = await staged.submit(arguments={"order": "1", "amount": 1.0, "currency": "EUR"})
    ana = await visit("ana")
    page = await ana.get(picked([refund]))
    assert "undo:" not in (await send(ana, page, "approve", ticks(page))).text
    page = await ana.get(picked(made))
    assert "undo:" not in (await send(ana, page, "reject", ticks(page), comment="No", category="other")).text
