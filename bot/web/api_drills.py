"""Drills over HTTP: a harmless request goes down a chain for real, so that everybody learns whether it reaches them."""

from __future__ import annotations

from bot.core.errors import Fault, Invalid
from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.objects import Member, Members
from bot.web.operation import ADMINS, Call, Operation
from bot.web.problems import invalid
from bot.web.shapes import Text
from bot.web.view import RequestView

LONGEST_NAME = 320
DRILL = Members(
    {
        "chain": Member(Text(LONGEST_NAME), "The chain, by its name in routing.yaml."),
        "practice": Member(Text(LONGEST_NAME), "A declared practice instead, by its name in routing.yaml."),
    }
)


async def drill(call: Call) -> Answer:
    """POST /v1/drills."""
    body, by = await call.body(), actor_of(call.key)
    if "practice" in body and "chain" in body:
        raise Invalid.at("/practice", "unexpected", "give a chain or a practice, not both")
    if "practice" in body:
        request = await call.house.desk.practise_now(body["practice"], by=by)
    elif "chain" in body:
        request = await call.house.desk.drill(body["chain"], by=by)
    else:
        raise invalid((Fault("/chain", "required", "must be given"),))
    location = [(b"location", f"/v1/requests/{request.id}".encode())]
    return await call.show(request, status=201, headers=location)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/drills",
        name="drill",
        says="Send a harmless request down a chain, or a declared practice. Its people are asked, and nothing runs.",
        handler=drill,
        roles=ADMINS,
        body=DRILL,
        located=True,
        answers={201: ("The request that is under way.", RequestView)},
    ),
)
