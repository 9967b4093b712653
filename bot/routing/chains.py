"""The section ``chains``."""

from __future__ import annotations

from bot.core.policy import ChainStep
from bot.routing import nodes
from bot.routing.faults import quoted
from bot.routing.nodes import Node
from bot.routing.people import CHANNELS
from bot.routing.values import Reader

STEP_KEYS = ("notify", "via", "wait", "remind", "digest")


def chains(reader: Reader, node: Node, names: tuple[str, ...]) -> dict[str, tuple[ChainStep, ...]]:
    """``chains:`` by name; ``names`` are the people and groups there are."""
    found: dict[str, tuple[ChainStep, ...]] = {}
    for key, item in reader.entries(node, "chains").items():
        if isinstance(node, nodes.Mapping):
            reader.id(node.keys[key], "a chain")
        steps = reader.items(item, f"the chain {quoted(key)}")
        found[key] = tuple(_step(reader, step, key, names) for step in steps)
    return found


def _step(reader: Reader, node: Node, chain: str, names: tuple[str, ...]) -> ChainStep:
    where = f"a step of the chain {quoted(chain)}"
    fields = reader.mapping(node, where, STEP_KEYS)
    if "notify" not in fields and isinstance(node, nodes.Mapping):
        reader.missing(node, where, "notify", "say who is asked: notify: [finance]")

    def asked(item: Node) -> str | None:
        return reader.reference(item, "person or group", names)

    def channel(item: Node) -> str | None:
        return reader.word(item, "a channel", CHANNELS)

    return ChainStep(
        notify=reader.references(fields["notify"], "notify", asked) if "notify" in fields else (),
        via=reader.references(fields["via"], "via", channel) if "via" in fields else (),
        wait=reader.duration(fields["wait"], "wait") if "wait" in fields else None,
        remind=reader.duration(fields["remind"], "remind") if "remind" in fields else None,
        digest=reader.duration(fields["digest"], "digest") if "digest" in fields else None,
    )
