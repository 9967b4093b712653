"""T23: what is hidden is shown nowhere, and what is erased is nowhere any more, the file's own bytes included."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from bot.core.errors import Conflict, NotFound
from bot.core.model import ExecutionState, Request, State, Verb
from bot.core.redaction import MARK, shown
from bot.core.unsaid import unsayable
from bot.desk.erasing import erase
from bot.web.view import request_view
from store.audit import replay
from store.chain import verify_store
from store.scrubbing import scrub
from tests.desk.house import House, open_house
from tests.desk.replayed import prove
from tests.store.test_p13_replay import held

MANY = 50
CANARIES = tuple(f"canary{number:02d}" for number in range(MANY))

CHARGE = """\
  card.charge:
    title: "Charge {{ number }}"
    redact: [number, /rows/*/pin, /deep/er]
    schema:
      type: object
      properties:
        number: {type: string}
        amount: {type: number}
        rows: {type: array}
        deep: {type: object}
        typed: {type: string, writeOnly: true}
        login: {type: object, properties: {Pass-Word: {type: string}, key: {type: string, format: password}}}
    execute: EXECUTE
"""
"""An action with arguments hidden in each way; who runs it stands for EXECUTE."""

ACTIONS = """
actions:
  account.close:
    title: "Close the account of {{ customer }}"
    subject: customer
    editable: [note, rows]
    execute: {agent: true}
""" + CHARGE.replace("EXECUTE", "{agent: true}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose rules know a subject and what is to be hidden."""
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        yield opened


def found(text: str | bytes) -> list[str]:
    """The canaries that are in a text."""
    raw = text.encode() if isinstance(text, str) else text
    return [canary for canary in CANARIES if canary.encode() in raw]


def files_of(folder: Path) -> list[Path]:
    """What is in a folder."""
    return list(folder.iterdir())


def secrets() -> dict[str, Any]:
    """Arguments that hide canaries in every way that there is; ``amount`` and ``token`` are shown."""
    it = iter(CANARIES)
    return {
        "number": next(it),
        "amount": 3,
        "typed": next(it),
        "login": {"Pass-Word": next(it), "key": next(it)},
        "deep": {"er": {"a": next(it), "b": [next(it), {"c": next(it)}]}, "shown": "plain"},
        "rows": [{"pin": canary, "name": f"row {index}"} for index, canary in enumerate(it)],
    }


async def everything(house: House, request: Request) -> str:
    """All that is said of a request to anybody but its agent."""
    now = await house.now(request)
    card = house.desk.card_of(now)
    view = to_builtins(request_view(now, await house.store.deliveries(now.id), "http://x"))
    lines = [line.body for line in await house.store.audit_lines(0, 100_000)]
    told = [line.body for line in await house.store.told(now)]
    fields = to_builtins(house.desk.fields(now))
    cards = [str(said) for wire in house.channels.values() for said in wire.said]
    return "\n".join([str(card), json.dumps(view), *lines, *told, json.dumps(fields), *cards])


async def test_t23_what_is_hidden_is_shown_nowhere(house: House) -> None:
    """50 canaries in arguments that are hidden in every way: 0 hits anywhere, and what runs is the exact value."""
    given = secrets()
    reason = f"they gave me {CANARIES[0]}"
    request = await house.submit("card.charge", arguments=given, reason=reason)
    await house.work()
    await house.rest()
    assert found(await everything(house, request)) == []
    assert MARK in str(house.desk.card_of(await house.now(request)))
    assert (await house.now(request)).content.arguments == given
    await house.decide(request, comment=f"I know {CANARIES[1]}")
    await house.desk.report(
        request.id,
        agent="billing",
        state=ExecutionState.FAILED,
        error=f"refused: {CANARIES[2]}",
        result={"token": CANARIES[3]},
    )
    assert found(await everything(house, request)) == []
    own = to_builtins(request_view(await house.now(request), (), "http://x", own=True))
    assert len(found(json.dumps(own))) == MANY
    assert house.courier is not None
    await house.courier.stop(2)


async def test_t23_claims_and_results_are_hidden_by_name_alone(house: House) -> None:
    """Labels, context and results never run, so a secret name hides them whatever the action says."""
    context = {"login": {"Password": CANARIES[0]}, "seen": [{"api_key": CANARIES[1]}]}
    request = await house.submit("deploy.start", arguments={"x": 1}, context=context, labels={"token": CANARIES[2]})
    await house.decide(request)
    await house.desk.report(request.id, agent="billing", state=ExecutionState.EXECUTED, result={"secret": CANARIES[3]})
    assert found(await everything(house, request)) == []


async def test_t02_no_name_hides_what_would_run(house: House) -> None:
    """An argument that no schema lists is shown, whatever its agent calls it."""
    request = await house.submit("deploy.start", arguments={"password": CANARIES[0]})
    assert found(str(house.desk.card_of(request))) == [CANARIES[0]]


async def test_t23_a_mark_sent_back_means_as_it_is(house: House) -> None:
    """Who edits what is shown to them, marks and all, changes only what they changed."""
    request = await house.submit("card.charge", arguments=secrets())
    sent_back = {**shown(request).content.arguments, "amount": 2}
    edited = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=sent_back)
    assert edited.content.arguments == {**secrets(), "amount": 2}
    assert [edit.pointer for edit in edited.decisions[-1].edits] == ["/amount"]
    assert found(await everything(house, request)) == []


async def test_t23_what_edits_replaced_stays_hidden(house: House) -> None:
    """A comment or an error that repeats the value of any revision, the middle one included, shows none."""
    request = await house.submit("card.charge", arguments={"number": CANARIES[0], "amount": 1})
    one = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments={"number": CANARIES[1], "amount": 1})
    again = replace(one, content=replace(one.content, arguments={"number": CANARIES[2], "amount": 1}, proposed=None))
    both = replace(again, decisions=(replace(one.decisions[-1], comment=f"not {CANARIES[0]}, nor {CANARIES[1]}"),))
    assert MARK in str(shown(both).decisions)
    assert found(str(shown(both))) == []
    assert set(CANARIES[:3]) <= set(unsayable(both))


async def personal(house: House) -> Request:
    """An ended request of the subject, with a canary in every kind of field."""
    it = iter(CANARIES[1:])
    deep = {"a": [{"b": next(it)} for _ in range(20)], next(it): next(it)}
    arguments = {"customer": CANARIES[0], "note": next(it), "deep": deep, "rows": [next(it) for _ in range(10)]}
    request = await house.submit(
        "account.close",
        arguments=arguments,
        reason=next(it),
        context={next(it): {"x": next(it)}},
        labels={"about": next(it)},
        on_behalf_of=next(it),
    )
    await house.decide(request, verb=Verb.ASK, comment=next(it))
    request = await house.desk.inform(request.id, agent="billing", text=next(it), context={"more": next(it)})
    new = {**request.content.arguments, "note": next(it)}
    request = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=new, comment=next(it))
    await house.desk.report(
        request.id, agent="billing", state=ExecutionState.FAILED, result={"r": [next(it)]}, error=next(it)
    )
    return await house.now(request)


async def test_t23_what_is_erased_is_nowhere(house: House) -> None:
    """50 canaries in every kind of field: sealed in the trail, replayed while the key is there, gone afterwards."""
    request = await personal(house)
    before = await house.store.audit_lines(0, 100_000)
    assert found("\n".join(line.body for line in before)) == []
    assert len(found("\n".join(line.body for line in await house.store.told(request)))) > MANY // 2
    keys = await house.store.seals()
    assert replay(before, keys) == held(house.path)

    erased = await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)

    assert (erased.requests, erased.cancelled) == (1, 0)
    assert found(await everything(house, request)) == []
    lines = await house.store.audit_lines(0, 100_000)
    assert lines[: len(before)] == before
    assert (await verify_store(house.store)).ok
    assert replay(lines, await house.store.seals()) == held(house.path)
    await prove(house.store)
    now = await house.now(request)
    assert now.title == f"Erased on {house.clock.now():%Y-%m-%d}"
    assert (now.state, now.digest) == (request.state, request.digest)
    assert [d.by for d in now.decisions] == [d.by for d in request.decisions]
    with pytest.raises(NotFound):
        await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)


async def test_t23_no_byte_of_it_stays_in_the_file(tmp_path: Path) -> None:
    """Once the file is written anew and its log emptied, neither holds a canary."""
    path = tmp_path / "sayso.db"
    async with open_house(path) as house:
        house.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        await personal(house)
        assert found(path.read_bytes() + path.with_name("sayso.db-wal").read_bytes())
        await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)
    scrub(path, busy_timeout=5)
    assert [file.name for file in files_of(tmp_path) if found(file.read_bytes())] == []


async def test_t23_what_is_open_is_named_or_cancelled_first(house: House) -> None:
    """An open request stops an erasure, which names it and erases nothing; with ``cancel`` it ends and is erased."""
    request = await house.submit("account.close", arguments={"customer": CANARIES[0]})
    with pytest.raises(Conflict, match=request.id):
        await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)
    assert (await house.now(request)).content.arguments == {"customer": CANARIES[0]}
    erased = await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=True)
    assert erased.cancelled == 1
    now = await house.now(request)
    assert (now.state, now.content.arguments) == (State.CANCELLED, {})
    again = await house.submit("account.close", arguments={"customer": CANARIES[0]})
    assert (await house.now(again)).content.arguments == {"customer": CANARIES[0]}


async def test_t23_another_subject_keeps_what_it_said(house: House) -> None:
    """An erasure touches only the requests of its subject."""
    one = await house.submit("account.close", arguments={"customer": CANARIES[0]})
    other = await house.submit("account.close", arguments={"customer": CANARIES[1]}, reason="theirs")
    await house.decide(one, verb=Verb.REJECT)
    await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)
    assert (await house.now(other)).content.reason == "theirs"
    assert CANARIES[1] in "".join(line.body for line in await house.store.told(await house.now(other)))
