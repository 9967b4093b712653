"""A private key of ours, made without the library of ciphers: that takes 40 ms and 13 MB, and most starts need none."""

from __future__ import annotations

import base64
import secrets

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256's group; a private key is a number from 1 to one below it (SP 800-186, 3.2.1.3)."""


def new_key() -> str:
    """A private key, base64url of its 32 bytes: a number drawn evenly (FIPS 186-5, A.2.2)."""
    number = 1 + secrets.randbelow(_ORDER - 1)
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
