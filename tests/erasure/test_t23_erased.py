"""T23: erasure on every kind of store, through HTTP, after a backup, and of what a failure quoted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from bot.clock import SystemClock, entropy
from bot.core.errors import SendFailed
from bot.core.model import Event, Submission, Verb
from bot.core.ports import Change, Effect, EffectKind, Handled, KeyItem, Letter, Receipt, ReplyKey
from bot.desk import Ledger
from bot.desk.beside import Beside
from bot.desk.erasing import erase
from store import SqlStore, open_store
from store.audit import replay
from store.chain import verify_store
from store.contents import tables
from store.copying import PostgresRows
from store.origins import postgres
from store.scrubbing import scrub_beside
from store.vacuuming import TOUCHED, vacuum
from tests.desk.filed import DEFAULT, enforce
from tests.desk.house import House, open_house
from tests.desk.remedied import CHAINS
from tests.erasure.hidden import CUSTOMER, HIDDEN, SUBJECTS, found
from tests.erasure.test_t23_canaries import ACTIONS, CANARIES, personal
from tests.erasure.test_t23_canaries import found as canaries_in
from tests.erasure.test_t23_measured import GLASS, LIMITED, WHYS, earned, follow, told_of
from tests.postgres import Cluster
from tests.store.test_p13_replay import held
from tests.store.test_p15_backup import back_up, restore
from tests.store.test_p15_moving import moved
from tests.torture.reconcile import told_apart
from tests.torture.tables import held as tables_held


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """A store, as the process that runs it has it."""
    store = await open_store(url, exclusive=True)
    yield store
    await store.close()


def read(file: Path) -> bytes:
    """What is in a file, where there is one."""
    return file.read_bytes() if file.exists() else b""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose rules know a subject."""
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        yield opened


async def rows_with(url: str) -> list[str]:
    """The tables of a PostgreSQL store that still say a canary."""
    async with postgres(make_url(url)) as driver, driver.transaction():
        source = PostgresRows(driver)
        said = {table.name: str([page async for page in source.pages(table)]) for table in tables()}
    return [name for name, text in said.items() if found(text, SUBJECTS + HIDDEN)]


_FILES = """
    SELECT pg_read_binary_file(pg_relation_filepath(t.oid)) || coalesce(pg_read_binary_file(
        pg_relation_filepath(nullif(t.reltoastrelid, 0))), '') FROM pg_class t WHERE t.relname = '{}'
"""


async def bytes_with(cluster: Cluster, name: str) -> list[str]:
    """The touched tables of a database whose own files hold a canary, with what is stored out of line."""
    await cluster.run("CHECKPOINT")
    read = [(table.name, await cluster.value(_FILES.format(table.name), name)) for table in TOUCHED]
    return [table for table, held_bytes in read if found(bytes(held_bytes or b""), SUBJECTS + HIDDEN)]  # type: ignore[call-overload]


async def test_t23_on_postgresql_it_is_nowhere(tmp_path: Path, cluster: Cluster) -> None:
    """All that comes of requests, moved to PostgreSQL and erased: no row says it and, vacuumed, no file of a table."""
    async with open_house(tmp_path / "sayso.db") as house:
        enforce(house, WHYS, CHAINS, LIMITED, DEFAULT, GLASS)
        requests = await told_of(house)
        await earned(house)
        await follow(house)
    name = await cluster.make()
    url = cluster.url(name)
    await moved(f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", url)
    assert {"requests", "executions", "facts", "tallies", "grants", "accounts"} <= set(await rows_with(url))
    async with opened(url) as store:
        assert found("".join(line.body for line in await store.told(requests[0])), SUBJECTS)
        ledger = Ledger(store, SystemClock(), entropy)
        erased = await erase(ledger, CUSTOMER, by="cli:test", via="cli", cancel=True)
        assert erased.requests == len(requests)
        lines = await store.audit_lines(0, 100_000)
        assert told_apart(replay(lines, await store.seals()), await tables_held(url)) == []
        assert (await verify_store(store)).ok
        await store.write(lambda tx: tx.join("rep_1", "one", "sha256:0", timedelta(minutes=1)))
        assert not await vacuum(url), "beside a bot no table is locked for as long as it takes to write it anew"
        await store.write(lambda tx: tx.leave("rep_1"))
    assert await rows_with(url) == []
    assert await vacuum(url)
    assert await bytes_with(cluster, name) == []
    await cluster.drop(name)


async def test_t23_erased_stays_erased_in_a_later_backup(tmp_path: Path) -> None:
    """A backup from before brings the key back, as is said; one from after holds nothing, and its trail verifies."""
    path = tmp_path / "sayso.db"
    early, late = tmp_path / "early.db", tmp_path / "late.db"
    async with open_house(path) as house:
        house.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        request = await personal(house)
        await back_up(f"sqlite+aiosqlite:///{path}", early)
        await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=False)
        await back_up(f"sqlite+aiosqlite:///{path}", late)
    for copy, there in ((early, True), (late, False)):
        assert bool(canaries_in(copy.read_bytes())) is there
        restored = tmp_path / f"restored-{copy.name}"
        await restore(copy, f"sqlite+aiosqlite:///{restored}")
        async with opened(f"sqlite+aiosqlite:///{restored}") as store:
            assert (await verify_store(store)).ok
            assert bool(await store.seals()) is there
            assert bool(canaries_in("".join(line.body for line in await store.told(request)))) is there
            assert replay(await store.audit_lines(0, 100_000), await store.seals()) == held(restored)


async def test_t23_what_a_failure_quoted_is_erased(house: House) -> None:
    """A channel that raises with an argument in its words, and a receiver that quotes one in refusing the card."""
    quoted = SendFailed(f"550 5.7.1 refused for {CANARIES[1]}", temporary=False)
    house.channels["slack"].faults = [quoted, ValueError(CANARIES[2])]
    request = await house.submit("account.close", arguments={"customer": CANARIES[0], "note": CANARIES[1]})
    await house.work()
    await house.rest()
    sent = await house.store.deliveries(request.id)
    assert any(CANARIES[1] in (one.error or "") for one in sent)
    lines = "".join(line.body for line in await house.store.audit_lines(0, 10_000))
    assert canaries_in(lines) == []
    assert replay(await house.store.audit_lines(0, 10_000), await house.store.seals()) == held(house.path)
    await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=True)
    await house.rest()
    assert canaries_in(str(await house.store.deliveries(request.id))) == []
    assert canaries_in(str(await house.store.write(lambda tx: tx.effects()))) == []
    # A card that was under way meanwhile is put on record as it was before.
    late = Change(
        event=Event(type="delivery.failed", at=house.clock.now(), actor="sayso", via="slack"), deliveries=sent
    )
    await house.store.write(lambda tx: tx.record(late))
    assert canaries_in(str(await house.store.deliveries(request.id))) == []
    assert replay(await house.store.audit_lines(0, 10_000), await house.store.seals()) == held(house.path)


async def test_t23_a_running_bot_redraws_what_a_command_beside_it_erased(house: House) -> None:
    """The cards of an erasure by another process are drawn anew at the bot's next look, and the log is emptied."""
    request = await house.submit("account.close", arguments={"customer": CANARIES[0]})
    courier = await house.work()
    await house.rest()
    await house.decide(request, verb=Verb.REJECT)
    await house.rest()
    taken: list[Effect] = []

    def take(effects: Sequence[Effect]) -> None:
        taken.extend(effects)
        courier.take(effects)

    beside = Beside(house.ledger, take, every=0)
    await beside.look()
    taken.clear()
    await house.desk.submit(Submission(action="deploy.start"), agent="billing")
    await beside.look()
    assert taken == [], "what this process wrote itself is not looked for"
    before = len(house.channels["slack"].sent("update"))
    other = await open_store(f"sqlite+aiosqlite:///{house.path}", exclusive=False)
    await erase(Ledger(other, house.clock, entropy), CANARIES[0], by="cli:test", via="cli", cancel=False)
    await other.close()
    await beside.look()
    await house.rest()
    assert len(house.channels["slack"].sent("update")) > before
    assert [e for e in await house.store.write(lambda tx: tx.effects()) if e.kind is EffectKind.REFRESH] == []
    assert await scrub_beside(house.store, house.path, busy_timeout=5)
    files = [house.path, house.path.with_name("sayso.db-wal")]
    assert [file.name for file in files if canaries_in(read(file))] == []


async def test_t23_an_answer_to_a_digest_is_not_sent_once_one_of_its_requests_is_erased(house: House) -> None:
    """It waits for a mail server that is down, in the table as in memory, and is about another request by its row."""
    other = await house.submit("deploy.start")
    mine = await house.submit("account.close", arguments={"customer": CANARIES[0]})
    items = tuple(
        KeyItem(request=one.id, revision=1, digest=one.digest, delivery="dlv_1", fully_shown=True, number=number)
        for number, one in enumerate((other, mine), 1)
    )
    now = house.clock.now()
    mark: dict[str, Any] = {"hash": "hash", "letter": "letter_1", "channel": "email", "person": "ana", "at": now}
    await house.desk.keep_key(ReplyKey(**mark, items=items, expires_at=now + timedelta(days=30)))
    await house.work()
    await house.rest()
    mail = house.channels["email"]
    mail.faults = [SendFailed("451 4.3.0", temporary=True, retry_after=30)]
    answer = Letter(person="ana", subject="Re: 2", lines=(f"2. {CANARIES[0]}",), link="https://x", thread="letter_1")
    about = Handled(request=other.id, actor="person:ana", via="email", refused=False)
    await house.desk.file(Receipt(key="key_1", thread="letter_1", verdict="reject", at=now), answer, about)
    await house.rest()
    assert canaries_in(str(house.sql("select note from effects where kind = 'letter'"))) == [CANARIES[0]]
    await erase(house.ledger, CANARIES[0], by="cli:test", via="cli", cancel=True)
    assert house.sql("select note from effects where kind = 'letter'") == []
    await house.later(seconds=30)
    assert mail.letters == []
