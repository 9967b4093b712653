"""How a person fills in inputs: Slack's `state.values` with what was there at first, and what the client refuses.

Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload (`view.state.values`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.slack.elements import all_options, as_number
from tests.fakes.slack.errors import Json, PersonCannotError, person_cannot
from tests.fakes.slack.limits import elements_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_STORED = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "overflow": ("selected_option", ""),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
"""Each stateful element with the field of its state and of its first content."""


def _option(element: Json, value: object) -> Json:
    for option in all_options(element):
        if option["value"] == value:
            return option
    return person_cannot(f"no option {value!r} in {element['action_id']}")


def _checked_text(element: Json, value: object, *, required: bool) -> str | None:
    """Return typed text, or None for nothing; raises where the client would not submit."""
    text = "" if value is None else str(value)
    if not text:
        return person_cannot(f"{element['action_id']} must be filled in") if required else None
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if not least <= len(text) <= most:
        person_cannot(f"{element['action_id']} takes {least} to {most} characters, not {len(text)}")
    if element["type"] == "number_input":
        decimal = bool(element["is_decimal_allowed"])
        number = as_number(text, decimal=decimal)
        bounds = [as_number(element.get(name), decimal=True) for name in ("min_value", "max_value")]
        if number is None:
            person_cannot(f"{element['action_id']} takes a number, not {text!r}")
        if (bounds[0] is not None and number < bounds[0]) or (bounds[1] is not None and number > bounds[1]):
            person_cannot(f"{element['action_id']} is out of its bounds: {text}")
    return text


def element_state(element: Json, value: object = ..., *, required: bool = False) -> Json:
    """Return one element's state: `value` as a person gives it (`...` leaves what was there at first).

    Text and numbers are strings, a menu takes an option's value, menus of many a list of them. A required input left
    empty, or content the client would not take, raises PersonCannotError.
    """
    name, initial = _STORED[element["type"]]
    found: object = element.get(initial) if value is ... else value
    if name == "value":
        found = _checked_text(element, found, required=required)
    elif value is not ...:
        if name == "selected_option" and value is not None:
            found = _option(element, value)
        elif name == "selected_options":
            found = [_option(element, item) for item in (value if isinstance(value, list) else [value])]
    elif name.endswith("s") and found is None:
        found = []
    if required and not found:
        person_cannot(f"{element['action_id']} must be filled in")
    return {"type": element["type"], name: found}


def _given(values: Mapping[str, object], block_id: str, action_id: str) -> object:
    value = values.get(block_id, ...)
    return value.get(action_id, ...) if isinstance(value, dict) else value


def filled_state(blocks: list[Json], values: Mapping[str, object], *, submitting: bool) -> Json:
    """Return `state.values` of all inputs; `values` is `{block_id: value}` or `{block_id: {action_id: value}}`.

    Raises PersonCannotError for a block that is not there, or (when submitting) a required input left empty.
    """
    unknown = set(values) - {block["block_id"] for block in blocks}
    if unknown:
        raise PersonCannotError(f"no such block: {', '.join(sorted(unknown))}")
    state: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in _STORED and element["type"] != "overflow":
                required = submitting and block["type"] == "input" and not block.get("optional")
                given = _given(values, block["block_id"], element["action_id"])
                state.setdefault(block["block_id"], {})[element["action_id"]] = element_state(
                    element,
                    given,
                    required=required,
                )
    return state
