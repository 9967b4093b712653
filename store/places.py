"""Where a request stood before it could stand at several places at once: what lines of then tell, as tracks of now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from bot.core.model import Track
from store import rows


class Place(msgspec.Struct, frozen=True):
    """One stage, one step of it; the words are those of the lines and columns before the third schema."""

    stage: int = 0
    step: int = 0
    step_at: datetime | None = None
    remind_at: datetime | None = None
    exhausted: bool = False

    def moved(self, told: Mapping[str, msgspec.Raw]) -> Place:
        """The place after a line; ``told`` may say more than places."""
        said = {name: raw for name, raw in told.items() if name in self.__struct_fields__}
        changed = msgspec.convert({name: msgspec.json.decode(raw) for name, raw in said.items()}, Place)
        return msgspec.structs.replace(self, **{name: getattr(changed, name) for name in said})

    def tracks(self, route: str) -> str:
        """The tracks of a request there, as the third schema's revision wrote them; ``route`` is its JSON."""
        if not rows.route_of(route).stages:
            return "[]"
        track = Track(
            stage=self.stage,
            step=self.step,
            step_at=self.step_at,
            remind_at=self.remind_at,
            exhausted=self.exhausted,
        )
        return rows.json_text((track,))
