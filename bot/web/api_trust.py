"""What was earned, over HTTP: an admin lets the house look at once, and propose what it finds."""

from __future__ import annotations

from msgspec import Struct

from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.objects import Members
from bot.web.operation import ADMINS, Call, Operation
from bot.web.view import encoded


class ProposedView(Struct, frozen=True):
    """The requests that were made, by id, each for the admins of its rule to decide."""

    proposed: tuple[str, ...]


async def propose(call: Call) -> Answer:
    """POST /v1/trust/proposals."""
    await call.body()
    made = await call.house.desk.propose_trust(by=actor_of(call.key))
    return Answer(200, encoded(ProposedView(tuple(request.id for request in made))))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/trust/proposals",
        name="propose_trust",
        says="Propose at once what agents have earned under rules with trust, as is done hourly; admins decide.",
        handler=propose,
        roles=ADMINS,
        body=Members({}),
        bare=True,
        answers={200: ("What was proposed; nothing, where nothing more was earned.", ProposedView)},
    ),
)
