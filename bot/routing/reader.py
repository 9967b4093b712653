"""The whole file: sections in the order in which they refer to each other, then the policy."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bot.core.model import OnIrreversible, Replies, Then
from bot.core.policy import CHECKS, EXCEPTIONS, ActionSpec, Policy, Rule, StageSpec
from bot.routing import (
    actions,
    attention,
    auditors,
    chains,
    composing,
    expectations,
    people,
    rules,
    safeguards,
    schedules,
)
from bot.routing.composing import MAX_BYTES, Document
from bot.routing.faults import Faults, RoutingError, RoutingErrors
from bot.routing.nodes import Mapping, Node, Scalar
from bot.routing.stages import Ground
from bot.routing.values import Reader

SECTIONS = (
    "version",
    "people",
    "groups",
    "schedules",
    "calendars",
    "agents",
    "channels",
    "actions",
    "network",
    "chains",
    "break_glass",
    "exceptions",
    "flood",
    "attention",
    "practice",
    "rules",
    "default",
    "tests",
)
VERSION = 1


def load(path: Path) -> Policy:
    """The policy in a file; raises `RoutingErrors` with everything that is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as broken:
        what = f"the file cannot be read: {broken.strerror or broken}"
        raise RoutingErrors(
            [RoutingError(str(path), 1, 1, what, "name the file, or set SAYSO_CONFIG to where it is")]
        ) from broken
    if len(content) > MAX_BYTES:
        fix = "a routing file lists people and rules, not data"
        raise RoutingErrors([RoutingError(path.name, 1, 1, "the file is larger than 1 MiB", fix)])
    try:
        text = content.decode()
    except UnicodeDecodeError as broken:
        before = content[: broken.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        fix = "save the file as UTF-8"
        raise RoutingErrors([RoutingError(path.name, line, column, "this is not UTF-8", fix)]) from broken
    return _policy(text, path.name, content)


def parse(text: str, name: str) -> Policy:
    """The policy in a text; ``name`` stands in the errors. Raises `RoutingErrors`."""
    return _policy(text, name, text.encode("utf-8", "surrogatepass"))


def _policy(text: str, name: str, content: bytes) -> Policy:
    faults = Faults(name)
    document = composing.read(text, faults)
    faults.stop()
    if document is None or not isinstance(document.root, Mapping):
        place = document.root.place if document else (1, 1)
        what = "the file holds no sections" if document is None or _empty(document.root) else "the file is no mapping"
        faults.add(place, what, "begin with version: 1, people, chains, rules and default; see docs/routing.md")
    policy = _sections(Reader(faults), document, "sha256:" + hashlib.sha256(content).hexdigest()) if document else None
    faults.stop()
    if policy is None:
        raise AssertionError("a file without a policy has faults")
    return policy


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _sections(reader: Reader, document: Document, digest: str) -> Policy | None:
    root = document.root
    if not isinstance(root, Mapping):
        return None
    found = reader.mapping(root, "the file", SECTIONS)
    nothing = Mapping(root.place, {}, {})
    _version(reader, root, found)
    named = people.network(reader, found.get("network", nothing))
    networks = tuple(network for network, _ in named)
    folk = people.people(reader, found.get("people", nothing))
    groups = people.groups(reader, found.get("groups", nothing), folk)
    duty = schedules.schedules(reader, found.get("schedules", nothing), folk, groups)
    calendars = schedules.calendars(reader, found.get("calendars", nothing))
    agents = people.agents(reader, found.get("agents", nothing), folk, networks)
    roster = chains.Roster(tuple(folk), groups, duty, tuple(calendars), auditors.auditors(folk))
    steps = chains.chains(reader, found.get("chains", nothing), roster)
    ground = Ground(document.text, steps, roster, tuple(agents), rules.asks(found.get("default")))
    listed = rules.rules(reader, found["rules"], ground) if "rules" in found else ()
    default = _default(reader, root, found, ground)
    channels = people.channels(reader, found.get("channels", nothing))
    mail = channels.get("email", {})
    unruled = safeguards.exceptions(reader, found["exceptions"], ground) if "exceptions" in found else ()
    acts = actions.actions(reader, found.get("actions", nothing), networks, document.text)
    answers = (*listed, default, *_stand_ins(acts, unruled))
    tests = expectations.expectations(reader, found["tests"], answers, tuple(folk)) if "tests" in found else ()
    return Policy(
        hash=digest,
        people=folk,
        groups=groups,
        schedules=duty,
        calendars=calendars,
        hours=schedules.working(reader, found.get("people", nothing), folk),
        away=schedules.away(reader, found.get("people", nothing), folk),
        agents=agents,
        channels=channels,
        actions=acts,
        chains=steps,
        rules=listed,
        default=default,
        allow_private=tuple(str(network) for network in networks),
        tests=tests,
        replies=mail.get("replies", Replies.APPROVE),
        irreversible=mail.get("irreversible", OnIrreversible.PAGE),
        break_glass=safeguards.break_glass(reader, found["break_glass"], ground) if "break_glass" in found else None,
        exceptions=unruled,
        flood=safeguards.flood(reader, found.get("flood", nothing)),
        attention=attention.attention(reader, found.get("attention", nothing)),
        practice=attention.practice(reader, found["practice"], ground, acts) if "practice" in found else None,
    )


def _stand_ins(acts: dict[str, ActionSpec], unruled: tuple[StageSpec, ...]) -> tuple[Rule, ...]:
    """What the trail names where no rule answered, so that a test may expect it."""
    found = [Rule(name=CHECKS, then=Then.BLOCK)] if any(spec.checks for spec in acts.values()) else []
    return (*found, Rule(name=EXCEPTIONS, then=Then.STAGES, stages=unruled)) if unruled else tuple(found)


def _version(reader: Reader, root: Mapping, found: dict[str, Node]) -> None:
    if "version" not in found:
        reader.missing(root, "the file", "version", f"write version: {VERSION} at the top")
        return
    node = found["version"]
    if not isinstance(node, Scalar) or node.value != VERSION or isinstance(node.value, bool | float):
        reader.faults.add(node.place, "this version of the bot reads version 1", f"write version: {VERSION}")


def _default(reader: Reader, root: Mapping, found: dict[str, Node], ground: Ground) -> Rule:
    if "default" in found:
        return rules.default(reader, found["default"], ground)
    fix = "say what happens where no rule holds: default: {stages: [{chain: finance}]}, or default: {then: block}"
    reader.missing(root, "the file", "default", fix)
    return Rule(name=rules.DEFAULT, then=Then.BLOCK)
