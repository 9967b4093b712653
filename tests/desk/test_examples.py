"""Examples that leave: which, with what in them, and never what is hidden or erased (threat T23)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import Conflict, Invalid
from bot.core.examples import ExampleQuery, Verdict, left_out
from bot.core.model import ExecutionState, Request, Verb
from bot.core.redaction import MARK
from bot.desk.erasing import erase
from bot.desk.examples import examples, some_examples
from tests.desk.house import START, House, edits, open_house

ACTIONS = """
actions:
  card.charge:
    title: "Charge {{ amount }}"
    redact: [number, /rows/*/pin]
    editable: [amount, number, note]
    execute: {agent: true}
  account.close: {title: "Close {{ customer }}", subject: customer, execute: {agent: true}}
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose rules hide something, and know a subject."""
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        yield opened


async def taken(house: House, **asked: Any) -> list[dict[str, Any]]:
    """What is asked for, as it would leave."""
    return [json.loads(one.line()) async for one in examples(house.store, ExampleQuery(**asked))]


async def life(house: House) -> dict[str, Request]:
    """One of each verdict, and of each sort that is no verdict."""
    made = {name: await house.submit(confidence=0.8, labels={"tier": "gold"}) for name in ("fine", "wrong", "more")}
    await house.decide(made["fine"], "ana")
    await house.decide(made["wrong"], "ben", Verb.REJECT, category="policy", comment="Not without a receipt")
    await house.decide(
        made["more"], "ana", Verb.APPROVE_WITH_EDITS, arguments=edits(made["more"], amount=200.0), comment="Less"
    )
    await house.submit(arguments={"order": "1", "amount": 2}, confidence=0.9)  # by rule
    await house.submit(arguments={"order": "1", "amount": 200_000})  # blocked
    await house.submit()  # open
    gone = await house.submit("deploy.start")
    await house.desk.cancel(gone.id, agent="billing", reason="never mind")
    await house.desk.drill("legal", by="cli:tests")
    return made


async def test_what_people_decided_and_nothing_else(house: House) -> None:
    """One line each, newest first: proposed, final, edits, verdict, category, comment, confidence; no names, labels."""
    made = await life(house)
    found = await taken(house)
    assert [one["id"] for one in found] == [made[name].id for name in ("more", "wrong", "fine")]
    more, wrong, fine = found
    assert more == {
        "id": made["more"].id,
        "agent": "billing",
        "action": "refund.issue",
        "proposed": {"order": "10428", "amount": 240.0},
        "final": {"order": "10428", "amount": 200.0},
        "edits": [{"pointer": "/amount", "before": 240.0, "after": 200.0, "kind": "changed"}],
        "verdict": "edited",
        "category": None,
        "comment": "Less",
        "outcome": {"state": "waiting", "incident": None},
        "confidence": 0.8,
    }
    assert (wrong["verdict"], wrong["final"], wrong["category"], wrong["outcome"]) == ("rejected", None, "policy", None)
    assert (fine["verdict"], fine["edits"], fine["final"]) == ("approved", [], fine["proposed"])


async def test_each_filter_narrows_and_adds(house: House) -> None:
    """Verdicts, agent, action, time; people and labels only where asked; pages go on where they stopped."""
    made = await life(house)
    house.clock.move(hours=1)
    later = await house.submit("page.me", agent="eva")
    await house.decide(later, "ana", Verb.REJECT)
    ids = {name: request.id for name, request in made.items()}
    for asked, expected in (
        ({"verdicts": (Verdict.EDITED, Verdict.REJECTED)}, [later.id, ids["more"], ids["wrong"]]),
        ({"agent": "eva"}, [later.id]),
        ({"action": "refund.issue", "verdicts": (Verdict.APPROVED,)}, [ids["fine"]]),
        ({"since": START + timedelta(minutes=1)}, [later.id]),
        ({"until": START + timedelta(minutes=1), "verdicts": (Verdict.REJECTED,)}, [ids["wrong"]]),
    ):
        assert [one["id"] for one in await taken(house, **asked)] == expected, asked
    (named,) = await taken(house, verdicts=(Verdict.EDITED,), people=True, labels=True)
    assert (named["by"], named["labels"]) == (["ana"], {"tier": "gold"})
    first, after = await some_examples(house.store, ExampleQuery(), after=None, at_once=3)
    rest, end = await some_examples(house.store, ExampleQuery(), after=after, at_once=3)
    assert [one.id for one in (*first, *rest)] == [one["id"] for one in await taken(house)]
    assert end is None


async def test_t23_what_is_hidden_never_leaves(house: House) -> None:
    """Hidden arguments, edits of them, comments and other arguments that repeat them, before and after an edit."""
    secret = {"number": "canary-4111", "rows": [{"pin": "canary-pin"}], "amount": 5, "note": "pay canary-4111 now"}
    request = await house.submit("card.charge", arguments=secret)
    await house.decide(
        request,
        "ana",
        Verb.APPROVE_WITH_EDITS,
        arguments=edits(request, number="canary-4222", amount=4),
        comment="canary-4222, not canary-4111",
    )
    asked = await house.submit("card.charge", arguments=secret)
    await house.decide(asked, "ana", Verb.ASK, comment="which one?")
    await house.desk.inform(asked.id, agent="billing", text="another", arguments={**secret, "number": "other-card"})
    await house.decide(await house.now(asked), "ana", Verb.REJECT, comment="canary-4111 was right")
    (one,) = await taken(house)
    assert one["id"] == request.id, "of the other, an earlier revision hid what the newest and its comment repeat"
    assert "canary" not in json.dumps(one)
    assert {edit["pointer"]: edit["after"] for edit in one["edits"]} == {"/number": MARK, "/amount": 4}


async def test_t23_what_is_left_out_is_hidden_everywhere(house: House) -> None:
    """``without`` takes a value out of arguments, edits and comments alike; a field is null; strangers are told."""
    given = {"order": "canary-order", "amount": 40}
    request = await house.submit("deploy.start", arguments=given, labels={"tier": "canary-tier"})
    await house.decide(
        request,
        "ana",
        Verb.APPROVE_WITH_EDITS,
        arguments={"order": "canary-changed", "amount": 40},
        comment="canary-changed it is",
    )
    without = ("arguments.order", "labels.tier", "confidence", "category", "outcome")
    (one,) = await taken(house, without=without, labels=True)
    assert "canary" not in json.dumps(one)
    assert one["proposed"] == {"order": MARK, "amount": 40}
    assert one["outcome"] is None
    (bare,) = await taken(house, without=("comment", "arguments.*"))
    assert bare["comment"] is None
    assert set(bare["final"].values()) == {MARK}
    for path in ("arguments", "arguments.", "reason", "", "labels", ".x", "arguments" + ".x" * 40):
        with pytest.raises(ValueError, match="left out"):
            left_out((path,))


async def test_t23_what_is_erased_never_leaves(house: House) -> None:
    """A subject's requests leave while it is there, and nothing of them once it is erased, chosen before or not."""
    request = await house.submit("account.close", arguments={"customer": "canary@example.com"})
    await house.decide(request, "ana")
    await house.desk.report(request.id, agent="billing", state=ExecutionState.EXECUTED)
    (one,) = [one async for one in examples(house.store, ExampleQuery())]
    await erase(house.ledger, "canary@example.com", by="cli:tests", via="cli", cancel=True)
    assert await taken(house) == []
    with pytest.raises(Conflict):
        await house.desk.export_examples(ExampleQuery(), by="person:kim", via="inbox", chosen={one.id: one.mark})


async def test_what_left_is_on_record(house: House) -> None:
    """Who, how many, by which filter, and the SHA-256 of exactly these bytes; of what was chosen, that alone."""
    await life(house)
    asked = ExampleQuery(verdicts=(Verdict.EDITED, Verdict.REJECTED), without=("comment",))
    parcel = await house.desk.export_examples(asked, by="admin:ops", via="api")
    with parcel.lines as stream:
        sent = stream.read()
    line = json.loads((await house.store.audit_lines(0, 1000))[-1].body)
    assert (line["type"], line["actor"], line["via"]) == ("examples.exported", "admin:ops", "api")
    assert line["data"] == {
        "count": 2,
        "sha256": hashlib.sha256(sent).hexdigest(),
        "filter": {"verdicts": ["edited", "rejected"], "without": ["comment"]},
    }
    first = json.loads(sent.splitlines()[0])
    (mark,) = [one.mark async for one in examples(house.store, asked) if one.id == first["id"]]
    few = await house.desk.export_examples(asked, by="person:kim", via="inbox", chosen={first["id"]: mark})
    with few.lines as stream:
        assert stream.read() == sent.splitlines()[0] + b"\n"
    lines = len(await house.store.audit_lines(0, 1000))
    with pytest.raises(Conflict):
        await house.desk.export_examples(asked, by="person:kim", via="inbox", chosen={first["id"]: "another"})
    with pytest.raises(Invalid):
        await house.desk.export_examples(asked, by="person:kim", via="inbox", chosen={})
    assert len(await house.store.audit_lines(0, 1000)) == lines, "nothing left, nothing is on record"
