"""The arguments of one Web API call, as they came by form, query or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.slack.errors import Json, SlackError, refuse

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True)
class Args:
    """Named arguments; values are strings (forms) or JSON values (JSON bodies)."""

    values: Json

    def text(self, name: str, *, optional: bool = False) -> str:
        """Return a string argument; a missing one that is not optional is `invalid_arguments`."""
        value = self.values.get(name)
        if value is None or value == "":
            if optional:
                return ""
            raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
        if not isinstance(value, str):
            raise SlackError("invalid_arguments", messages=[f"must be a string [json-pointer:/{name}]"])
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean argument: `true`, `1` or a JSON true."""
        value = self.values.get(name)
        return default if value is None else str(value).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number, or refuse with `invalid_arguments`."""
        value = self.values.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", messages=[f"must be an integer [json-pointer:/{name}]"]) from None


async def read_args(request: web.Request) -> Args:
    """Read query and body; refuses with `invalid_json`, `json_not_object` or `invalid_post_type`.

    Slack takes JSON bodies for methods that write only; this fake takes them for all.
    """
    values: Json = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return Args(values)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text())
        except ValueError:
            refuse("invalid_json")
        if not isinstance(body, dict):
            refuse("json_not_object")
        body.pop("token", None)  # Slack ignores a token in a JSON body
        return Args({**values, **body})
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        refuse("invalid_post_type")
    form = await request.post()
    return Args({**values, **{name: value for name, value in form.items() if isinstance(value, str)}})
