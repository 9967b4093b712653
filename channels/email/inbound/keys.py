"""DKIM verified here (RFC 6376), where no server is trusted to have done it. What dkimpy leaves open is closed first.

dkimpy is given the fields as this house split them, so that it cannot see others. It takes SHA-1, keys of test
domains, any size of key and a signature over half a letter, and takes quadratic time over long blanks: not here.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import time

import dkim
from dkim.crypto import UnparsableKeyError, parse_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

from channels.email.inbound.alignment import aligned, is_domain
from channels.email.inbound.asking import KeysUnknown, Resolve
from channels.email.inbound.values import Mail

MOST_SIGNATURES = 5
FEWEST_BITS = 1024
MOST_BITS = 4096
"""Of a key (RFC 8301, 3.2). A larger one would keep Python busy: whoever sends the mail chooses the key."""

_MOST_EXPONENT = 2**32
_LONGEST_SIGNATURE = 8_000
_LONGEST_RECORD = 2_000
_MOST_COVERED = 200
_BLANKS = re.compile(rb"[ \t]+")
_HEADER_END = re.compile(rb"\n\r?\n")

_QUIET = logging.Logger("dkim", logging.CRITICAL)  # noqa: LOG001  # no root above it: a stranger's letter fills no log
_QUIET.addHandler(logging.NullHandler())


def signed_by(mail: Mail, sender_domain: str, resolve: Resolve) -> list[frozenset[str]]:
    """The signatures that hold and are aligned to ``sender_domain``: of each, the names of the fields it covers.

    Blocks for as long as ``resolve`` does. Raises `KeysUnknown` where none holds and a key could not be asked for.
    """
    held: list[frozenset[str]] = []
    unknown: list[bytes] = []

    def known(name: bytes) -> bytes | None:
        try:
            return resolve(name)
        except KeysUnknown:
            unknown.append(name)
            return None

    values = [value for name, value in mail.headers if name.lower() == "dkim-signature"]
    body: bytes | None = None
    for number, value in enumerate(values[:MOST_SIGNATURES]):
        tags = _signature(value)
        if tags is None or not aligned(_text(tags[b"d"]).lower(), sender_domain):
            continue
        body = _body(mail.raw) if body is None else body
        if _holds(mail, number, tags, body, known):
            held.append(frozenset(_text(name).strip().lower() for name in tags[b"h"].split(b":")))
    if unknown and not held:
        raise KeysUnknown
    return held


def _signature(value: bytes) -> dict[bytes, bytes] | None:
    """The tags of a signature that is worth asking the DNS about."""
    if len(value) > _LONGEST_SIGNATURE:
        return None
    try:
        tags: dict[bytes, bytes] = parse_tag_value(value)
    except InvalidTagValueList:
        return None
    if any(tag not in tags for tag in (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")) or b"l" in tags:
        return None
    names = [name.strip().lower() for name in tags[b"h"].split(b":")]
    domain, selector = _text(tags[b"d"]).lower(), _text(tags[b"s"]).lower()
    expires = tags.get(b"x", b"")
    good = (
        tags[b"a"] == b"rsa-sha256"
        and b"from" in names
        and len(names) <= _MOST_COVERED
        and is_domain(domain)
        and is_domain(selector)
        and (b"x" not in tags or (expires.isdigit() and len(expires) <= 12 and int(expires) >= time.time()))  # noqa: PLR2004  # longer than any time to come
    )
    return tags if good else None


def _holds(mail: Mail, number: int, tags: dict[bytes, bytes], body: bytes, resolve: Resolve) -> bool:
    relaxed = tags.get(b"c", b"").rpartition(b"/")[2] == b"relaxed" and b"/" in tags.get(b"c", b"")

    def record(name: bytes, **_: object) -> bytes | None:
        found = resolve(name)
        return found if found is not None and _usable(found, tags) else None

    try:
        checked = dkim.DKIM(logger=_QUIET, minkey=FEWEST_BITS)
        checked.headers = [[name.encode(), value + b"\r\n"] for name, value in mail.headers]
        # dkimpy folds blanks in quadratic time; folded before, they give it nothing to do.
        checked.body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n") if relaxed else body
        return bool(checked.verify(number, dnsfunc=record))
    except Exception:  # noqa: BLE001  # any defect of a signature, a key, or the DNS: it does not hold
        return False


def _usable(record: bytes, signature: dict[bytes, bytes]) -> bool:
    """Whether a key record allows this signature (RFC 6376, 3.6.1)."""
    if len(record) > _LONGEST_RECORD:
        return False
    try:
        tags: dict[bytes, bytes] = parse_tag_value(record)
        key = parse_public_key(base64.b64decode(tags.get(b"p", b"")))
    except (InvalidTagValueList, UnparsableKeyError, binascii.Error, ValueError, IndexError, KeyError, TypeError):
        return False
    flags = [flag.strip() for flag in tags.get(b"t", b"").split(b":")]
    hashes = [name.strip() for name in tags.get(b"h", b"sha256").split(b":")]
    services = [name.strip() for name in tags.get(b"s", b"*").split(b":")]
    domain = signature[b"d"].lower()
    identity = signature.get(b"i", b"@" + domain).rpartition(b"@")[2].lower()
    return (
        tags.get(b"v", b"DKIM1") == b"DKIM1"
        and tags.get(b"k", b"rsa") == b"rsa"
        and b"y" not in flags
        and (b"s" not in flags or identity == domain)
        and b"sha256" in hashes
        and (b"*" in services or b"email" in services)
        and FEWEST_BITS <= key["modulus"].bit_length() <= MOST_BITS
        and 1 < key["publicExponent"] < _MOST_EXPONENT
    )


def _body(raw: bytes) -> bytes:
    """The body with CRLF at each line's end, as it was signed."""
    if raw.startswith((b"\n", b"\r\n")):
        return b""
    end = _HEADER_END.search(raw)
    body = raw[end.end() :] if end else b""
    return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")
