"""Every Block Kit element and composition object with its limits.

Sources: https://docs.slack.dev/reference/block-kit/block-elements and …/composition-objects.
Not modelled, and so refused: external selects, file and rich text inputs, workflow, feedback and icon buttons.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tests.fakes.slack.checks import (
    Check,
    Problems,
    Shape,
    array,
    boolean,
    integer,
    one_of,
    pattern,
    string,
    text_object,
    url,
)

if TYPE_CHECKING:
    from tests.fakes.slack.errors import Json

ID = string(255)
BOTH = ("plain_text", "mrkdwn")
MANY = 1000

CONFIRM = Shape(
    {"title": text_object(100), "text": text_object(300, *BOTH), "confirm": text_object(30), "deny": text_object(30)},
    {"style": one_of("primary", "danger")},
)
PLACEHOLDER = text_object(150)
_COMMON: dict[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
_INPUT: dict[str, Check] = {
    "action_id": ID,
    "placeholder": PLACEHOLDER,
    "focus_on_load": boolean,
    "dispatch_action_config": Shape(
        {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)},
    ),
}


def _option(*kinds: str) -> Shape:
    return Shape({"text": text_object(75, *kinds), "value": string(150)}, {"description": text_object(75, *kinds)})


OPTION, RICH_OPTION = _option("plain_text"), _option(*BOTH)
_OVERFLOW_OPTION = Shape(OPTION.required, {**OPTION.optional, "url": url()})
_GROUP = Shape({"label": text_object(75), "options": array(OPTION, 100)})


def _bare(value: object) -> object:
    """Return an option without the defaults that Slack fills in, so that two can be compared."""
    if isinstance(value, dict):
        return {name: _bare(item) for name, item in value.items() if name not in {"emoji", "verbatim"}}
    return value


def all_options(element: Json) -> list[Json]:
    """Return an element's options, those in groups too."""
    found = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        found += group.get("options", []) if isinstance(group, dict) else []
    return found


def _choices(problems: Problems, pointer: str, value: object) -> None:
    """Either options or groups, unique values, and what is chosen at first is exactly one of them."""
    if not isinstance(value, dict):
        return
    if bool(value.get("options")) == bool(value.get("option_groups")):
        problems.add(pointer, "exactly one of options and option_groups must be provided")
    options = [_bare(option) for option in all_options(value)]
    values = [option.get("value") for option in options if isinstance(option, dict)]
    if len(set(values)) != len(values):
        problems.add(pointer, "option values must be unique")
    chosen = list(value.get("initial_options") or []) + [value[key] for key in ("initial_option",) if value.get(key)]
    problems.lines += [
        f"initial_option must match one of the options exactly [json-pointer:{pointer}]"
        for option in chosen
        if _bare(option) not in options
    ]


def _text_lengths(problems: Problems, pointer: str, value: object) -> None:
    if not isinstance(value, dict):
        return
    least, most, initial = value.get("min_length", 0), value.get("max_length", 3000), value.get("initial_value", "")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        problems.add(pointer, "min_length must not be greater than max_length")
    if isinstance(most, int) and isinstance(initial, str) and len(initial) > most:
        problems.add(f"{pointer}/initial_value", f"must be less than {most + 1} characters")


def as_number(text: object, *, decimal: bool) -> Decimal | None:
    """Read a number as the number input does: `-12`, and `3.5` where decimals are allowed; None if it is not one."""
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or (not decimal and number != number.to_integral_value()):
        return None
    return number


def _numbers(problems: Problems, pointer: str, value: object) -> None:
    if not isinstance(value, dict):
        return
    decimal = value.get("is_decimal_allowed") is True
    found: dict[str, Decimal] = {}
    for name in ("min_value", "max_value", "initial_value"):
        if value.get(name) is not None:
            number = as_number(value[name], decimal=decimal)
            if number is None:
                problems.add(f"{pointer}/{name}", "must be a valid number")
            else:
                found[name] = number
    if "min_value" in found and "max_value" in found and found["min_value"] > found["max_value"]:
        problems.add(pointer, "min_value must not be greater than max_value")
    initial = found.get("initial_value")
    if initial is not None and not found.get("min_value", initial) <= initial <= found.get("max_value", initial):
        problems.add(f"{pointer}/initial_value", "must be between min_value and max_value")


def _select(**extra: Check) -> Shape:
    return Shape({}, {**_COMMON, "placeholder": PLACEHOLDER, **extra})


def _static(**extra: Check) -> Shape:
    optional = {
        **_COMMON,
        "placeholder": PLACEHOLDER,
        "options": array(OPTION, 100),
        "option_groups": array(_GROUP, 100),
        **extra,
    }
    return Shape({}, optional, _choices)


_NAMES = array(ID, MANY)
_MOST = integer(1, MANY)

ELEMENTS: dict[str, Check] = {
    "button": Shape(
        {"text": text_object(75)},
        {
            "action_id": ID,
            "confirm": CONFIRM,
            "value": string(2000),
            "url": url(),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(75),
        },
    ),
    "image": Shape({"image_url": url(), "alt_text": string(2000)}),
    "overflow": Shape({"options": array(_OVERFLOW_OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}),
    "static_select": _static(initial_option=OPTION),
    "multi_static_select": _static(initial_options=array(OPTION, 100), max_selected_items=_MOST),
    "radio_buttons": Shape({"options": array(RICH_OPTION, 10)}, {**_COMMON, "initial_option": RICH_OPTION}, _choices),
    "checkboxes": Shape(
        {"options": array(RICH_OPTION, 10)}, {**_COMMON, "initial_options": array(RICH_OPTION, 10)}, _choices
    ),
    "users_select": _select(initial_user=ID),
    "multi_users_select": _select(initial_users=_NAMES, max_selected_items=_MOST),
    "channels_select": _select(initial_channel=ID),
    "multi_channels_select": _select(initial_channels=_NAMES, max_selected_items=_MOST),
    "conversations_select": _select(initial_conversation=ID, default_to_current_conversation=boolean),
    "multi_conversations_select": _select(initial_conversations=_NAMES, max_selected_items=_MOST),
    "datepicker": _select(initial_date=pattern(r"\d{4}-\d\d-\d\d", "must be YYYY-MM-DD")),
    "timepicker": _select(initial_time=pattern(r"([01]\d|2[0-3]):[0-5]\d", "must be HH:mm"), timezone=string(64)),
    "datetimepicker": Shape({}, {**_COMMON, "initial_date_time": integer(1_000_000_000, 9_999_999_999)}),
    "plain_text_input": Shape(
        {},
        {
            **_INPUT,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _text_lengths,
    ),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**_INPUT, "initial_value": string(255), "min_value": string(255), "max_value": string(255)},
        _numbers,
    ),
    "email_text_input": Shape({}, {**_INPUT, "initial_value": string(3000, 0)}),
    "url_text_input": Shape({}, {**_INPUT, "initial_value": string(3000, 0)}),
}
"""Each element type with its shape."""

_PICKERS = {name for name in ELEMENTS if name.endswith("_select") or name in {"datepicker", "timepicker"}}
_CHOOSERS = _PICKERS | {"radio_buttons", "checkboxes"}
IN_SECTION = _CHOOSERS | {"button", "image", "overflow"}
IN_ACTIONS = _CHOOSERS | {"button", "overflow", "datetimepicker"}
IN_INPUT = _CHOOSERS | {"datetimepicker", "plain_text_input", "number_input", "email_text_input", "url_text_input"}
