"""The variables of email: where letters go out and come in, and whose word counts on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from msgspec import Struct

from bot.core.servers import MAIL_IN, MAIL_LISTEN, MAIL_OUT, Server, server_of

_TOKEN = "{token}"  # noqa: S105  # the blank in EMAIL_REPLY_TO, no secret
_TOKEN_LENGTH = 26
"""Characters of a mark (`bot.core.token.Marks`), which the blank is filled with."""
_MOST_LOCAL = 64
"""Octets before the @ (RFC 5321, 4.5.3.1.1)."""
_MOST_ADDRESS = 254
"""Octets of an address (RFC 5321, 4.5.3.1.3, without its angle brackets)."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""A dot-atom at a host name in ASCII: every mail server takes it, with or without SMTPUTF8."""
_NAMED = re.compile(r"""(?:[^"<>@,;:()\[\]\\]*|"(?:[^"\\]|\\["\\])*+"\ *)<([^<>]+)>""")
"""A display name, quoted where it holds one of RFC 5322's specials, and the address."""
_AUTHSERV_ID = re.compile(r"[^\s;\"\\]{1,255}")
_NEED_SMTP = ("EMAIL_FROM", "EMAIL_REPLY_TO", "IMAP_URL", "EMAIL_LISTEN", "EMAIL_AUTHSERV_ID", "EMAIL_DNS")


class Mail(Struct, frozen=True, kw_only=True):
    """What the variables of email say, checked; ``smtp`` None: email is off."""

    smtp: Server | None
    sender: str
    reply_to: str | None
    imap: Server | None
    listen: Server | None
    authserv_id: str | None
    dns: str | None


def mail_of(values: Mapping[str, str], problems: list[str]) -> Mail:
    """The variables of email, each checked by itself and against the others; one line a problem, no secret in any."""
    mail = Mail(
        smtp=_server("SMTP_URL", values, MAIL_OUT, problems),
        sender=values["EMAIL_FROM"],
        reply_to=values["EMAIL_REPLY_TO"] or None,
        imap=_server("IMAP_URL", values, MAIL_IN, problems),
        listen=_server("EMAIL_LISTEN", values, MAIL_LISTEN, problems),
        authserv_id=values["EMAIL_AUTHSERV_ID"] or None,
        dns=values["EMAIL_DNS"] or None,
    )
    _together(values, problems)
    if mail.sender and not _is_mailbox(mail.sender):
        problems.append("EMAIL_FROM: must be one mailbox, such as Sayso <sayso@example.com>.")
    if mail.reply_to:
        problems += _reply_faults(mail.reply_to)
    if mail.listen is not None and (mail.listen.user or mail.listen.password or mail.listen.folder):
        problems.append(
            "EMAIL_LISTEN: takes an address and a port alone, such as lmtp://127.0.0.1:8024; "
            "who may hand letters in is your mail server's and your firewall's to say."
        )
    if mail.authserv_id and not _AUTHSERV_ID.fullmatch(mail.authserv_id):
        problems.append("EMAIL_AUTHSERV_ID: must be one word, such as mx.example.com.")
    if mail.dns and not _is_resolver(mail.dns):
        problems.append("EMAIL_DNS: must be an address in numbers and a port, such as 127.0.0.1:53 or [::1]:53.")
    return mail


def _server(name: str, values: Mapping[str, str], schemes: Mapping[str, int], problems: list[str]) -> Server | None:
    if not values[name]:
        return None
    try:
        return server_of(values[name], schemes)
    except ValueError as wrong:
        problems.append(f"{name}: {wrong}.")
        return None


def _together(values: Mapping[str, str], problems: list[str]) -> None:
    """What one variable needs of another."""
    if values["SMTP_URL"] and not values["EMAIL_FROM"]:
        problems.append("EMAIL_FROM: missing; set it to who letters are from, such as Sayso <sayso@example.com>.")
    needing = [name for name in _NEED_SMTP if values[name]]
    if needing and not values["SMTP_URL"]:
        problems.append(f"SMTP_URL: missing, and without it {needing[0]} does nothing; set it, or take that out.")
    hearing = [name for name in ("IMAP_URL", "EMAIL_LISTEN") if values[name]]
    if hearing and not values["EMAIL_REPLY_TO"]:
        problems.append(
            f"EMAIL_REPLY_TO: missing, and without it nothing arrives by {hearing[0]}; "
            "set it, such as approvals+{token}@example.com."
        )


def _is_mailbox(text: str) -> bool:
    """Whether a text is exactly one address in ASCII, bare, or in angle brackets with a display name before it."""
    # The library's parser of addresses takes more than this, and raises errors of its own making on what it does not.
    named = _NAMED.fullmatch(text) if text.isprintable() else None
    return _is_address(named[1] if named else text)


def _is_address(address: str) -> bool:
    if _ADDRESS.fullmatch(address) is None or len(address) > _MOST_ADDRESS:
        return False
    return len(address.rpartition("@")[0]) <= _MOST_LOCAL


def _reply_faults(pattern: str) -> list[str]:
    local, _, domain = pattern.rpartition("@")
    if pattern.count(_TOKEN) != 1 or _TOKEN not in local:
        return ["EMAIL_REPLY_TO: must hold {token} once, before the @: approvals+{token}@example.com."]
    filled = local.replace(_TOKEN, "a" * _TOKEN_LENGTH)
    if len(filled) > _MOST_LOCAL:
        most = _MOST_LOCAL - _TOKEN_LENGTH
        return [f"EMAIL_REPLY_TO: too long before the @; beside {{token}} there is room for {most} characters there."]
    if not _is_address(f"{filled}@{domain}"):
        return ["EMAIL_REPLY_TO: must be a bare address with {token} in it: approvals+{token}@example.com."]
    return []


def _is_resolver(text: str) -> bool:
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        version = ip_address(bare).version
    except ValueError:
        return False
    # Without its brackets an IPv6 address could not be told from its port.
    return (version == 4) == (bare == host) and port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16  # noqa: PLR2004  # IP version 4
