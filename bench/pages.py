"""``python -m bench.pages``: the queue with 10,000 open requests, and 500 open pages that are told of changes.

The bot runs alone on one core, the readers on another. A page is measured from sending the request to the last byte.
An open page is one connection to ``/inbox/live``. What they cost is the bot's resident memory with all of them less
that without; whether they poll shows in the bot's processor time while nothing happens.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import msgspec

from bench.house import House, Process
from bench.load import PROPOSAL
from bench.report import Table, percentile, print_measured
from bench.wire import connect, post

_OPEN = 10_000
_VIEWERS = 500
_EACH = 20
"""Open pages of one person; the bot lets nobody have more than 24."""
_AT_A_TIME = 32
_LOOKS = 40
_IDLE = 10.0
_WITHIN = 30.0
_PAGES = (
    ("/inbox", "the queue, mine", "< 300"),
    ("/inbox?scope=all", "the queue, all", "< 300"),
    ("/inbox?scope=all&q=order+9999", "the queue, searched", "< 300"),
    ("/inbox/alike", "the queue, alike together", "< 300"),
)


async def _submit(house: House, count: int) -> None:
    left = iter(range(count))

    async def several() -> None:
        line = await connect("127.0.0.1", house.port)
        for number in left:
            arguments = PROPOSAL["arguments"] | {"order": f"order {number}"}  # type: ignore[operator]  # it is one
            body = msgspec.json.encode(PROPOSAL | {"arguments": arguments})
            status, said = await line.call(post("/v1/requests", house.agent, body))
            if status != 201:  # noqa: PLR2004  # created
                raise SystemExit(f"a request was not taken: {status} {said[:200]!r}")
        line.close()

    await asyncio.gather(*(several() for _ in range(_AT_A_TIME)))


async def _visitor(house: House, person: str) -> aiohttp.ClientSession:
    """A browser in which somebody is signed in."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "link", person, "--json"),
        cwd=house.folder,
        env=house.env,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    url = str(msgspec.json.decode(printed)["url"])
    jar = aiohttp.CookieJar(unsafe=True)
    browser = aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0))
    origin = {"Origin": f"http://127.0.0.1:{house.port}", "Sec-Fetch-Site": "same-origin"}
    async with browser.post(url, headers=origin, allow_redirects=False) as answer:
        if answer.status != 303:  # noqa: PLR2004  # see other
            raise SystemExit(f"{person} was not signed in: {answer.status}")
    return browser


async def _looked(table: Table, process: Process, browser: aiohttp.ClientSession, base: str) -> None:
    for path, name, aim in _PAGES:
        took: list[float] = []
        size, before = 0, process.cpu()
        for _ in range(_LOOKS):
            began = time.perf_counter()
            async with browser.get(base + path) as answer:
                size = len(await answer.read())
                if answer.status != 200:  # noqa: PLR2004  # fine
                    raise SystemExit(f"{path}: {answer.status}")
            took.append(time.perf_counter() - began)
        table.add(f"{name}: p50", percentile(took, 0.5) * 1000, unit="ms", digits=1, aim=aim)
        table.add(f"{name}: p95", percentile(took, 0.95) * 1000, unit="ms", digits=1)
        table.add(f"  the bot's CPU, {name}", (process.cpu() - before) / _LOOKS * 1000, unit="ms", digits=1)
        table.add(f"  its size, {name}", size / 1000, unit="kB")


class _Viewers:
    """Everybody with an open page."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._tasks: list[asyncio.Task[None]] = []
        self.open = 0
        self.heard: list[float] = []

    def begin(self, browser: aiohttp.ClientSession) -> None:
        """Open one page more."""
        self._tasks.append(asyncio.create_task(self._watch(browser)))

    async def _watch(self, browser: aiohttp.ClientSession) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with browser.get(f"{self._base}/inbox/live", timeout=timeout) as answer:
            if answer.status != 200:  # noqa: PLR2004  # fine
                raise SystemExit(f"/inbox/live: {answer.status}")
            self.open += 1
            async for line in answer.content:
                if line.startswith(b"data:"):
                    self.heard.append(time.perf_counter())

    async def until(self, count: int) -> None:
        """Wait until so many are open."""
        async with asyncio.timeout(_WITHIN):
            while self.open < count:  # noqa: ASYNC110  # the tasks count
                await asyncio.sleep(0.05)

    async def told(self, count: int) -> None:
        """Wait until so many have heard of a change."""
        async with asyncio.timeout(_WITHIN):
            while len(self.heard) < count:  # noqa: ASYNC110  # the tasks count
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        """Close them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _viewed(
    table: Table, house: House, process: Process, browsers: list[aiohttp.ClientSession], count: int
) -> None:
    viewers = _Viewers(f"http://127.0.0.1:{house.port}")
    alone = process.memory()
    for number in range(count):
        viewers.begin(browsers[number % len(browsers)])
    await viewers.until(count)
    await asyncio.sleep(1)
    table.add(f"memory for {count} open pages", process.memory() - alone, unit="MB", digits=1, aim="< 150")
    before = process.cpu()
    await asyncio.sleep(_IDLE)
    idle = (process.cpu() - before) / _IDLE * 1000
    table.add(f"the bot's CPU with {count} open pages, nothing happening", idle, unit="ms/s", digits=1)
    line = await connect("127.0.0.1", house.port)
    viewers.heard.clear()
    began = time.perf_counter()
    request, revision, digest = _first(house.database)
    body = msgspec.json.encode({"decision": "reject", "revision": revision, "digest": digest, "comment": "measured"})
    status, said = await line.call(post(f"/v1/requests/{request}/decisions", house.reviewer, body))
    if status != 200:  # noqa: PLR2004  # fine
        raise SystemExit(f"the decision was not taken: {status} {said[:200]!r}")
    await viewers.told(count)
    told = [at - began for at in viewers.heard[:count]]
    table.add("decision to the half of the open pages", percentile(told, 0.5) * 1000, unit="ms", digits=1)
    table.add("decision to the last of the open pages", max(told) * 1000, unit="ms", digits=1, aim="< 2,000")
    line.close()
    await viewers.end()


def _first(database: Path) -> tuple[str, int, str]:
    """The first open request: its id, revision and digest."""
    said = (
        "SELECT r.id, v.number, v.digest FROM requests r JOIN revisions v ON v.request = r.id AND v.number = r.revision"
    )
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as driver:
        found = driver.execute(f"{said} WHERE r.open = 1 ORDER BY r.id LIMIT 1").fetchone()
    return str(found[0]), int(found[1]), str(found[2])


async def _round(table: Table, folder: Path, *, requests: int, viewers: int, core: int | None) -> None:
    house = House(folder / "house", 9, core=core)
    people = [f"v{number}" for number in range(max(viewers // _EACH, 1))]
    path = house.folder / "routing.yaml"
    rules = path.read_text(encoding="utf-8").replace("people:\n", f"people:\n  {'  '.join(_known(people))}", 1)
    path.write_text(re.sub("    execute: .*\n", "", rules), encoding="utf-8")
    await house.make_keys()
    async with await house.up() as process:
        await process.first(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200)
        ana = await _visitor(house, "ana")
        browsers = [await _visitor(house, person) for person in people]
        await _submit(house, requests)
        await _looked(table, process, ana, f"http://127.0.0.1:{house.port}")
        await _viewed(table, house, process, browsers, viewers)
        for browser in (ana, *browsers):
            await browser.close()


def _known(people: list[str]) -> list[str]:
    return [f"{person}: {{name: {person}}}\n" for person in people]


async def measure(folder: Path, *, rounds: int, requests: int, viewers: int, core: int | None) -> Table:
    """All rounds."""
    table = Table()
    for number in range(rounds):
        await _round(table, folder / str(number), requests=requests, viewers=viewers, core=core)
    return table


def main() -> None:
    """Read the arguments, pin the readers, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is done")
    parser.add_argument("--requests", type=int, default=_OPEN, help="open requests")
    parser.add_argument("--viewers", type=int, default=_VIEWERS, help="open pages")
    args = parser.parse_args()
    given = {"rounds": args.rounds, "requests": args.requests, "viewers": args.viewers}
    print_measured(lambda folder, core: measure(folder, core=core, **given))


if __name__ == "__main__":
    main()
