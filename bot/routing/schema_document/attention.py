"""What guards against judging without looking, and declared drills, as JSON Schema."""

from __future__ import annotations

from bot.core.model import Risk
from bot.core.policy import Attention
from bot.routing import attention, values
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    count,
    duration,
    name,
    reference,
    rows,
    several,
    share,
    text,
    words,
)


def attention_list() -> dict[str, Shape]:
    """The sections ``attention`` and ``practice``."""
    return {"attention": _attention(), "practice": _practice()}


def _attention() -> Shape:
    rest = closed(
        attention.COOL_DOWN_KEYS,
        {
            "after": count("After how many decisions of one person.", 2, attention.MOST_IN_A_ROW),
            "per": duration("In how long."),
            "rest": duration("For how long that person then approves nothing; so long a pause counts as a rest."),
        },
        required=attention.COOL_DOWN_KEYS,
        description="A rest for who decides very much at a stretch.",
    )
    return closed(
        attention.ATTENTION_KEYS,
        {
            "reading": {
                "description": "Characters a second that nobody reads faster than; what is decided faster is counted.",
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": attention.FASTEST,
                "default": Attention().reading,
            },
            "reason_for": several(words("A risk.", Risk), "Approving something of these risks needs a typed reason."),
            "second_after": count(
                "After so many approvals of one action in a row, one person's next takes a second person's.",
                1,
                attention.MOST_IN_A_ROW,
            ),
            "cool_down": rest,
        },
        description="What guards against judging without looking.",
    )


def _practice() -> Shape:
    request = closed(
        attention.REQUEST_KEYS,
        {
            "name": name("What the report calls it."),
            "agent": name("From which agent it seems to be."),
            "action": text("For what it seems to ask.", longest=500, pattern=values.ACTION.pattern),
            "lesson": text("What is wrong with it, told once it is decided.", longest=attention.LONGEST_WORDS),
            "arguments": {"description": "Its arguments.", "type": "object"},
            "reason": text("The reason that the agent seems to give.", longest=attention.LONGEST_WORDS),
            "confidence": share("The confidence that the agent seems to claim."),
            "context": {"description": "What the agent seems to add.", "type": "object"},
        },
        required=("name", "agent", "action", "lesson"),
    )
    return closed(
        attention.PRACTICE_KEYS,
        {
            "announced": text("How the team was told; the pages show it.", longest=attention.LONGEST_WORDS),
            "chain": reference("The chain that is asked."),
            "every": duration("About how often one comes, at a moment nobody knows.", otherwise=attention.EVERY),
            "requests": rows(
                request, "Known bad requests, of which one is put before people; none ever runs.", least=1
            ),
        },
        required=("announced", "chain", "requests"),
        description="Declared drills of attention.",
    )
