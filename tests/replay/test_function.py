"""Python functions: run in a process of their own, called at most once, and never able to harm the bot."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.policy import Execute
from bot.core.ports import Outcome, OutcomeKind
from bot.replay import TargetReplayer
from bot.replay.function import MOST_LOGGED, FunctionRunner
from tests.replay.orders import order_for

EXECUTED, FAILED, UNKNOWN = OutcomeKind.EXECUTED, OutcomeKind.FAILED, OutcomeKind.UNKNOWN
TARGETS = "tests.replay.targets"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


async def _run(
    replayer: TargetReplayer, name: str, arguments: dict[str, Any] | None = None, *, within: float = 10.0
) -> Outcome:
    how = Execute(python=name if ":" in name else f"{TARGETS}:{name}", timeout=timedelta(seconds=within))
    return await replayer.run(order_for(how, arguments=arguments or {}))


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("refund", {"order": "7", "amount": 2.5}, {"refunded": 2.5, "order": "7", "currency": "USD"}),
        ("refund_later", {"order": "7", "amount": 2}, {"refunded": 2, "order": "7"}),
        ("keyed", {"order": "7"}, ["7", "exe_1"]),
        ("anything", {"a-b": 1, "ü": None}, {"a-b": 1, "ü": None}),
        ("listen", {}, ""),
    ],
)
async def test_a_function_runs_with_the_arguments_and_its_result_is_kept(
    name: str, arguments: dict[str, Any], result: Any, replayer: TargetReplayer
) -> None:
    """Plain and async functions, the execution's id where it is asked for, and nothing that was not approved."""
    outcome = await _run(replayer, name, arguments)
    assert outcome == Outcome(kind=EXECUTED, result=result)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("no.such.module:refund", {}, "ModuleNotFoundError"),
        ("missing", {}, "has no attribute 'missing'"),
        ("answer", {}, "is not a function"),
        ("refund", {"order": "7"}, "missing a required argument: 'amount'"),
        ("refund", {"order": "7", "amount": 1, "extra": 1}, "unexpected keyword argument 'extra'"),
        ("keyed", {"order": "7", "execution_id": "exe_forged"}, "keeps for the execution's id"),
        ("tests.replay.broken_target:refund", {}, "the billing library is not configured"),
    ],
)
async def test_a_function_that_cannot_be_called_fails_without_effect(
    name: str, arguments: dict[str, Any], said: str, replayer: TargetReplayer
) -> None:
    """A missing module or function, or arguments that it does not take: it was not called, and that is said."""
    outcome = await _run(replayer, name, arguments)
    assert outcome.kind is FAILED
    assert (outcome.error or "").startswith("not_loaded")
    assert said in (outcome.error or "")


async def test_a_module_that_never_loads_was_not_started(replayer: TargetReplayer) -> None:
    """Out of time before the call: nothing happened, so it may be tried again."""
    outcome = await _run(replayer, "tests.replay.hanging_target:refund", within=0.5)
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert "was not called" in (outcome.error or "")


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("raise", FAILED, "raised ValueError: the order is already refunded"),
        ("exit", FAILED, "raised SystemExit: 3"),
        ("recurse", FAILED, "raised RecursionError"),
        ("hard exit", UNKNOWN, "exit code 0"),
        ("kill", UNKNOWN, "signal 9"),
        ("segfault", UNKNOWN, "signal 11"),
        ("hang", UNKNOWN, "timed_out"),
        ("hang, deaf to SIGTERM", UNKNOWN, "timed_out"),
        ("spin", UNKNOWN, "timed_out"),
        ("thread", EXECUTED, ""),
        ("child", EXECUTED, ""),
    ],
)
async def test_p05_p06_a_function_that_ends_badly_has_one_effect_and_a_truthful_outcome(
    how: str, kind: OutcomeKind, said: str, replayer: TargetReplayer, tmp_path: Path
) -> None:
    """Whatever a function does after its effect: it was called once, and nobody guesses how it ended."""
    effect = tmp_path / "effect"
    began = time.monotonic()
    outcome = await _run(replayer, "count_and", {"path": str(effect), "how": how}, within=1.5)
    assert outcome.kind is kind, outcome
    assert said in (outcome.error or "")
    assert effect.read_text(encoding="ascii") == "x"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("what", "result", "said"),
    [
        ("object", "<class 'object'>", "type that is not JSON"),
        ("bytes", "b'raw'", "bytes that is not JSON"),
        ("rude", "<Rude whose repr raised RuntimeError>", "not JSON"),
        ("nan", "nan", "not JSON"),
        ("loop", "[[...]]", "not JSON"),
        ("big", None, "2,097,154 characters"),
        ("unsafe", None, "2^53-1"),
    ],
)
async def test_a_result_that_is_not_json_is_described(
    what: str, result: Any, said: str, replayer: TargetReplayer
) -> None:
    """It ran, so it is executed; what came back is described, and why it was not kept is said."""
    outcome = await _run(replayer, "odd_result", {"what": what})
    assert outcome.kind is EXECUTED
    assert outcome.result == result
    assert said in (outcome.error or "")


async def test_what_a_function_prints_is_logged_and_never_taken_for_its_answer(
    replayer: TargetReplayer, caplog: pytest.LogCaptureFixture
) -> None:
    """Both streams go to the log, bounded; a forged answer on standard output is only text."""
    with caplog.at_level(logging.INFO, logger="sayso.replay"):
        outcome = await _run(replayer, "shout")
    (record,) = caplog.records
    assert outcome == Outcome(kind=EXECUTED, result="said")
    assert "forged" in record.getMessage()
    assert len(record.getMessage()) < MOST_LOGGED + 200


async def test_p06_a_function_that_garbles_the_workers_answers_is_unknown(replayer: TargetReplayer) -> None:
    """Whatever stands in the answers that is not one: nobody guesses."""
    outcome = await _run(replayer, "meddle")
    assert outcome.kind is UNKNOWN
    assert (outcome.error or "").startswith("garbled_answer")


@pytest.mark.parametrize("room", [0, 5])
async def test_p06_without_room_for_a_process_nothing_started(replayer: TargetReplayer, room: int) -> None:
    """Out of file descriptors, be it for the pipes or for the process: not started, and it works again with some."""
    arguments = {"order": "7", "amount": 1}
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + room, limits[1]))
    try:
        starved = await _run(replayer, "refund", arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    fed = await _run(replayer, "refund", arguments)
    assert (starved.kind, fed.kind) == (OutcomeKind.NOT_STARTED, EXECUTED)


async def test_t23_a_function_does_not_see_the_bots_secrets(
    replayer: TargetReplayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot's own credentials are not in the worker's environment; the rest is."""
    hidden = (
        "SAYSO_SECRET",
        "SAYSO_WEBHOOK_SECRET_FILE",
        "SLACK_BOT_TOKEN",
        "SMTP_URL",
        "IMAP_URL",
        "NTFY_TOKEN",
        "SAYSO_KEY",
    )
    for name in (*hidden, "BILLING_TOKEN"):
        monkeypatch.setenv(name, "canary")
    outcome = await _run(replayer, "variables")
    assert [name for name, value in outcome.result.items() if value == "canary"] == ["BILLING_TOKEN"]


async def test_a_spinning_function_does_not_block_the_bot(replayer: TargetReplayer, tmp_path: Path) -> None:
    """While a function burns its processor, the bot's loop keeps turning."""
    arguments = {"path": str(tmp_path / "effect"), "how": "spin"}
    running = asyncio.create_task(_run(replayer, "count_and", arguments, within=1.0))
    longest, last = 0.0, time.monotonic()
    while not running.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert (await running).kind is UNKNOWN
    assert longest < 0.5


async def test_p14_a_cancelled_function_is_ended(replayer: TargetReplayer, tmp_path: Path) -> None:
    """Shutting down ends the worker with the attempt: it cannot go on acting behind the bot's back."""
    held = tmp_path / "held"
    running = asyncio.create_task(_run(replayer, "hold", {"path": str(held)}, within=30))
    while not held.exists():  # another process makes it
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(int(held.read_text(encoding="ascii")), 0)


async def test_only_so_many_functions_run_at_once(tmp_path: Path) -> None:
    """Further ones wait for a place, and all of them run once."""
    runner = FunctionRunner(most=2)
    effect = tmp_path / "effect"
    outcomes = await asyncio.gather(
        *(
            runner.run(
                f"{TARGETS}:count", arguments={"path": str(effect)}, execution=f"exe_{n}", within=timedelta(seconds=20)
            )
            for n in range(6)
        )
    )
    assert {outcome.kind for outcome in outcomes} == {EXECUTED}
    assert effect.read_text(encoding="ascii") == "x" * 6


async def test_t05_a_function_is_not_called_with_what_was_not_approved(
    replayer: TargetReplayer, tmp_path: Path
) -> None:
    """Another path, or another function, than the digest binds: no process, no effect."""
    effect = tmp_path / "effect"
    how = Execute(python=f"{TARGETS}:count")
    digest = order_for(how, arguments={"path": "/approved"}).digest
    outcome = await replayer.run(order_for(how, arguments={"path": str(effect)}, digest=digest))
    assert outcome.kind is FAILED
    assert (outcome.error or "").startswith("digest_mismatch")
    assert not effect.exists()
