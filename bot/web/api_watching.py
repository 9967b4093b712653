"""Thresholds that fit, and how decisions are made, over HTTP: for people, by name of themselves or of all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import json

from bot.core.insight.asking import LONGEST
from bot.web import watching
from bot.web.exchange import Answer
from bot.web.operation import ADMINS, REVIEWERS, Call, Operation
from bot.web.problems import invalid, parameter_fault
from bot.web.query import THRESHOLDS, WATCHING
from bot.web.sight import only_themselves
from bot.web.spreadsheet import MEDIA_TYPE


def period(call: Call) -> tuple[datetime, datetime]:
    """The period that is asked for: `watching.USUAL` up to now, where nothing else is said; raises `Invalid`."""
    until: datetime = call.query.get("to") or call.house.clock.now()
    since: datetime = call.query.get("from") or until - watching.USUAL
    if since >= until:
        raise invalid((parameter_fault("from", "order", "must come before to"),))
    if until - since > LONGEST:
        raise invalid((parameter_fault("from", "too_long", "at most two years at once"),))
    return since, until


async def thresholds(call: Call) -> Answer:
    """GET /v1/metrics/thresholds."""
    since, until = period(call)
    narrow = {name: call.query[name] for name in ("agent", "action") if name in call.query}
    found, cut = await watching.gates(call.house.store, since, until, **narrow)
    if call.query.get("format") == "csv":
        return Answer(200, watching.as_csv(watching.gate_rows(found)), MEDIA_TYPE.encode())
    return _document(since, until, cut, {"gates": watching.of_gates(found)})


async def attention(call: Call) -> Answer:
    """GET /v1/metrics/attention."""
    since, until = period(call)
    found, cut = await watching.attention(call.house.store, call.house.policy().people, since, until)
    own = only_themselves(call.key, call.house.policy())
    people = tuple([each for each in found.people if own is None or each.person == own])
    if call.query.get("format") == "csv":
        return Answer(200, watching.as_csv(watching.watched_rows(found, people)), MEDIA_TYPE.encode())
    return _document(since, until, cut, watching.of_watched(found, people))


def _document(since: datetime, until: datetime, cut: bool, told: Mapping[str, Any]) -> Answer:  # noqa: FBT001  # a fact of what was read
    return Answer(200, json.encode({"from": since, "to": until, "only_newest": cut, **told}))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/metrics/thresholds",
        name="thresholds",
        says="For each action what a confidence threshold catches of edits and rejections, and at what load; whether "
        "confidence carries information; thresholds that catch more at today's load.",
        handler=thresholds,
        roles=ADMINS | REVIEWERS,
        parameters=THRESHOLDS,
        answers={200: ("The gates, with their intervals.", None)},
        also=("text/csv",),
    ),
    Operation(
        method="GET",
        path="/v1/metrics/attention",
        name="attention",
        says="How decisions are made: the team first, then people by name (a reviewer's key: that one alone).",
        handler=attention,
        roles=ADMINS | REVIEWERS,
        parameters=WATCHING,
        answers={200: ("The report, with its intervals.", None)},
        also=("text/csv",),
    ),
)
