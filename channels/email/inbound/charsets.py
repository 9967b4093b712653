"""Bytes to text, whatever their label claims. Nothing here raises, and every codec takes linear time."""

from __future__ import annotations

import binascii
import codecs
import re

_KNOWN = re.compile(
    r"utf-?(8|16|32)([-_]?[bl]e)?|us-ascii|ascii|iso[-_]?8859[-_]\d{1,2}|latin-?\d|windows-?\d{3,4}|cp-?\d{3,4}"
    r"|koi8[-_][ru]|iso[-_]?2022[-_](jp|kr)([-_]\w{1,4})?|euc[-_](jp|kr)|shift[-_]?jis|gb2312|gbk|gb18030|big5"
    r"(hkscs|-hkscs)?|hz(-gb-2312)?|tis-620|mac[-_]?(roman|cyrillic|greek|latin2)|ks_c_5601-1987"
)
"""Charsets that mail is written in. Python's other codecs are no charsets: punycode takes quadratic time, utf-7 and
the escapes turn harmless bytes into other text."""

_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932",
    "iso-8859-1": "cp1252",
}
"""What is really meant where a label is narrower than what is written under it (WHATWG Encoding, section 4.2)."""

_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_NO_LABEL = ("", "us-ascii", "ascii")


def decoded(raw: bytes, charset: str) -> str:
    """Text of bytes under a label. An unknown or missing label is UTF-8, else Windows-1252; what is left is U+FFFD."""
    label = charset.strip().lower()
    if label not in _NO_LABEL and _KNOWN.fullmatch(label):
        try:
            return codecs.lookup(_WIDER.get(label, label)).decode(raw, "replace")[0]
        except (LookupError, UnicodeError, ValueError):
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def unbase64(raw: bytes) -> bytes:
    """What base64 stands for; strange characters are skipped, padding ends it, a cut end is dropped (RFC 2045, 6.8)."""
    clean = _NO_BASE64.sub(b"", raw.partition(b"=")[0])
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def unquoted_printable(raw: bytes, *, header: bool = False) -> bytes:
    """What quoted-printable stands for; ``header``: as the Q encoding of RFC 2047, where an underscore is a space."""
    return binascii.a2b_qp(raw, header=header)
