"""What can go wrong with the fake of SMTP, and what it has taken."""

from __future__ import annotations

from email.message import EmailMessage
from enum import StrEnum

from msgspec import Struct


class Stage(StrEnum):
    """Where in the conversation something goes wrong."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"


class Mail(Struct, frozen=True, kw_only=True):
    """One letter as it was taken. ``connection`` counts from 1; ``options`` are those of MAIL and RCPT."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    parsed: EmailMessage
    options: tuple[str, ...]
    connection: int
    encrypted: bool
    user: str | None


class Knob(Struct):
    """What happens at a stage, for so many times (None: for ever)."""

    answer: str | None = None
    cut: bool = False
    delay: float = 0.0
    times: int | None = None
