"""How Slack refuses: always by an error code, sometimes with explaining messages."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it travels: keys are Slack's, values are plain JSON."""


class SlackError(Exception):
    """Slack answers `ok: false` with this code."""

    def __init__(self, code: str, *, messages: list[str] | None = None, **extra: str) -> None:
        """Keep the code, the lines for `response_metadata.messages` and further top-level fields."""
        super().__init__(code)
        self.code = code
        self.messages = messages or []
        self.extra = extra

    def body(self) -> Json:
        """Return the JSON body that Slack would send (HTTP status 200)."""
        body: Json = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {line}" for line in self.messages]}
        return body


class RateLimitedError(Exception):
    """Slack answers HTTP 429; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        """Keep the value of the `Retry-After` header."""
        super().__init__(retry_after)
        self.retry_after = retry_after


class PersonCannotError(Exception):
    """Slack's own client would not let the person do this, so the app never hears of it."""


def refuse(code: str, **extra: str) -> NoReturn:
    """Refuse a Web API call with Slack's error code."""
    raise SlackError(code, messages=None, **extra)


def person_cannot(why: str) -> NoReturn:
    """Stop a driver where the real client offers no way to go on."""
    raise PersonCannotError(why)
