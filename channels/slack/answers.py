"""What Slack is answered: dealt with, not dealt with (the person sees an error), or what a modal shows next."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct

_OK, _UNAVAILABLE = 200, 503


class Answer(Struct, frozen=True):
    """A status and a JSON body (None: empty). Over Socket Mode only 200 is acknowledged; Slack then shows an error."""

    status: int
    body: dict[str, Any] | None = None
    said: str | None = None
    """The refusal in it, as a sentence, for when the answer comes too late to be shown."""

    @classmethod
    def done(cls) -> Self:
        """Dealt with; a modal closes."""
        return cls(_OK)

    @classmethod
    def unfinished(cls) -> Self:
        """Not committed: Slack shows the person its error, and sends an event again."""
        return cls(_UNAVAILABLE)

    @classmethod
    def beside(cls, errors: dict[str, str]) -> Self:
        """The modal stays, with these errors beside its fields."""
        said = "; ".join(errors.values())
        return cls(_OK, {"response_action": "errors", "errors": errors}, said)

    @classmethod
    def instead(cls, view: dict[str, Any], said: str) -> Self:
        """The modal shows this instead."""
        return cls(_OK, {"response_action": "update", "view": view}, said)

    @classmethod
    def saying(cls, message: dict[str, Any]) -> Self:
        """A command's answer, which only its author sees."""
        return cls(_OK, {"response_type": "ephemeral", **message})
