"""What was earned under the rule that answers, for ``sayso explain``: the file alone does not know what runs by it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from bot.commands.surroundings import CommandError, open_ledger
from bot.core.errors import SaysoError
from bot.core.model import Submission
from bot.core.policy import Policy
from bot.core.trust.grants import Grant, number_at, void
from bot.core.trust.proposing import covers

_ELSEWHERE = "sayso trust list says what is in force"


def earned_of(
    policy: Policy, name: str, submission: Submission, agent: str, now: datetime
) -> tuple[dict[str, Any], str]:
    """What is in force of an agent's action under the rule ``name``, as JSON and in words; nothing without ``trust:``.

    ``grants`` is None where they could not be looked at, and ``covers`` whether one lets run what is asked for, its
    sample, its limit and what people said no to left out of account.
    """
    rule = next((rule for rule in policy.trusting if rule.name == name), None)
    if rule is None:
        return {}, ""
    try:
        grants = asyncio.run(_grants())
    except (CommandError, SaysoError) as problem:
        why = str(problem).splitlines()[0]
        return {"grants": None}, f"\nEarned: what was granted under {name!r} was not looked at ({why}); {_ELSEWHERE}"
    about = (name, agent, submission.action)
    held = [g for g in grants if g.about == about and g.holds(now) and void(policy, g) is None]
    if not held:
        return {"grants": []}, f"\nEarned: nothing of this agent's action is granted under {name!r}"
    told = [{"id": g.id, "until": g.until, "ceilings": g.ceilings, "covers": _covers(g, submission)} for g in held]
    return {"grants": told}, "\n".join(["", *(_line(grant, submission) for grant in held)])


async def _grants() -> tuple[Grant, ...]:
    async with open_ledger(reads=True) as ledger:
        return await ledger.store.grants()


def _covers(grant: Grant, submission: Submission) -> bool:
    found = {pointer: number_at(submission.arguments, pointer) for pointer in grant.ceilings}
    return covers(grant, {p: number for p, number in found.items() if number is not None}, submission.confidence)


def _line(grant: Grant, submission: Submission) -> str:
    upto = ", ".join(f"{pointer} up to {top:g}" for pointer, top in grant.ceilings.items()) or "anything"
    lies = "covers this: it would run" if _covers(grant, submission) else "does not cover this: people are asked"
    share = f"but for a sample of {grant.sample * 100:g}%"
    return f"Earned: {grant.id} lets {upto} run until {grant.until:%Y-%m-%d}, {share}, and {lies}"
