"""The review figures over HTTP, as JSON or as a table. Who sees whose: agents their own, people by name only admins."""

from __future__ import annotations

from typing import NoReturn

from msgspec.structs import replace

from bot.core import errors
from bot.core.insight.asking import USUAL, Question
from bot.core.insight.waiting import Queue, queue_of
from bot.core.model import Role
from bot.web.auth import actor_of
from bot.web.exchange import Answer, header_values
from bot.web.measured import Metrics, shown, table_of
from bot.web.operation import BUT_ADVISORS, Call, Operation
from bot.web.problems import invalid, parameter_fault
from bot.web.query import METRICS
from bot.web.sight import only_themselves
from bot.web.spreadsheet import MEDIA_TYPE
from bot.web.view import encoded

_ALL = 10_000
"""Groups to look through for one's own."""


async def metrics(call: Call) -> Answer:
    """GET /v1/metrics."""
    question = await _question(call)
    if (wrong := question.wrong()) is not None:
        raise invalid((parameter_fault(wrong[0], "question", wrong[1]),))
    mine = only_themselves(call.key, call.house.policy())
    if mine is not None and question.by == "reviewer":
        found = await call.house.measured(replace(question, most=_ALL))
        found = replace(found, groups=tuple(group for group in found.groups if group.name == mine), left_out=0)
    else:
        found = await call.house.measured(question)
    if _wants_csv(call):
        named = [(b"content-disposition", b'attachment; filename="metrics.csv"')]
        return Answer(200, table_of(found), MEDIA_TYPE.encode(), named)
    return Answer(200, encoded(shown(found, await _queue(call, question, mine))))


async def _question(call: Call) -> Question:
    """What is asked; raises `Forbidden`, on record, where it is about somebody whose figures are not the caller's."""
    given, now = call.query, call.house.clock.now()
    until = min(given.get("to", now), now)
    question = Question(
        since=given.get("from", until - USUAL),
        until=until,
        by=given.get("by", ""),
        agent=given.get("agent", ""),
        action=given.get("action", ""),
        rule=given.get("rule", ""),
        channel=given.get("channel", ""),
        reviewer=given.get("reviewer", ""),
        label=given.get("label", ""),
        compare=given.get("compare", True),
    )
    if call.key.role is Role.AGENT:
        if question.agent not in ("", call.key.name):
            await _forbid(call, "An agent's key is told that agent's figures alone.")
        if question.reviewer or question.by == "reviewer":
            await _forbid(call, "An agent's key is told nothing of the people who decide.")
        return replace(question, agent=call.key.name)
    if (mine := only_themselves(call.key, call.house.policy())) is not None and question.reviewer not in ("", mine):
        await _forbid(call, "Another person's figures are for admins and auditors; yours are at reviewer=" + mine + ".")
    return question


async def _forbid(call: Call, why: str) -> NoReturn:
    reason = errors.Forbidden.code
    await call.house.desk.refused(request_id=None, actor=actor_of(call.key), via="api", reason=reason)
    raise errors.Forbidden(why)


async def _queue(call: Call, question: Question, mine: str | None) -> Queue | None:
    if call.key.role is Role.AGENT:
        # An agent may be named in a declared practice that waits: it would see that there is one.
        return None
    waiting = await call.house.store.waiting(question.agent or None, question.action or None)
    found = queue_of(waiting, call.house.clock.now())
    return replace(found, by_person=tuple(one for one in found.by_person if mine in (None, one.person)))


def _wants_csv(call: Call) -> bool:
    """By ``format``, else by what is accepted: a table where that is named and JSON is not."""
    if "format" in call.query:
        return bool(call.query["format"] == "csv")
    accepted = b",".join(header_values(call.scope, b"accept")).lower()
    return b"text/csv" in accepted and b"application/json" not in accepted


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/metrics",
        name="metrics",
        says="The review figures of a period, beside the period before: rates with intervals, times, calibration. A "
        "reviewer's key sees the team's and that person's own, an agent's key that agent's own.",
        handler=metrics,
        roles=BUT_ADVISORS,
        parameters=METRICS,
        answers={200: ("The figures.", Metrics)},
        errors=(errors.Forbidden,),
        also=("text/csv",),
    ),
)
