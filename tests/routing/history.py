"""Recorded history for the tests of diff and simulate: values, and a real store that a real desk filled."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.commands import history
from bot.core import lifecycle
from bot.core.model import Decision, Request, State, Submission, Verb
from bot.core.policy import Policy, route
from bot.routing.timeline import begun
from tests.desk.house import House, open_house
from tests.routing.cases import NOW

_number = count(1)


def recorded(
    policy: Policy,
    *,
    at: datetime = NOW,
    agent: str = "billing",
    verb: Verb | None = None,
    by: str = "ana",
    after: timedelta = timedelta(minutes=1),
    **content: Any,
) -> Request:
    """A request as the store would hold it, routed by this file; decided by ``by`` where a verb is given."""
    given = Submission(**({"action": "refund.issue"} | content))
    answer = route(policy, given, agent=agent, now=at).route
    number = next(_number)
    new = replace(begun(policy, given, agent, answer, at), id=f"req_{number:06}", title=f"Request {number}")
    content_of = replace(
        new.content,
        request=new.id,
        confidence=given.confidence,
        labels=given.labels,
        context=given.context,
        on_behalf_of=given.on_behalf_of,
    )
    request = lifecycle.begin(replace(new, content=content_of), at)
    if verb is None or not request.state.open:
        return request
    decision = Decision(
        id=f"dec_{number}",
        request=request.id,
        decision=verb,
        by=by,
        at=at + after,
        channel="slack",
        stage=0,
        stage_name=request.route.stages[0].name,
        revision=1,
        digest="",
        comment="not this one" if verb is Verb.REJECT else None,
    )
    state = State.REJECTED if verb is Verb.REJECT else State.APPROVED
    return replace(request, state=state, decisions=(decision,), decided_at=at + after, due_at=None)


async def lived(folder: Path, life: Callable[[House], Awaitable[object]]) -> None:
    """Let a desk live through something, on the database of this folder; its rules are left there, too."""
    async with open_house(folder / "sayso.db") as house:
        await life(house)


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, *words: str
) -> tuple[int, str]:
    """A command's exit status and what it printed, in the folder of the database."""
    monkeypatch.chdir(folder)
    parser = argparse.ArgumentParser()
    history.add_parsers(parser.add_subparsers(required=True))
    args = parser.parse_args(words)
    status: int = args.run(args)
    return status, capsys.readouterr().out
