"""Arrays and objects as shapes: of so many items, of free names, of known members.

A member that is not required may be null, which is the same as leaving it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.pointers import below
from bot.web.shapes import NAMED, Faults, Shape, kind_of, near


@dataclass(frozen=True)
class ListOf:
    """An array of so many of one shape."""

    item: Shape
    most: int
    least: int = 0

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The list, or a fault of type, length or of its items."""
        if not isinstance(value, list):
            faults.add(at, "type", f"must be an array, not {kind_of(value)}")
            return value
        if len(value) > self.most:
            faults.add(at, "max_items", f"must hold at most {self.most:,} items; this has {len(value):,}")
            return value
        if len(value) < self.least:
            faults.add(at, "min_items", f"must hold at least {self.least:,} items; this has {len(value):,}")
            return value
        return [self.item.check(item, f"{at}/{index}", faults) for index, item in enumerate(value)]

    def schema(self) -> dict[str, Any]:
        """An array schema."""
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.schema(), "maxItems": self.most, **least}


@dataclass(frozen=True)
class MapOf:
    """An object of free names, each of one shape."""

    item: Shape
    most: int
    longest_name: int

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The object, or a fault of type, size or of its members."""
        if not isinstance(value, dict):
            faults.add(at, "type", f"must be an object, not {kind_of(value)}")
            return value
        if len(value) > self.most:
            faults.add(at, "max_properties", f"must hold at most {self.most:,} members; this has {len(value):,}")
            return value
        for name, item in value.items():
            if not 1 <= len(name) <= self.longest_name:
                faults.add(at, "name_length", f"names must have 1 to {self.longest_name} characters")
            self.item.check(item, below(at, name), faults)
        return value

    def schema(self) -> dict[str, Any]:
        """An object schema."""
        names = {"minLength": 1, "maxLength": self.longest_name}
        additional = {"additionalProperties": self.item.schema(), "maxProperties": self.most}
        return {"type": "object", "propertyNames": names, **additional}


@dataclass(frozen=True)
class Member:
    """One member of an object: its shape, whether it must be there, and what it means."""

    shape: Shape
    says: str
    required: bool = False


@dataclass(frozen=True)
class Members:
    """An object of known members. ``open`` keeps unknown ones as they are; else they are refused by name."""

    members: Mapping[str, Member]
    open: bool = False

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The members that are there and not null, each checked; every fault is named."""
        if not isinstance(value, dict):
            faults.add(at, "type", f"must be an object, not {kind_of(value)}")
            return value
        taken: dict[str, Any] = {}
        for name, item in value.items():
            member = self.members.get(name)
            if member is None:
                if self.open:
                    taken[name] = item
                elif not faults.full:
                    known = near(name, tuple(self.members))
                    faults.add(below(at, name[:NAMED]), "unknown_member", f"is not a member of this object{known}")
            elif item is not None or member.required:
                taken[name] = member.shape.check(item, f"{at}/{name}", faults)
        for name, member in self.members.items():
            if member.required and name not in value:
                faults.add(f"{at}/{name}", "required", "must be given")
        return taken

    def schema(self) -> dict[str, Any]:
        """An object schema."""
        drawn: dict[str, Any] = {
            "type": "object",
            "properties": {name: _described(member) for name, member in self.members.items()},
            "additionalProperties": self.open,
        }
        if required := [name for name, member in self.members.items() if member.required]:
            drawn["required"] = required
        return drawn


def _described(member: Member) -> dict[str, Any]:
    drawn = member.shape.schema()
    says = f"{member.says} {drawn.pop('description', '')}".strip()
    if not member.required and drawn:
        drawn = {"anyOf": [drawn, {"type": "null"}]}
    return {**drawn, "description": says}
