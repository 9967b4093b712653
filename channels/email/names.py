"""What letters are called: names that stay the same when a letter is sent again, and their Message-IDs and tokens.

A letter's name is ``<delivery>.r<revision>`` or ``dig_…``; what is written later in its thread bears the same name.
A Message-ID carries the name and a mark that only this house can make, so that a forged bounce finds nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from bot.core.token import MARK, Marks

_ID = re.compile(
    rf"<?([A-Za-z0-9_]{{1,64}}(?:\.r[0-9]{{1,9}})?)\.([A-Za-z0-9_]{{1,64}})\.({MARK})(?:@[^\s<>@]{{1,255}})?>?"
)
_DIGEST = "dig_"
CARD = "card"
"""What the first letter of a name is."""


class Names:
    """Makes and reads the names of letters."""

    def __init__(self, secrets: Sequence[str], domain: str) -> None:
        """``domain`` is the sender's, on the right of every Message-ID."""
        self._letters = Marks(secrets, "email.letter")
        self._replies = Marks(secrets, "email.reply")
        self._domain = domain

    @staticmethod
    def card(delivery: str, revision: int) -> str:
        """The name of the letter that shows one revision of a request to one person."""
        return f"{delivery}.r{revision}"

    @staticmethod
    def is_digest(name: str) -> bool:
        """Whether a name is a digest's, whose answers say numbers."""
        return name.startswith(_DIGEST)

    @staticmethod
    def digest(parts: Iterable[str]) -> str:
        """The name of the letter that holds these."""
        return _DIGEST + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:26]

    def message_id(self, name: str, what: str = CARD) -> str:
        """The Message-ID of one letter under a name; ``what`` tells it from the others of its thread."""
        return f"<{self.envelope_id(name, what)}@{self._domain}>"

    def envelope_id(self, name: str, what: str = CARD) -> str:
        """The same without the domain, for the envelope (RFC 3461, ENVID)."""
        return f"{name}.{what}.{self._letters.make(name, what)}"

    def name_in(self, identifier: str) -> str | None:
        """The name in a Message-ID or envelope id of ours; None for any that this house did not make."""
        found = _ID.fullmatch(identifier.strip())
        if found is None or not self._letters.holds(found[3], found[1], found[2]):
            return None
        return found[1]

    def token(self, name: str) -> str:
        """The token in the reply address of a letter."""
        return self._replies.make(name)
