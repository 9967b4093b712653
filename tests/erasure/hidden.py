"""Values that may show nowhere, chosen so that every spelling of them differs, and how they are looked for."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from bot.core.spellings import spellings

CARD = 'Kanári "4929"/é%'
OTHER = "Kanári <5105>&+ü"
TOKEN = "tok/Kanári=9~"  # nobody's
HIDDEN = (CARD, OTHER, TOKEN)
"""What `redact:` and secret names hide: the card as proposed, as edited, and a token."""
PIECE = "Kanári"
"""What is in each of them, and in nothing else: for what is shown in pieces, with markup between."""
CUSTOMER, ORDER, TEAM, ODD = "dana-kanari@example.com", "order-kanari-77", "team-kanari-3", "odd kanari name"
SUBJECTS = (CUSTOMER, ORDER, TEAM, ODD, "313.3725", "4.0625", "4.1875", "4187500")
"""What stands in the requests of a subject, numbers that nobody else has included; the last as limits count it."""


_TELLING = 8
"""Characters of base64, in whatever case, that do not come about by chance in a megabyte of it."""


def found(text: str | bytes, values: tuple[str, ...] = HIDDEN) -> list[str]:
    """The values that stand in a text: as they are, in another case, escaped in whatever way, or in base64."""
    raw = (text if isinstance(text, bytes) else text.encode()).lower()
    return [value for value in values if any(way in raw for way in _ways(value))]


def _ways(value: str) -> set[bytes]:
    marked = {escape(value), escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}
    plain = {way.lower().encode() for way in spellings(value) | marked}
    # In the midst of a longer text, base64 has three forms; what depends on the neighbours is left out of each.
    rolled = (b64encode(b"\0" * shift + value.encode())[(0, 2, 3)[shift] : -4].lower() for shift in range(3))
    # What is sealed is base64, too: a piece of four letters stands in some of it by chance.
    return plain | {piece for piece in rolled if len(piece) >= _TELLING}
