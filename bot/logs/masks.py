"""No secret reaches the log (threat T23): the configured ones by their value, everybody else's by their shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
_SHORTEST = 6
"""Characters. Anything shorter is in half of all lines by chance, and no secret either."""

_SECRET = re.compile(r"(?:SECRET|TOKEN|PASSWORD|PASSPHRASE|KEY)$")
_LISTS = re.compile(r"[\s,]+")
_SERVICES = "APPRISE_URLS"
"""Its addresses hold their secret wherever the service wants it: as name, password, host or path."""

_SHAPES = re.compile(
    r"""
    (?P<slack>\bxox[a-z]-[A-Za-z0-9-]{6,}|\bxapp-[A-Za-z0-9-]{6,})
    |(?P<webhook>\bwhsec_[A-Za-z0-9+/_-]{8,}={0,2})
    |(?P<key>\bsk_[a-z]+_[A-Za-z0-9_-]{8,})
    |(?P<audit>\bauditsk_[A-Za-z0-9_-]{8,})
    |(?P<ntfy>\btk_[a-z0-9]{12,})
    |(?P<bearer>(?<=\bbearer[ ])[A-Za-z0-9._~+/-]{6,}=*)
    |(?P<jwt>\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)
    |(?P<password>(?<=://)[^\s/?\#@"'<>]{0,200}:[^\s/?\#@"'<>]{0,200}(?=@))
    |(?P<link>(?<=/sign-in/)(?!oidc\b)[A-Za-z0-9_-]{16,})
    |(?P<reply>(?<=\+)[A-Za-z0-9]{16,}(?=@))
    |(?P<query>(?<=[?&])(?:access_token|client_secret|code|for|mark|password|secret|sig|state|token)=[^\s&"'<>\#]+)
    |(?P<cookie>(?<=\bsayso=)[A-Za-z0-9_-]{16,})
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _hidden(found: re.Match[str]) -> str:
    text = found.group()
    if found.lastgroup == "password":
        return f"{text.partition(':')[0]}:{HIDDEN}"
    return f"{text.partition('=')[0]}={HIDDEN}" if found.lastgroup == "query" else HIDDEN


class Masks:
    """Takes secrets out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets``: values that never may be said, as they are or percent-encoded; those under 6 characters may."""
        given = {secret for secret in secrets if len(secret) >= _SHORTEST}
        spelt = given | {quote(secret, safe="") for secret in given}
        # The longest first: one that begins as another does would leave its end behind.
        longest = sorted(spelt, key=lambda secret: (-len(secret), secret))
        self._values = re.compile("|".join(map(re.escape, longest))) if longest else None

    def hide(self, text: str) -> str:
        """The text without them."""
        if self._values is not None:
            text = self._values.sub(HIDDEN, text)
        return _SHAPES.sub(_hidden, text)


def secrets_among(values: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets in variables of the environment: tokens and keys by their names, passwords in any address."""
    found: list[str] = []
    for name, value in values.items():
        pieces = [piece for piece in _LISTS.split(value) if piece]
        if _SECRET.search(name):
            found += pieces
        if name.endswith("_HEADERS"):
            found += [piece.partition("=")[2] for piece in value.split(",")]
        for piece in pieces:
            if name == _SERVICES:
                found += _of_a_service(piece)
            elif "://" in piece:
                found += _password(piece)
    return tuple(dict.fromkeys(secret for secret in found if secret))


def _password(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield parts.password
        yield unquote(parts.password)


def _of_a_service(piece: str) -> Iterator[str]:
    url = re.sub(r"^[a-z0-9_.-]+=(?=[a-z0-9+.-]+://)", "", piece, flags=re.IGNORECASE)
    yield url
    yield from _password(url)
    _, _, rest = url.partition("://")
    # A name of ten letters is a word; what a service calls a token is longer.
    yield from (part for part in re.split(r"[/@:?&=]+", rest) if len(part) > 10 and "." not in part)  # noqa: PLR2004
