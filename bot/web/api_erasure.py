"""Erasure over HTTP: a request to be forgotten comes to whoever answers it from a system, not from a shell."""

from __future__ import annotations

import logging
from datetime import datetime

from msgspec import Struct

from bot.core import errors
from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.objects import Member, Members
from bot.web.operation import ADMINS, Call, Operation
from bot.web.shapes import Flag, Text
from bot.web.view import encoded

log = logging.getLogger(__name__)

LONGEST_SUBJECT = 4096
ERASURE = Members(
    {
        "subject": Member(Text(LONGEST_SUBJECT), "Whose data, as the subject argument says it.", required=True),
        "cancel": Member(Flag(), "Cancel first what is still open. Without it, what is open is refused by its ids."),
    }
)


class ErasureView(Struct, frozen=True):
    """What was erased: the subject's keyed hash, requests, those of them that were cancelled first, and when.

    ``rewritten``: whether the database's own files were written anew, and hold no old bytes but those of a log.
    """

    subject: str
    requests: int
    cancelled: int
    at: datetime
    rewritten: bool


async def forget(call: Call) -> Answer:
    """POST /v1/subjects/erasure."""
    body = await call.body()
    house = call.house
    by, cancel = actor_of(call.key), body.get("cancel", False)
    erased = await house.desk.forget(body["subject"], by=by, via="api", cancel=cancel)
    rewritten = False
    try:
        rewritten = await house.rewrite()
    except (OSError, errors.SaysoError):
        # It is erased all the same; what is left is said, for it cannot be asked for again.
        log.exception("a subject is erased, and the database's file could not be written anew")
    view = ErasureView(erased.subject, erased.requests, erased.cancelled, house.clock.now(), rewritten)
    return Answer(200, encoded(view))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/subjects/erasure",
        name="erase",
        says="Forget for good all that the requests of one subject say.",
        handler=forget,
        roles=ADMINS,
        body=ERASURE,
        answers={200: ("What was erased.", ErasureView)},
        errors=(errors.NotFound, errors.Conflict),
    ),
)
