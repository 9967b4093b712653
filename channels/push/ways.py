"""What every way of a push is: it shows a notice to one person, and takes it away again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from bot.core.model import Person, PushWay, Verb


class NoticeKind(StrEnum):
    """What a notice is: a request to decide, a word about one, or that it is over."""

    ASK = "ask"
    NOTE = "note"
    CLOSE = "close"


class Button(Struct, frozen=True):
    """A button: what it decides, and the token that says so. The token is a secret of its reader."""

    verb: Verb
    token: str

    @property
    def title(self) -> str:
        """What it says."""
        return self.verb.value.capitalize()


class Notice(Struct, frozen=True, kw_only=True):
    """One notification. A later one of the same ``tag`` takes its place; after ``until`` it is worth nothing."""

    kind: NoticeKind
    tag: str
    title: str
    body: str
    url: str
    until: datetime
    buttons: tuple[Button, ...] = ()


class Way(Protocol):
    """One way to the screens of a person; None stands for the shared place."""

    kind: PushWay
    presses: bool
    """Whether a notice can have buttons there."""

    def reaches(self, person: Person | None) -> bool:
        """Whether this way leads to them. Pure."""

    async def show(self, person: Person | None, notice: Notice) -> None:
        """Show a notice; done once one screen's service took it. Raises `SendFailed`."""

    async def close(self, person: Person | None, tag: str, until: datetime) -> None:
        """Take away what stands under a tag, where this way can. Raises `SendFailed`."""

    async def start(self) -> None:
        """Open what is needed."""

    async def stop(self) -> None:
        """Let connections go."""

    def fault(self) -> str | None:
        """What is wrong, in one line, or None."""
