"""``trust`` of a rule, as JSON Schema."""

from __future__ import annotations

from bot.core.policy.trust import Trust
from bot.routing import trust, values
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    count,
    duration,
    reference,
    rows,
    several,
    share,
    text,
    whole,
)


def trust_of_a_rule(percent: Shape) -> Shape:
    """The key ``trust``; ``percent`` is the shape of a part as text."""
    usual = Trust(ask="")
    ceilings = rows({"type": "number", "exclusiveMinimum": 0}, "Upper ends, rising.", least=1)
    bands: Shape = {
        "description": "Ceilings by argument; each needs evidence of its own, and nothing above the last is earned.",
        "type": "object",
        "propertyNames": {"pattern": whole(trust.BAND)},
        "additionalProperties": ceilings | {"maxItems": trust.MOST_BANDS},
    }
    action = text("An action.", longest=128, pattern=values.ACTION.pattern)
    return closed(
        trust.TRUST_KEYS,
        {
            "ask": reference("The chain whose admins decide about proposals."),
            "at_least": count("How many decisions have to count.", trust.FEWEST, trust.MOST, default=usual.at_least),
            "unchanged": share("The share that has to be approved unchanged, by its lower bound.")
            | {"minimum": trust.LEAST_SHARE, "default": usual.unchanged},
            "error": share("The chance of a wrong proposal, however often it is looked at.")
            | {"maximum": trust.LARGEST_ERROR, "default": usual.error},
            "window": duration("How far back it counts.", otherwise=usual.window),
            "days": count("Over how many days it has to be spread.", 1, trust.MOST_DAYS, default=usual.days),
            "reviewers": count("Over how many people.", 1, trust.MOST_PEOPLE, default=usual.reviewers),
            "per_day": count("How many approvals of one day count. All, if left out.", 1, trust.MOST),
            "bands": bands,
            "confidence": share("What the agent has to claim, in what counts and in what runs."),
            "irreversible": several(action, "Irreversible actions for which something may be earned, by name."),
            "sample": {
                "description": "The share of what runs that goes to people all the same.",
                "anyOf": [percent, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}],
                "default": f"{usual.sample * 100:g}%",
            },
            "lasts": duration("When what is granted ends by itself.", otherwise=usual.lasts),
        },
        required=("ask",),
        description="On what evidence some of what the rule asks people may run by rule.",
    )
