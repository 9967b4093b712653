"""What agents may want to do, and how it runs: the section `actions`, as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.model import Risk
from bot.core.policy import BY_AGENT, COOLDOWN, HOUSE
from bot.routing import actions, schemas, sensitive, titles, values
from bot.routing.schema_document.asking import check
from bot.routing.schema_document.folk import url
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    count,
    duration,
    flag,
    named,
    reference,
    rows,
    several,
    text,
    words,
)

KEYWORDS = "#/$defs/keywords"
_BELOW: Shape = {"$ref": KEYWORDS}
_BOUNDS = ("Contains", "Items", "Length", "Properties")


def _each(keys: Iterable[str], shape: Shape) -> dict[str, Shape]:
    return {key: {**shape} for key in keys}


_PLAIN: dict[str, Shape] = {
    **_each(("const", "default"), {}),
    **_each(("enum", "examples"), {"type": "array"}),
    **_each(("deprecated", "readOnly", "uniqueItems", "writeOnly"), {"type": "boolean"}),
    **_each(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), {"type": "number"}),
    **_each([f"{end}{bound}" for end in ("max", "min") for bound in _BOUNDS], {"type": "number", "minimum": 0}),
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "required": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    "dependentRequired": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    },
    "$ref": {"type": "string", "pattern": "^#"},
    "$schema": {"enum": [schemas.DIALECT, f"{schemas.DIALECT}#"]},
    "type": {
        "anyOf": [{"$ref": "#/$defs/type"}, {"type": "array", "items": {"$ref": "#/$defs/type"}, "minItems": 1}],
    },
}
"""Keywords that hold no schema; the others among them hold text."""


def keywords() -> Shape:
    """A schema of arguments, wherever one may stand: the keywords that the reader takes, and notes."""
    members: dict[str, Shape] = {
        **{key: {"type": "object", "additionalProperties": _BELOW} for key in schemas.MAPS},
        **{key: {"type": "array", "items": _BELOW, "minItems": 1} for key in schemas.LISTS},
        **_each(schemas.SINGLE, _BELOW),
        **{key: _PLAIN.get(key, {"type": "string"}) for key in schemas.PLAIN},
    }
    marked = {"description": "Whatever is given there goes to a person.", "type": "boolean"}
    shape = closed(
        (*schemas.KEYWORDS, sensitive.KEYWORD),
        {**members, sensitive.KEYWORD: marked},
        patternProperties={"^x-": {}},
    )
    return shape | {"type": ["object", "boolean"]}


def types() -> Shape:
    """The types of JSON."""
    return {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}


def _execute() -> Shape:
    ways = [{"required": [way]} for way in actions.WAYS]
    # The bot makes no attempts where the agent runs it.
    by_agent = {"if": {"required": ["agent"]}, "then": {"properties": {"idempotent": False, "attempts": False}}}
    return closed(
        actions.EXECUTE_KEYS,
        {
            "webhook": url("A URL that gets the signed order."),
            "python": text(
                "package.module:function, installed beside the bot.", longest=500, pattern=actions.FUNCTION.pattern
            ),
            "agent": {"description": "The agent runs it and reports the outcome.", "const": True},
            "timeout": duration("How long one attempt may take; for agent, how long its report may take."),
            "idempotent": flag("Running it twice under one key is the same as once."),
            "attempts": count("How often it is tried at most.", 1, actions.MOST_ATTEMPTS, default=BY_AGENT.attempts),
        },
        oneOf=ways,
        allOf=[by_agent],
        description="How it runs: exactly one of webhook, python and agent. By its agent, if left out.",
    )


def action_list() -> Shape:
    """The section ``actions``."""
    editable = several(
        text("An argument.", longest=200), "Which arguments a reviewer may change; []: none.", empty=True
    )
    rollback = closed(
        actions.ROLLBACK_KEYS,
        {
            "action": reference("The action that takes this one back."),
            "arguments": {"description": "Its arguments; text may hold blanks.", "type": "object"},
        },
        required=("action",),
        description="The way back.",
    )
    action = closed(
        actions.ACTION_KEYS,
        {
            "title": text(
                "The card's title: text with blanks, {{ amount }}.",
                longest=titles.MAX_TEMPLATE,
                examples=["Refund {{ amount }} {{ currency }} on order {{ order }}"],
            ),
            "risk": words("What a wrong approval can do.", Risk, otherwise=Risk.IRREVERSIBLE),
            "critical": flag("A person always decides, whatever a rule says."),
            "schema": {
                "description": "JSON Schema 2020-12 of the arguments, checked at submission.",
                "type": "object",
                "properties": {"type": {"const": "object"}, sensitive.KEYWORD: False},
                "$ref": KEYWORDS,
            },
            "editable": editable,
            "redact": several(
                text("An argument's name, or a JSON Pointer (/card/number, /rows/*/iban).", longest=200),
                "Which arguments nobody but the receiver sees.",
            ),
            "subject": text("The argument that says whose data it carries (customer, /customer/id).", longest=200),
            "checks": rows(check(), "What must hold for a rule to approve it; cards list each.", least=1),
            "cooldown": duration(
                "For how long a rejection keeps the same content from a rule; 0s: not at all.",
                zero=True,
                otherwise=COOLDOWN,
            ),
            "undo_window": duration("How long it waits before it runs, once approved.", zero=True),
            "execute": _execute(),
            "rollback": rollback,
        },
    )
    house = {"pattern": f"^{HOUSE.replace('.', '[.]')}"}
    return named(action, "What agents may want to do, and how it runs.", values.ACTION.pattern, taken=house)
