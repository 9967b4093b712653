"""The rules in force: a good file replaces them, a bad one never does (threat T26, promise P16)."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import Unavailable
from bot.routing import load
from bot.rules import Rules
from store import SqlStore, open_store
from tests.desk.house import MovableClock

GOOD = """
version: 1
people: {ana: {email: ana@example.com}}
chains: {all: [{notify: [ana]}]}
rules:
  - {name: small, when: arguments.amount <= 5, then: approve}
default: {stages: [{chain: all}]}
"""


BAD: list[tuple[str, bytes | None]] = [
    ("not YAML", b"rules: ["),
    ("an unknown key", GOOD.encode() + b"rulez: []\n"),
    ("a condition that does not compile", GOOD.replace("<= 5", "<=").encode()),
    ("an unknown person", GOOD.replace("[ana]", "[mallory]").encode()),
    ("no default", GOOD.replace("default", "# default").encode()),
    ("cut in the middle", GOOD.encode()[: len(GOOD) // 2]),
    ("empty", b""),
    ("not UTF-8", b"\xff\xfe\x00"),
    ("an alias bomb", b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    ("nested without end", b"[" * 5000),
    ("larger than any rules", b"#" * 2_000_000),
    ("gone", None),
]


@dataclass
class Watch:
    """A file of rules, and who watches it."""

    path: Path
    rules: Rules
    store: SqlStore

    def write(self, content: bytes | None) -> None:
        """Put another content there, as an editor does: aside, then in its place."""
        if content is None:
            self.path.unlink()
            return
        aside = self.path.with_suffix(".new")
        aside.write_bytes(content)
        aside.replace(self.path)

    async def record(self) -> list[tuple[str, dict[str, Any]]]:
        """What was put on record: type and data."""
        lines = [json.loads(line.body) for line in await self.store.audit_lines(0, 1000)]
        return [(line["type"], line["data"]) for line in lines]


@pytest.fixture
async def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    """Good rules in force, of a file that is written at once."""
    monkeypatch.setattr("bot.rules._QUIET", 0)
    path = tmp_path / "routing.yaml"
    path.write_text(GOOD, encoding="utf-8")
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", exclusive=True)
    rules = Rules(path, load(path), store=store, clock=MovableClock())
    await rules.begin()
    yield Watch(path, rules, store)
    await store.close()


async def test_the_rules_in_force_are_on_record(watch: Watch) -> None:
    """By their hash, from the beginning; looking at a file that stayed the same says and does nothing."""
    held = watch.rules.current()
    await watch.rules.look()
    assert watch.rules.current() is held
    assert await watch.record() == [("config.loaded", {"policy": held.hash})]
    assert watch.rules.fault() is None


async def test_a_good_file_replaces_the_rules(watch: Watch) -> None:
    """The next submission is routed by it, and its hash is on record."""
    before = watch.rules.current()
    watch.write(GOOD.replace("<= 5", "<= 7").encode())
    await watch.rules.look()
    after = watch.rules.current()
    assert after.hash != before.hash
    assert (await watch.record())[-1] == ("config.loaded", {"policy": after.hash})


async def test_a_file_that_is_put_back_is_on_record(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever mends a file by taking the mistake back is told that it is in force, as is the trail."""
    caplog.set_level("INFO", logger="bot.rules")
    before = watch.rules.current().hash
    watch.write(b"rules: [")
    await watch.rules.look()
    watch.write(GOOD.encode())
    await watch.rules.look()
    assert watch.rules.fault() is None
    assert [kind for kind, _ in await watch.record()] == ["config.loaded", "config.refused", "config.loaded"]
    assert (await watch.record())[-1] == ("config.loaded", {"policy": before})
    assert caplog.messages[-1] == f"routing.yaml loaded: {before}"


@pytest.mark.parametrize(("case", "content"), BAD, ids=[b[0] for b in BAD])
async def test_t26_a_bad_file_keeps_the_last_good(
    watch: Watch, case: str, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused aloud, on record, and shown as a fault once; the good rules hold; mending it ends the fault."""
    del case
    held = watch.rules.current()
    watch.write(content)
    await watch.rules.look()
    await watch.rules.look()
    assert watch.rules.current() is held
    fault = watch.rules.fault()
    assert fault is not None
    assert fault.startswith("routing.yaml was changed and is not in force: ")
    assert caplog.text.count("is not in force") == 1
    kind, data = (await watch.record())[-1]
    assert (kind, data["policy"], bool(data["reason"])) == ("config.refused", held.hash, True)
    watch.write(GOOD.encode())
    await watch.rules.look()
    assert watch.rules.fault() is None
    assert watch.rules.current().hash == held.hash
    assert (await watch.record())[2:] == [("config.loaded", {"policy": held.hash})]
    assert (watch.rules.loads, watch.rules.refusals) == (2, 1)


async def test_t26_whatever_a_file_does_to_the_reader(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a fault of our own reader leaves the good rules in force, and is said."""

    def broken(_: Path) -> None:
        raise RecursionError

    monkeypatch.setattr("bot.rules.load", broken)
    held = watch.rules.current()
    watch.write(GOOD.encode() + b"# more\n")
    await watch.rules.look()
    assert watch.rules.current() is held
    assert "RecursionError" in (watch.rules.fault() or "")


@pytest.mark.parametrize("content", [GOOD.replace("<= 5", "<= 7").encode(), b"rules: ["])
async def test_p10_nothing_changes_that_cannot_be_put_on_record(
    watch: Watch, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is down the old rules hold; once it can write, the next look does what it had to."""
    held = watch.rules.current()
    write = watch.store.write

    async def down(_: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(watch.store, "write", down)
    watch.write(content)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await watch.rules.look()
        assert watch.rules.current() is held
    monkeypatch.setattr(watch.store, "write", write)
    await watch.rules.look()
    loaded = watch.rules.current() is not held
    assert loaded == (content != b"rules: [")
    assert len(await watch.record()) == 2


async def test_a_file_changed_while_it_is_read_is_read_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in between the look and the reading is not missed, whatever was read."""
    watch.write(GOOD.replace("<= 5", "<= 6").encode())
    stamp = watch.path.stat()

    def read_and_changed(path: Path) -> Any:
        read = load(path)
        watch.write(GOOD.replace("<= 5", "<= 8").encode())
        return read

    monkeypatch.setattr("bot.rules.load", read_and_changed)
    await watch.rules.look()
    monkeypatch.undo()
    assert watch.path.stat().st_mtime_ns >= stamp.st_mtime_ns
    await watch.rules.look()
    assert watch.rules.current().hash == load(watch.path).hash


async def test_touched_is_not_changed(watch: Watch) -> None:
    """The same content with a new time is the same rules, and no line on record."""
    os.utime(watch.path, ns=(1, 1))
    await watch.rules.look()
    assert len(await watch.record()) == 1
    assert watch.rules.current().rules[0].name == "small"


async def test_a_change_that_keeps_time_and_size_is_seen(watch: Watch) -> None:
    """As `cp -p` leaves it, or as a file is that may be read at last: what it holds is in force without a word."""
    stat = watch.path.stat()
    watch.path.write_bytes(GOOD.replace("<= 5", "<= 9").encode())
    os.utime(watch.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    await watch.rules.look()
    assert watch.rules.current().hash == load(watch.path).hash


async def test_t26_half_of_a_file_is_never_in_force(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half may be whole rules, without what the other half bounds: it is read once nobody is at writing it."""
    watch.write(b"version: 1\ndefault: {then: block}\n")
    rest = ["rules: [{name: none, then: block}]\n"]

    def written_meanwhile(_: float) -> None:
        with watch.path.open("a") as writing:
            writing.writelines(rest[:1])
        rest.clear()

    monkeypatch.setattr("bot.rules.sleep", written_meanwhile)
    await watch.rules.look()
    assert watch.rules.current().rules[0].name == "none"


async def test_a_file_changed_before_anybody_looked_is_read(watch: Watch) -> None:
    """Between the reading at the start and the first look there is time enough for whoever brings out a new file."""
    held = watch.rules.current()
    watch.write(GOOD.replace("<= 5", "<= 7").encode())
    late = Rules(watch.path, held, store=watch.store, clock=MovableClock())
    await late.look()
    assert late.current().hash == load(watch.path).hash != held.hash


async def test_who_says_so_has_it_read_again_and_while_it_is_read_once_more(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it seems unchanged; and they mean what it holds by then, which the reading under way may have missed."""

    def read_and_told(path: Path) -> Any:
        read = load(path)
        watch.rules.reload()
        return read

    monkeypatch.setattr("bot.rules.load", read_and_told)
    watch.rules.reload()
    await watch.rules.look()
    monkeypatch.undo()
    await watch.rules.look()
    await watch.rules.look()
    assert watch.rules.loads == 3


async def test_t26_a_file_that_hangs_keeps_nobody_waiting(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last good rules hold, it is said, and a good file in its place is read though the first never comes back."""
    monkeypatch.setattr("bot.rules._WITHIN", 0.05)
    held = watch.rules.current()
    watch.path.unlink()
    os.mkfifo(watch.path)
    for _ in range(2):
        async with asyncio.timeout(20):
            await watch.rules.look()
        assert watch.rules.current() is held
    assert "was not read within" in (watch.rules.fault() or "")
    monkeypatch.setattr("bot.rules._WITHIN", 30)
    hanging = watch.path.rename(watch.path.with_name("hanging"))
    watch.write(GOOD.replace("<= 5", "<= 7").encode())
    await watch.rules.look()
    assert (watch.rules.fault(), watch.rules.current().hash) == (None, load(watch.path).hash)
    hanging.write_bytes(b"")  # whoever still reads is let go


async def test_t26_a_reload_killed_midway_changes_nothing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last good rules hold, nothing is on record, and the next look reads the file."""
    held, started = watch.rules.current(), threading.Event()
    released = threading.Event()

    def slow(path: Path) -> Any:
        started.set()
        released.wait(10)
        return load(path)

    monkeypatch.setattr("bot.rules.load", slow)
    watch.write(GOOD.replace("<= 5", "<= 7").encode())
    looking = asyncio.create_task(watch.rules.look())
    while not started.is_set():
        await asyncio.sleep(0.001)
    looking.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert (watch.rules.current(), watch.rules.fault(), len(await watch.record())) == (held, None, 1)
    monkeypatch.undo()
    await watch.rules.look()
    assert watch.rules.current().hash != held.hash
