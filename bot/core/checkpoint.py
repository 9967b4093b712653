"""Signed checkpoints of the audit: this house says, at this time, that line ``seq`` of its trail has this hash.

As each line's hash stands on all lines before it, one checkpoint pins the whole trail up to its line. What is signed is
the RFC 8785 form of the checkpoint; the keys that sign stand in it, in the order of the signatures (Ed25519, RFC 8032).
While keys are rotated two of them sign, and so the old key vouches for the new.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bot.core.digest import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPE: Literal["sayso.audit.checkpoint.v1"] = "sayso.audit.checkpoint.v1"
"""Stands in what is signed, so that no signature over anything else can be taken for one over a checkpoint."""

EVENT = "audit.checkpoint"
"""The type of the event that carries a checkpoint on the trail, and of the webhook that carries it out."""

PUBLIC, PRIVATE = "auditpk_", "auditsk_"
"""How keys are written: this, and base64url of their 32 bytes without padding. One cannot be taken for the other."""

_BYTES = 32


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed. ``house`` is what the house calls itself (its address); ``at`` is aware, UTC, whole seconds.

    ``every`` seconds is how often the house signs while lines are added: lines that are older and signed by nobody are
    suspect. ``keys`` are the public keys that sign this one, the first of them the house's own from here on.
    """

    type: Literal["sayso.audit.checkpoint.v1"] = TYPE
    house: str
    seq: int
    hash: str
    at: datetime
    every: int
    keys: tuple[str, ...]


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checkpoint and its signatures (base64), each by the key at the same place in ``checkpoint.keys``."""

    checkpoint: Checkpoint
    signatures: tuple[str, ...]


_signed = msgspec.json.Decoder(Signed)


class SigningKey:
    """A private key, which never shows itself."""

    def __init__(self, text: str) -> None:
        """Raises ``ValueError`` on what is no private key; the text itself is not repeated in it."""
        if not text.startswith(PRIVATE):
            raise ValueError(f"a private key begins with {PRIVATE}")
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  # as in _public

        self._key = Ed25519PrivateKey.from_private_bytes(_bytes_of(text.removeprefix(PRIVATE)))
        self.public = PUBLIC + _text_of(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> str:
        """The signature, base64."""
        return base64.b64encode(self._key.sign(message)).decode()


def private_key(seed: bytes) -> str:
    """The private key that 32 random bytes make, as it is written."""
    if len(seed) != _BYTES:
        raise ValueError("a key is made of 32 random bytes")
    return PRIVATE + _text_of(seed)


def is_public_key(text: str) -> bool:
    """Whether this is a public key as it is written."""
    try:
        return text.startswith(PUBLIC) and bool(_public(text))
    except ValueError:
        return False


def _public(text: str) -> Ed25519PublicKey:
    # 15 ms and 5 MB that a house without keys does without.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  # see above

    return Ed25519PublicKey.from_public_bytes(_bytes_of(text.removeprefix(PUBLIC)))


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    """The 32 bytes that a key's text writes, in the one way that writes them."""
    try:
        raw = base64.urlsafe_b64decode(text + "=")
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _BYTES or _text_of(raw) != text:
        raise ValueError("a key is base64url of 32 bytes, without padding")
    return raw


def sign(*, keys: tuple[SigningKey, ...], house: str, seq: int, digest: str, at: datetime, every: int) -> Signed:
    """The checkpoint of line ``seq``, whose hash is ``digest``, signed by every key."""
    checkpoint = Checkpoint(
        house=house,
        seq=seq,
        hash=digest,
        at=at.replace(microsecond=0),
        every=every,
        keys=tuple(key.public for key in keys),
    )
    message = _message(checkpoint)
    return Signed(checkpoint=checkpoint, signatures=tuple(key.sign(message) for key in keys))


def _message(checkpoint: Checkpoint) -> bytes:
    return canonical(msgspec.to_builtins(checkpoint))


def genuine(signed: Signed) -> bool:
    """Whether each of the keys that it names has signed it; whose keys they are is another question."""
    keys, signatures = signed.checkpoint.keys, signed.signatures
    if not keys or len(set(keys)) != len(keys) or len(keys) != len(signatures):
        return False
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # as in _public

    try:
        message = _message(signed.checkpoint)
        for key, signature in zip(keys, signatures, strict=True):
            _public(key).verify(base64.b64decode(signature, validate=True), message)
    except (ValueError, InvalidSignature):
        return False
    return True


def document(signed: Signed) -> dict[str, Any]:
    """The checkpoint as the event and the webhook carry it."""
    told: dict[str, Any] = msgspec.to_builtins(signed)
    return told


def text(signed: Signed) -> str:
    """The checkpoint as one line of JSON, without a line end."""
    return msgspec.json.encode(signed).decode()


def read(told: str | bytes | msgspec.Raw) -> Signed:
    """The checkpoint that a JSON text is. Raises ``msgspec.DecodeError`` on anything else."""
    return _signed.decode(told)


def name_of(signed: Signed) -> str:
    """A name that sorts by line and is this checkpoint's alone: the line's number and the text's SHA-256, shortened."""
    return f"{signed.checkpoint.seq:020d}-{hashlib.sha256(text(signed).encode()).hexdigest()[:16]}"
