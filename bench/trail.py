"""The audit verified, beside a plain read of its rows: lines a second of each."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from bench.contenders import Setting
from bench.crowd import crowd
from bench.due import pinned
from bench.report import Table
from store import open_store
from store.chain import verify_store

_LINES, _QUICK = 200_000, 20_000
_VERIFIED = "audit lines verified by `sayso audit verify`'s own code"
_READ = "audit lines read by plain sqlite3, every column"


async def trail(table: Table, setting: Setting) -> None:
    """One round, on the server's core."""
    count = _QUICK if setting.quick else _LINES
    path = await crowd(count)
    with pinned(setting.core):
        began, read = time.perf_counter(), 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as driver:
            for _ in driver.execute("SELECT * FROM events ORDER BY seq"):
                read += 1
        table.add(_READ, read / (time.perf_counter() - began), unit="a second")
        store = await open_store(f"sqlite+aiosqlite:///{path}", exclusive=False)
        try:
            began = time.perf_counter()
            report = await verify_store(store)
            took = time.perf_counter() - began
        finally:
            await store.close()
    if not report.ok or report.lines != read:
        raise RuntimeError(report.text())
    table.add(_VERIFIED, read / took, unit="a second")
    table.ratio("audit verification, of a plain read", _VERIFIED, _READ, aim=">= 0.4", digits=2)
