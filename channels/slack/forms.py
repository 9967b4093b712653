"""The modals: edit, reject, ask (`answering` has the one for answers); and what a submitted one says.

A field that Slack cannot carry to the bit (too long, or holding what cannot be seen) is not offered for editing here:
it keeps its value, and the modal says where it can be edited.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from bot.core.card import Card
from bot.core.errors import Conflict, Fault, Invalid
from bot.core.forms import Field, FieldKind, parse_form
from bot.core.model import Arguments, Request, Verb
from bot.core.pointers import below, names
from bot.core.policy import REVIEW_AFTER
from bot.core.scrutiny import hidden, visible
from channels.slack.draw import draw, web
from channels.slack.sizes import clip, size
from channels.slack.words import button_of

MOST_FIELDS = 95
CATEGORIES = {
    "wrong_target": "Wrong target",
    "wrong_amount": "Wrong amount",
    "not_needed": "Not needed",
    "policy": "Against policy",
    "unclear": "Unclear",
    "other": "Other",
}
SEVERITIES = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
"""How bad what ran was, as a rejection in a review afterwards says it."""
_ARG = "arg:"
_ABOUT = 1000
_BLOCK_ID, _INPUT, _OPTIONS, _OPTION_TEXT, _LABEL, _HINT, _ERROR = 255, 3000, 100, 75, 150, 300, 200
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
_WHOLE = re.compile(r"-?\d{1,15}")
_EMOJI_NAME = re.compile(r":[a-z][a-z0-9_+'-]*:")
_EMOJI_KINDS = ("So", "Sk")
_EMOJI_BY_NAME = "Slack put names in the place of emoji: edit this in the full request"


class TooMuchForAForm(Conflict):
    """These arguments are more than a form in Slack can hold: open the full request and edit there."""

    code = "too_much_for_a_form"


class Input(Struct, frozen=True, kw_only=True):
    """One input block as the template draws it; ``element`` is the element's own JSON."""

    block_id: str
    label: str
    element: dict[str, Any]
    optional: bool
    hint: str = ""


def edit_modal(card: Card, fields: tuple[Field, ...], arguments: Arguments, metadata: str) -> dict[str, Any]:
    """The form of an action's arguments. Raises `TooMuchForAForm`."""
    if len(fields) > MOST_FIELDS or any(len(_ARG + f.name) > _BLOCK_ID for f in fields):
        raise TooMuchForAForm
    offered = [f for f in fields if editable_here(f)]
    if not offered:
        raise TooMuchForAForm
    left = ", ".join(visible(f.name) for f in fields if f not in offered)
    return _modal("edit", card, metadata, inputs=[_input(f, arguments) for f in offered], left=clip(left, 1000)[0])


def comment_modal(callback: str, card: Card, metadata: str) -> dict[str, Any]:
    """The form of a rejection (``reject``), of a question to the agent (``ask``), or of a reason (``approve``)."""
    return _modal(callback, card, metadata, inputs=[], left="")


def _modal(callback: str, card: Card, metadata: str, *, inputs: list[Input], left: str) -> dict[str, Any]:
    view: dict[str, Any] = draw(
        f"{callback}.json.j2",
        title=about(card),
        explained=card.needs_reason,
        metadata=metadata,
        inputs=inputs,
        left=left,
        url=web(card.url),
        asks="How bad was it?" if card.action == REVIEW_AFTER else "What is wrong",
        categories=SEVERITIES if card.action == REVIEW_AFTER else CATEGORIES,
        word=button_of(Verb.REJECT, card.kind),
    )
    return view


def about(card: Card) -> str:
    """What a form is about: the request's title, and its action where that is not the title already."""
    return clip(card.title if card.title == card.action else f"{card.title}\n{card.action}", _ABOUT)[0]


def editable_here(field: Field) -> bool:
    """Whether Slack would bring this field back as it was sent."""
    odd = any(hidden(c) for c in field.value if c not in "\r\n")
    return size(field.value) <= _INPUT and not odd


def _input(field: Field, arguments: Arguments) -> Input:
    element = _element(field, arguments.get(field.name))
    text = field.kind in (FieldKind.TEXT, FieldKind.LONG_TEXT)
    return Input(
        block_id=_ARG + field.name,
        label=clip(visible(field.label).replace("\n", " "), _LABEL)[0] or "(no name)",
        element={"action_id": "value", **element},
        optional=not field.required or (text and field.value == ""),
        hint=clip(visible(field.hint), _HINT)[0],
    )


def _element(field: Field, value: Any) -> dict[str, Any]:
    if field.kind is FieldKind.BOOLEAN:
        options = [option_of(text, text) for text in ("true", "false")]
        return select_of(options, options[0 if field.value == "true" else 1] if field.value else None)
    if field.kind is FieldKind.CHOICE and len(field.choices) <= _OPTIONS:
        options = [option_of(text, str(index)) for index, (text, _) in enumerate(field.choices)]
        at = (i for i, (_, v) in enumerate(field.choices) if field.present and _identical(v, value))
        chosen = next(at, None)
        return select_of(options, None if chosen is None else options[chosen])
    if field.kind in (FieldKind.NUMBER, FieldKind.INTEGER) and _is_number(field):
        return _number(field)
    multiline = field.kind not in (FieldKind.TEXT, FieldKind.NUMBER, FieldKind.INTEGER) or "\n" in field.value
    return {"type": "plain_text_input", "multiline": multiline, **_initial(field)}


def _initial(field: Field) -> dict[str, str]:
    return {"initial_value": field.value} if field.value else {}


def option_of(text: str, value: str) -> dict[str, Any]:
    """One option of a menu; its text on one line, and cut where Slack takes no more."""
    shown = clip(visible(text).replace("\n", " "), _OPTION_TEXT)[0]
    return {"text": {"type": "plain_text", "emoji": False, "text": shown[:_OPTION_TEXT] or "(empty)"}, "value": value}


def select_of(options: list[dict[str, Any]], chosen: dict[str, Any] | None) -> dict[str, Any]:
    """A menu of these; what is chosen at first, if anything."""
    return {"type": "static_select", "options": options} | ({"initial_option": chosen} if chosen else {})


def _identical(first: Any, second: Any) -> bool:
    """1, 1.0 and true are equal to Python and three things in JSON."""
    return type(first) is type(second) and first == second


def _is_number(field: Field) -> bool:
    pattern = _WHOLE if field.kind is FieldKind.INTEGER else _NUMBER
    return not field.value or pattern.fullmatch(field.value) is not None


def _number(field: Field) -> dict[str, Any]:
    """Bounds help in the client; the ones that Slack would refuse beside this value are left to us."""
    decimal = field.kind is FieldKind.NUMBER
    found: dict[str, Any] = {"type": "number_input", "is_decimal_allowed": decimal, **_initial(field)}
    at = float(field.value) if field.value else None
    for name, bound, lower in (("min_value", field.minimum, True), ("max_value", field.maximum, False)):
        text = "" if bound is None else f"{bound:.15g}"
        plain = (_NUMBER if decimal else _WHOLE).fullmatch(text)
        if bound is not None and plain and (at is None or (bound <= at if lower else at <= bound)):
            found[name] = text
    return found


class Submitted(Struct, frozen=True, kw_only=True):
    """What a person put into a modal. ``arguments`` only from ``edit``, ``answer`` only from ``answer``."""

    comment: str | None
    category: str | None
    arguments: Arguments | None = None
    answer: str | None = None


NOTHING = Submitted(comment=None, category=None)
"""A button alone, without a form."""


def read_submission(view: Mapping[str, Any], request: Request, fields: tuple[Field, ...]) -> Submitted:
    """What a submitted modal says. Raises `Invalid` whose faults name fields (``/amount``, ``/comment``)."""
    values: Mapping[str, Any] = view["state"]["values"]
    comment = (typed_in(values.get("comment")) or "").strip() or None
    category = chosen_in(values.get("category"))
    if view["callback_id"] == "edit":
        return Submitted(comment=comment, category=None, arguments=_edited(values, request, fields))
    if view["callback_id"] == "ask" and comment is None:
        raise Invalid(faults=(Fault("/comment", "required", "Write what the agent should be asked."),))
    return Submitted(comment=comment, category=(category or {}).get("value"))


def _edited(values: Mapping[str, Any], request: Request, fields: tuple[Field, ...]) -> Arguments:
    shown = {field.name: field for field in fields if _ARG + field.name in values and editable_here(field)}
    texts: dict[str, str | None] = {}
    picked: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, field in shown.items():
        state = values[_ARG + name]
        option = chosen_in(state)
        if field.kind is FieldKind.CHOICE and option is not None:
            _pick(field, option, picked, faults)
        else:
            texts[name] = _unless_trimmed(option["value"] if option else typed_in(state), field)
            if _by_name(texts[name] or "", field):
                faults.append(Fault(below("", name), "emoji", _EMOJI_BY_NAME))
    asked = tuple(field for name, field in shown.items() if name in texts)
    edited, misread = parse_form(asked, texts, request.content.arguments)
    if faults or misread:
        raise Invalid(faults=(*misread, *faults))
    edited |= picked
    if _same(edited, request.content.arguments):
        unchanged = "Nothing is changed: change a value, or close this and press Approve."
        raise Invalid(faults=(Fault("/comment", "unchanged", unchanged),))
    return edited


def _pick(field: Field, option: Mapping[str, Any], picked: dict[str, Any], faults: list[Fault]) -> None:
    """An option carries its place in the list; where the list has changed since, the place means something else."""
    index = str(option.get("value"))
    choice = field.choices[int(index)] if index.isdecimal() and int(index) < len(field.choices) else None
    if choice is None or option_of(choice[0], index)["text"]["text"] != option.get("text", {}).get("text"):
        faults.append(Fault(below("", field.name), "choice", "These choices have changed: close this, press Edit"))
    else:
        picked[field.name] = choice[1]


def _unless_trimmed(text: str | None, field: Field) -> str | None:
    """Slack may trim what it carries; spaces around a text are no edit here."""
    return field.value if text is not None and text.strip() == field.value.strip() else text


def _by_name(text: str, field: Field) -> bool:
    """Whether emoji of the value came back as their names, which Slack does to messages; of forms it does not say."""
    lost = any(unicodedata.category(c) in _EMOJI_KINDS and c not in text for c in field.value)
    return lost and not set(_EMOJI_NAME.findall(text)) <= set(_EMOJI_NAME.findall(field.value))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return _identical(first, second)


def typed_in(block: Any) -> str | None:
    """What was typed into an input, out of its state."""
    element: Mapping[str, Any] = next(iter((block or {}).values()), {})
    value = element.get("value")
    return value if isinstance(value, str) else None


def chosen_in(block: Any) -> dict[str, Any] | None:
    """The option that was picked in an input, out of its state."""
    element: Mapping[str, Any] = next(iter((block or {}).values()), {})
    option = element.get("selected_option")
    return option if isinstance(option, dict) else None


def beside_fields(faults: tuple[Fault, ...], blocks: list[dict[str, Any]]) -> dict[str, str]:
    """Faults as Slack shows them, by block; what has no block of its own stands beside the last, mostly the comment."""
    inputs = {block["block_id"] for block in blocks if block.get("type") == "input"}
    last = last_input(blocks)
    shown: dict[str, str] = {}
    for fault in faults:
        parts = names(fault.pointer)
        if len(parts) > 1 and parts[0] == "arguments" and "arg:arguments" not in inputs:
            parts = parts[1:]
        name = parts[0] if parts else ""
        found = next((b for b in (_ARG + name, name) if b in inputs), last)
        text = fault.detail if found != last or name == last else f"{name}: {fault.detail}".lstrip(": ")
        shown[found] = clip(f"{shown[found]}; {text}" if found in shown else text, _ERROR)[0]
    return shown


def last_input(blocks: list[dict[str, Any]]) -> str:
    """The block beside which stands what is about the whole form."""
    return next((str(block["block_id"]) for block in reversed(blocks) if block.get("type") == "input"), "comment")
