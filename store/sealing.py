"""What the audit says in clear of a request that hides something or belongs to a subject, and the rest, sealed (T23).

A line of the audit is hashed as it stands and never rewritten. So what may have to be forgotten is encrypted before it
is hashed (AES-256-GCM, NIST SP 800-38D, a key for each subject): whoever destroys the key has erased it from every copy
of the line, and no hash changes. Beside the box stands what everybody may read: ids, digests, states, times, and who.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Assessment, Decision, Delivery, Execution, Option, Revision, Route
from bot.core.redaction import WITHHELD, Veil, veil_of
from store import rows

SEALED = "sealed"
"""The entry of a line's data that holds the box."""

KEY_BYTES = 32
_NONCE = 12

_LINES = frozenset({"subject"})
"""The members of a channel's handle that repeat a card's title."""

_SAFE = frozenset({"digest", "revision", "stage", "shown", "fully_shown", "channel", "attempt", "broke_glass", "batch"})
"""What an event says beside the tables, and may stand in clear whoever's data its request carries."""


class Box(Struct, frozen=True):
    """``key`` is the id of the key that opens it, ``box`` the nonce, the text and its tag, base64."""

    key: str
    box: str


def new_key() -> str:
    """A random key, base64."""
    return b64encode(os.urandom(KEY_BYTES)).decode()


def seal(key_id: str, key: str, request: str, data: bytes) -> Box:
    """The data encrypted; it opens for this request only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # 20 ms, where nothing is sealed

    nonce = os.urandom(_NONCE)
    sealed = AESGCM(b64decode(key)).encrypt(nonce, data, request.encode())
    return Box(key_id, b64encode(nonce + sealed).decode())


def unseal(box: Box, keys: Mapping[str, str], request: str) -> bytes | None:
    """The data; None where its key is destroyed or is not known. Raises ``ValueError`` where it was tampered with."""
    key = keys.get(box.key)
    if not key:
        return None
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # as in `seal`
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as in `seal`

    raw = b64decode(box.box)
    try:
        return AESGCM(b64decode(key)).decrypt(raw[:_NONCE], raw[_NONCE:], request.encode())
    except InvalidTag:
        raise ValueError(f"a sealed line of {request} does not open with its key {box.key}") from None


def bare_content(content: Revision) -> Revision:
    """A revision without anything that a person or an agent wrote."""
    return replace(
        content,
        arguments={},
        proposed=None,
        reason=None,
        labels={},
        context={},
        on_behalf_of=None,
        options=tuple([Option(option.id, WITHHELD) for option in content.options]),
        differs=(),
    )


def bare_decision(made: Decision) -> Decision:
    """A decision without its words; its category is one that a person wrote."""
    return replace(made, comment=None, category=None, answer=None, edits=())


def bare_execution(run: Execution) -> Execution:
    """A run without what it gave back."""
    incidents = tuple([replace(one, note=WITHHELD) for one in run.incidents])
    return replace(run, result=None, error=None, incidents=incidents)


def bare_delivery(sent: Delivery) -> Delivery:
    """A delivery without what its failure said, which may quote the card, and without a letter's subject line."""
    if not quotes(sent):
        return sent
    handle = {name: WITHHELD if name in _LINES else value for name, value in (sent.handle or {}).items()}
    return replace(sent, error=sent.error and WITHHELD, handle=handle if sent.handle else sent.handle)


def quotes(sent: Delivery) -> bool:
    """Whether a delivery says anything of the card itself."""
    return bool(sent.error) or (sent.handle is not None and not _LINES.isdisjoint(sent.handle))


def bare_route(route: Route) -> Route:
    """A route without the texts that may repeat what was asked."""
    checks = tuple([replace(check, detail="") for check in route.checks])
    return replace(route, why=WITHHELD, warnings=(), checks=checks, hidden=(), notes=(), unsaid=())


def bare_advice(advice: tuple[Assessment, ...]) -> tuple[Assessment, ...]:
    """Opinions without their notes."""
    return tuple([replace(given, note=None) for given in advice])


class _Veiling(Struct, frozen=True):
    """How each kind of value is shown where a route hides something."""

    veil: Veil

    def request(self, told: dict[str, Any]) -> dict[str, Any]:
        shown = {**told}
        if "route" in told:
            shown["route"] = self.veil.route(msgspec.convert(told["route"], Route))
        for name in ("title", "answer"):
            if name in told:
                shown[name] = self.veil.text_or_none(told[name])
        if "advice" in told:
            given = msgspec.convert(told["advice"], tuple[Assessment, ...])
            shown["advice"] = [replace(one, note=self.veil.text_or_none(one.note)) for one in given]
        return shown


def _bare_request(told: dict[str, Any]) -> dict[str, Any]:
    shown = {**told}
    if "route" in told:
        shown["route"] = bare_route(msgspec.convert(told["route"], Route))
    if "title" in told:
        shown["title"] = WITHHELD
    if "answer" in told:
        shown["answer"] = None
    if "advice" in told:
        shown["advice"] = bare_advice(msgspec.convert(told["advice"], tuple[Assessment, ...]))
    return shown


def in_clear(data: bytes, veil: Veil, *, whose: bool) -> dict[str, Any]:
    """What everybody may read of a line's data; ``whose``: it is a subject's, so that only what is bare stays."""
    told: dict[str, Any] = msgspec.json.decode(data)
    shown: dict[str, Any] = {}
    for name, value in told.items():
        if name in ("request", "before"):
            shown[name] = _bare_request(value) if whose else _Veiling(veil).request(value)
        elif name == "revision":
            content = msgspec.convert(value, Revision)
            shown[name] = bare_content(content) if whose else veil.content(content)
        elif name == "decision":
            made = msgspec.convert(value, Decision)
            shown[name] = bare_decision(made) if whose else veil.decision(made)
        elif name == "execution":
            run = msgspec.convert(value, Execution)
            shown[name] = bare_execution(run) if whose else veil.execution(run)
        elif name == "deliveries":
            given = msgspec.convert(value, tuple[Delivery, ...])
            shown[name] = [bare_delivery(sent) if whose else veil.delivery(sent) for sent in given]
        elif name in _SAFE:
            shown[name] = value
        elif not whose:
            shown[name] = veil.value(value)
    return shown


def opened_line(body: str, keys: Mapping[str, str], route: Route, contents: tuple[Revision, ...]) -> str:
    """A line's body as people of the house read it: opened while its key is there, without what its route hides."""
    line: dict[str, Any] = msgspec.json.decode(body)
    sealed = line["data"].get(SEALED)
    if sealed is None:
        return body
    data = unseal(msgspec.convert(sealed, Box), keys, line["request"])
    line["data"] = {k: v for k, v in line["data"].items() if k != SEALED}
    if data is not None:
        line["data"] = in_clear(data, veil_of(route, *contents), whose=False)
    return rows.json_text(line)
