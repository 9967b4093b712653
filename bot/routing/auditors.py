"""Auditors read everything and decide nothing: a file that asks one of them is refused, where it asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.core.model import Person, PersonRole
from bot.routing.faults import quoted
from bot.routing.nodes import Node
from bot.routing.values import Reader

_READS = "who reads everything and decides nothing"
_BECOME = "give that person another role: reviewer or admin"


def auditors(folk: Mapping[str, Person]) -> frozenset[str]:
    """Who of these people decides nothing."""
    return frozenset(name for name, person in folk.items() if person.role is PersonRole.AUDITOR)


def decides(reader: Reader, node: Node, what: str, folk: Mapping[str, Person], deed: str) -> str | None:
    """As `Reader.reference`, to somebody who may decide; ``deed`` is what no auditor does there (``take turns``)."""
    name = reader.reference(node, what, folk)
    barred = {name} if name is not None and folk[name].role is PersonRole.AUDITOR else ()
    return may(reader, node, name, barred, deed)


def may(reader: Reader, node: Node, name: str | None, barred: Iterable[str], deed: str) -> str | None:
    """The name, a fault recorded where it is an auditor's."""
    if name is not None and name in barred:
        what = f"{quoted(name)} is an auditor, {_READS}, and cannot {deed}"
        reader.faults.add(node.place, what, f"name somebody else, or {_BECOME}")
    return name


def free(reader: Reader, node: Node, group: str, members: Iterable[str], barred: frozenset[str]) -> None:
    """Record that a group is asked of whose people some are auditors."""
    for name in members:
        if name in barred:
            what = f"the group {quoted(group)} has the auditor {quoted(name)} in it, {_READS}, and cannot be asked"
            reader.faults.add(node.place, what, f"take {quoted(name)} out of the group, or {_BECOME}")
