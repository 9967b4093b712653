"""What somebody decided of late: the part of `bot.core.ports.Tx` that guards of attention ask."""

from __future__ import annotations

from datetime import datetime

from bot.core.model import Edit, Verb
from bot.core.ports import Act
from store import rows
from store.cursor import Cursor


def _edits(body: str | None) -> tuple[Edit, ...]:
    return () if body is None else rows.decision_of(body).edits


class ActsTx:
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor

    def acts_on(self, person: str, action: str, most: int) -> tuple[Act, ...]:
        """See `Tx.acts_on`."""
        asked = {"person": person, "action": action, "most": most}
        found = self._cursor.all(self._cursor.say.acts.acts_on, asked)
        return tuple([Act(rows.moment(at), Verb(verb), _edits(body)) for at, verb, body in found])

    def votes_of(self, person: str, most: int) -> tuple[datetime, ...]:
        """See `Tx.votes_of`."""
        found = self._cursor.all(self._cursor.say.acts.votes_of, {"person": person, "most": most})
        return tuple([rows.moment(at) for (at,) in found])
