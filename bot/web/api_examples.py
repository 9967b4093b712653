"""Examples over HTTP: what people made of what agents proposed, for whoever teaches an agent, taken by an admin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bot.core.examples import ExampleQuery, Verdict, left_out
from bot.desk.examples import Parcel
from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.operation import ADMINS, Call, Operation
from bot.web.problems import invalid, parameter_fault
from bot.web.query import EXAMPLES

MEDIA_TYPE = "application/jsonl"


def asked_for(given: Mapping[str, Any]) -> ExampleQuery:
    """The query that parameters by name make; raises `bot.core.errors.Invalid`."""
    asked = ExampleQuery(
        since=given.get("from"),
        until=given.get("to"),
        agent=given.get("agent"),
        action=given.get("action"),
        verdicts=given.get("verdict", tuple(Verdict)),
        without=given.get("without", ()),
        people=given.get("people", False),
        labels=given.get("labels", False),
    )
    try:
        left_out(asked.without)
    except ValueError as wrong:
        raise invalid((parameter_fault("without", "value", str(wrong)),)) from None
    return asked


async def export(call: Call) -> Answer:
    """GET /v1/examples."""
    asked = asked_for(call.query)
    parcel = await call.house.desk.export_examples(asked, by=actor_of(call.key), via="api")
    named = [
        (b"content-disposition", b'attachment; filename="examples.jsonl"'),
        (b"sayso-examples", str(parcel.count).encode()),
        (b"sayso-sha256", parcel.sha256.encode()),
    ]
    return Answer(200, parcel.chunk(), MEDIA_TYPE.encode(), named, chunks=rest(parcel))


async def rest(parcel: Parcel) -> AsyncIterator[bytes]:
    """What of a parcel has not been read, piece by piece; then it is let go of."""
    with parcel.lines:
        while chunk := parcel.chunk():
            yield chunk


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/examples",
        name="examples",
        says="What people decided about what agents proposed, newest first, one JSON object a line, without anything "
        "hidden or erased. That it was taken, by which filter, and the SHA-256 of what left is put on record first.",
        handler=export,
        roles=ADMINS,
        parameters=EXAMPLES,
        answers={200: ("The lines, streamed.", None)},
        media_type=MEDIA_TYPE,
    ),
)
