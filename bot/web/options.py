"""What a person may pick from: the options of a choice or a question, and which kind of request takes which.

What one kind takes and another does not stands in the schema too, so that whoever generates a client from
``/openapi.json`` learns it there.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.core.model import Kind
from bot.web.objects import ListOf, Member, Members
from bot.web.shapes import Faults, Text

NO_CONTROLS = r"[^\u0000-\u001f\u007f]+"
ID = Text(64, pattern=r"[A-Za-z0-9_-]+", says="an id of letters, digits, - and _")
ARGUMENTS = Members({}, open=True)

FEWEST = 2
"""Options; one alone is no choice."""

_OPTION = Members(
    {
        "id": Member(ID, "Its name in the answer, among these options this one's alone.", required=True),
        "title": Member(
            Text(300, pattern=NO_CONTROLS, says="one line of text"), "What the person reads.", required=True
        ),
        "arguments": Member(ARGUMENTS, "Of a choice, and needed there: what runs if it is picked."),
    }
)
OPTIONS = ListOf(_OPTION, 20)


class Proposal(Members):
    """The members of a submission, and what its ``kind`` asks of its ``options``."""

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """As `Members.check`; then the options against the kind."""
        before = len(faults)
        taken = super().check(value, at, faults)
        concerned = (f"{at}/kind", f"{at}/options")
        # Of a full list nobody knows whether these two were found wanting.
        if not faults.full and not any(fault.pointer.startswith(concerned) for fault in faults[before:]):
            _check_options(taken, f"{at}/options", faults)
        return taken

    def schema(self) -> dict[str, Any]:
        """As `Members.schema`, with a condition for each kind; that ids are unique JSON Schema cannot say."""
        none: dict[str, Any] = {"maxItems": 0}
        bare: dict[str, Any] = {"items": {"properties": {"arguments": {"maxProperties": 0}}}}
        full = {"type": "array", "minItems": FEWEST, "items": {"required": ["arguments"], **_of_arguments("object")}}
        others = [str(kind) for kind in Kind if kind not in (Kind.CHOICE, Kind.QUESTION)]
        return super().schema() | {
            "allOf": [
                _where({"const": str(Kind.CHOICE)}, full, needs=("kind", "options")),
                _where({"const": str(Kind.QUESTION)}, {"anyOf": [none, bare | {"minItems": FEWEST}]}, needs=("kind",)),
                _where({"enum": [*others, None]}, none),
            ]
        }


def _of_arguments(kind: str) -> dict[str, Any]:
    return {"properties": {"arguments": {"type": kind}}}


def _where(kind: dict[str, Any], options: dict[str, Any], needs: tuple[str, ...] = ()) -> dict[str, Any]:
    """Where the kind is this, the options are like that."""
    held = {"properties": {"kind": kind}} | ({"required": ["kind"]} if "kind" in needs else {})
    then = {"properties": {"options": options}} | ({"required": ["options"]} if "options" in needs else {})
    return {"if": held, "then": then}


def _check_options(taken: Any, at: str, faults: Faults) -> None:
    """Add what the kind does not take; ``taken`` passed its own shape in kind and options."""
    if not isinstance(taken, dict):
        return
    kind = Kind(taken.get("kind") or Kind.APPROVAL)
    options: list[dict[str, Any]] = taken.get("options") or []
    if kind not in (Kind.CHOICE, Kind.QUESTION):
        if options:
            faults.add(at, "unexpected", f"{kind} takes no options; choice and question do")
        return
    if kind is Kind.CHOICE and "options" not in taken:
        faults.add(at, "required", f"must be given with choice: at least {FEWEST} to pick from")
    elif len(options) < FEWEST and (options or kind is Kind.CHOICE):
        faults.add(at, "min_items", f"must hold at least {FEWEST} options; this has {len(options)}")
    _check_each(kind, options, at, faults)


def _check_each(kind: Kind, options: list[dict[str, Any]], at: str, faults: Faults) -> None:
    named = Counter(option["id"] for option in options)
    for index, option in enumerate(options):
        if named[option["id"]] > 1:
            faults.add(f"{at}/{index}/id", "repeated", "must be another option's id: each has its own")
        if kind is Kind.CHOICE and "arguments" not in option:
            faults.add(f"{at}/{index}/arguments", "required", "must be given with choice: what runs if it is picked")
        if kind is Kind.QUESTION and option.get("arguments"):
            faults.add(f"{at}/{index}/arguments", "unexpected", "question takes no arguments; choice does")
