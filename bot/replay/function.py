"""Runs one Python function in a process of its own, so that it can neither block the bot nor take it down.

`bot/replay/worker.py` is started for each execution. Its standard input takes the order, its standard output gives
lines of JSON back (first that the function is being called, then how it ended), its standard error is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.core.ports import Outcome, OutcomeKind
from bot.replay.pipe import NotStarted, Pipe, open_pipe
from bot.replay.result import MOST_READ, result_of

log = logging.getLogger("sayso.replay")

WORKER = Path(__file__).with_name("worker.py")
MOST_AT_ONCE = 8
"""Functions that run at the same time; further ones wait, and their time starts when their process does."""

MOST_LOGGED = 64 * 1024
_SECRET = (
    *("SAYSO_SECRET", "SAYSO_WEBHOOK_SECRET", "SAYSO_DATABASE_URL", "SAYSO_KEY"),
    *("SLACK_", "SMTP_", "IMAP_", "NTFY_TOKEN", "VAPID_", "APPRISE_"),
)
"""How the names of variables begin that no function of somebody else's is to see."""


def environment() -> dict[str, str]:
    """The bot's environment without the bot's own secrets (nor the ``_FILE`` that names where they are)."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRET)}


class FunctionRunner:
    """Starts a worker for each execution, a few at a time."""

    def __init__(self, *, most: int = MOST_AT_ONCE) -> None:
        """``most`` workers at the same time."""
        self._slots = asyncio.Semaphore(most)

    async def run(self, function: str, *, arguments: dict[str, Any], execution: str, within: timedelta) -> Outcome:
        """Call ``module:name`` with these arguments; the outcome is that of the contract."""
        order = json.dumps({"function": function, "arguments": arguments, "execution": execution}).encode()
        async with self._slots:
            return await _run(function, order, execution, within)


async def _run(function: str, order: bytes, execution: str, within: timedelta) -> Outcome:
    late = False
    try:
        async with _worker() as (process, answer, printed):
            try:
                async with asyncio.timeout(within.total_seconds()):
                    await _hand_over(process, order)
                    await process.wait()
            except TimeoutError:
                late = True
                await _end(process)
            await answer.settle()
            await printed.settle()
            code = process.returncode
    except NotStarted as fault:
        return Outcome(kind=OutcomeKind.NOT_STARTED, error=f"not_started: {fault}")
    if printed.taken:
        text = printed.taken.decode(errors="replace")
        log.info("%s of %s wrote: %s", function, execution, text, extra={"execution": execution})
    try:
        return _outcome(answer.lines(), function, within, late=late, code=code)
    except (ValueError, TypeError, AttributeError):
        said = f"garbled_answer: {function} wrote into the worker's own answers; it may have happened"
        return Outcome(kind=OutcomeKind.UNKNOWN, error=said)


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[tuple[asyncio.subprocess.Process, Pipe, Pipe]]:
    """A started worker with its answers and what it prints; it does not outlive this, whatever happens here."""
    async with open_pipe(most=2 * MOST_READ) as (answer, to_answer), open_pipe(most=MOST_LOGGED) as (printed, to_print):
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(WORKER),
                stdin=asyncio.subprocess.PIPE,
                stdout=to_answer,
                stderr=to_print,
                env=environment(),
                start_new_session=True,
            )
        except OSError as fault:
            raise NotStarted(f"no process could be started ({fault})") from fault
        to_answer.close()
        to_print.close()
        try:
            yield process, answer, printed
        finally:
            await _end(process)


async def _hand_over(process: asyncio.subprocess.Process, order: bytes) -> None:
    stdin = process.stdin
    if stdin is None:
        raise RuntimeError("the worker was started without a standard input")
    with contextlib.suppress(ConnectionError):  # a worker that died early is seen in its answer
        stdin.write(order)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the worker and every process of its group; one that has already left is not touched."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _outcome(lines: list[dict[str, Any]], function: str, within: timedelta, *, late: bool, code: int | None) -> Outcome:
    last = lines[-1] if lines else {}
    if "error" in last:
        return Outcome(kind=OutcomeKind.FAILED, error=last["error"])
    if "result" in last:
        return result_of(last["result"].encode(), where=f"{function} returned")
    if "note" in last:
        return Outcome(kind=OutcomeKind.EXECUTED, result=last["text"], error=last["note"])
    how = (
        f"did not end within {within.total_seconds():g} s and was ended"
        if late
        else f"ended its process ({_left(code)})"
    )
    if not lines:
        sentence = f"not_started: {function} was not called: its module {how} while it was loaded"
        return Outcome(kind=OutcomeKind.NOT_STARTED, error=sentence)
    name = "timed_out" if late else "process_lost"
    return Outcome(kind=OutcomeKind.UNKNOWN, error=f"{name}: {function} {how} without an answer; it may have happened")


def _left(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
