"""``attention:`` and ``practice:``: what guards against judging without looking, and drills that keep people awake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.core.model import Arguments, Risk
from bot.core.policy import HOUSE, ActionSpec, Attention, CoolDown, Practice, PracticeRequest
from bot.routing import nodes
from bot.routing.faults import quoted
from bot.routing.nodes import Node, plain
from bot.routing.stages import Ground, fillable
from bot.routing.values import ACTION, Reader

ATTENTION_KEYS = ("reading", "reason_for", "second_after", "cool_down")
COOL_DOWN_KEYS = ("after", "per", "rest")
PRACTICE_KEYS = ("announced", "chain", "every", "requests")
REQUEST_KEYS = ("name", "agent", "action", "lesson", "arguments", "reason", "confidence", "context")
MOST_IN_A_ROW = 500
"""Decisions that are looked back at, at most: what a guard reads in the transaction of each decision is bounded."""
FASTEST = 1000.0
LONGEST_WORDS = 2000
MOST_REQUESTS = 100
EVERY = timedelta(days=7)
SOONEST = timedelta(hours=1)
"""Between two practices on average, at least: what comes more often is no surprise, and is work."""


def attention(reader: Reader, node: Node) -> Attention:
    """``attention:``; a guard that it does not name is off."""
    fields = reader.mapping(node, "attention", ATTENTION_KEYS)
    usual = Attention()
    reading = reader.more(fields["reading"], "reading") if "reading" in fields else None
    if reading is not None and reading > FASTEST:
        what = f"reading must be at most {FASTEST:g} characters a second"
        reader.faults.add(fields["reading"].place, what, "nobody reads faster than 50")
        reading = None
    after = reader.whole(fields["second_after"], "second_after", 1, MOST_IN_A_ROW) if "second_after" in fields else None
    return Attention(
        reading=reading or usual.reading,
        reason_for=_risks(reader, fields["reason_for"]) if "reason_for" in fields else (),
        second_after=after,
        cool_down=_cool_down(reader, fields["cool_down"]) if "cool_down" in fields else None,
    )


def _risks(reader: Reader, node: Node) -> tuple[Risk, ...]:
    def risk(item: Node) -> str | None:
        return reader.word(item, "reason_for", tuple(Risk))

    return tuple([Risk(name) for name in reader.references(node, "reason_for", risk)])


def _cool_down(reader: Reader, node: Node) -> CoolDown | None:
    fields = reader.mapping(node, "cool_down", COOL_DOWN_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    for key, fix in (
        ("after", "say after how many approvals: after: 60"),
        ("per", "say in how long: per: 1h"),
        ("rest", "say for how long: rest: 10m"),
    ):
        if key not in fields:
            reader.missing(node, "cool_down", key, fix)
    after = reader.whole(fields["after"], "after", 2, MOST_IN_A_ROW) if "after" in fields else None
    per = reader.duration(fields["per"], "per") if "per" in fields else None
    rest = reader.duration(fields["rest"], "rest") if "rest" in fields else None
    if after is None or per is None or rest is None:
        return None
    return CoolDown(after=after, per=per, rest=rest)


def practice(reader: Reader, node: Node, ground: Ground, actions: Mapping[str, ActionSpec]) -> Practice | None:
    """``practice:``; None where it says too little to be used. ``actions`` are the file's own."""
    fields = reader.mapping(node, "practice", PRACTICE_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    for key, fix in (
        ("announced", "say how the team was told that there are practices: announced: told at the meeting of 2 March"),
        ("chain", "say who is asked: chain: finance"),
        ("requests", "list known bad requests: requests: [{name: ..., agent: ..., action: ..., lesson: ...}]"),
    ):
        if key not in fields:
            reader.missing(node, "practice", key, fix)
    told = reader.text(fields["announced"], "announced", limit=LONGEST_WORDS) if "announced" in fields else None
    chain = reader.reference(fields["chain"], "chain", ground.chains) if "chain" in fields else None
    if chain is not None:
        fillable(reader, fields["chain"].place, chain, ground)
    every = reader.duration(fields["every"], "every") if "every" in fields else None
    if every is not None and every < SOONEST:
        reader.faults.add(fields["every"].place, "every must be at least 1h", "once a week is usual: every: 7d")
    found = _requests(reader, fields["requests"], actions) if "requests" in fields else ()
    if told is None or chain is None:
        return None
    return Practice(announced=told, chain=chain, every=every or EVERY, requests=found)


def _requests(reader: Reader, node: Node, actions: Mapping[str, ActionSpec]) -> tuple[PracticeRequest, ...]:
    found: list[PracticeRequest] = []
    items = reader.items(node, "requests")
    if len(items) > MOST_REQUESTS:
        reader.faults.add(node.place, f"practice lists more than {MOST_REQUESTS} requests", "some are enough")
    for item in items[:MOST_REQUESTS]:
        one = _request(reader, item, actions)
        if one is not None and one.name in [other.name for other in found]:
            what = f"there are two requests {quoted(one.name)} in practice"
            reader.faults.add(item.place, what, "give one a name of its own")
        elif one is not None:
            found.append(one)
    return tuple(found)


def _request(reader: Reader, node: Node, actions: Mapping[str, ActionSpec]) -> PracticeRequest | None:
    fields = reader.mapping(node, "a request of practice", REQUEST_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    for key, fix in (
        ("name", "the report names it"),
        ("agent", "say as if from which agent: agent: billing-assistant"),
        ("action", "say for what it seems to ask: action: refund.issue"),
        ("lesson", "say what is wrong with it; that is told once it is decided"),
    ):
        if key not in fields:
            reader.missing(node, "a request of practice", key, fix)
    name = reader.name(fields["name"], "the name of a request of practice") if "name" in fields else None
    agent = reader.name(fields["agent"], "agent") if "agent" in fields else None
    action = reader.matching(fields["action"], "an action", ACTION, "refund.issue") if "action" in fields else None
    lesson = reader.text(fields["lesson"], "lesson", limit=LONGEST_WORDS) if "lesson" in fields else None
    if action is not None and action.startswith(HOUSE):
        what = f"{quoted(action)} is the house's own, and no agent proposes it"
        reader.faults.add(fields["action"].place, what, "name an action of your agents")
    arguments = _mapping(reader, fields, "arguments")
    spec = actions.get(action or "")
    if spec is not None:
        _fitting(reader, fields.get("arguments", node), spec, arguments)
    confidence = reader.share(fields["confidence"], "confidence") if "confidence" in fields else None
    reason = reader.text(fields["reason"], "reason", limit=LONGEST_WORDS) if "reason" in fields else None
    if name is None or agent is None or action is None or lesson is None:
        return None
    return PracticeRequest(
        name=name,
        agent=agent,
        action=action,
        lesson=lesson,
        arguments=arguments,
        reason=reason,
        confidence=confidence,
        context=_mapping(reader, fields, "context"),
    )


def _mapping(reader: Reader, fields: Mapping[str, Node], key: str) -> dict[str, Any]:
    if key not in fields:
        return {}
    reader.entries(fields[key], key)
    found = plain(fields[key])
    return found if isinstance(found, dict) else {}


def _fitting(reader: Reader, node: Node, spec: ActionSpec, arguments: Arguments) -> None:
    """Refuse arguments that no agent could send: everybody would see at once what it is."""
    for fault in spec.schema.faults(arguments) if spec.schema is not None else ():
        what = f"the schema of {spec.name} refuses arguments{fault.pointer}: {fault.detail}"
        reader.faults.add(node.place, what, "write a request as the agent might really send it")
