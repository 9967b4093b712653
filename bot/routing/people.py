"""The sections ``people``, ``groups``, ``agents``, ``channels`` and ``network``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

from bot.core.model import OnIrreversible, Person, PersonRole, PushWay, Replies
from bot.core.policy import AgentSpec
from bot.routing import nodes, targets, zones
from bot.routing.faults import quoted
from bot.routing.nodes import Node, Scalar, plain
from bot.routing.targets import Network
from bot.routing.values import NAME, Reader

CHANNELS = ("slack", "email", "push")
PERSON_KEYS = (
    "name", "role", "email", "slack", "ntfy", "push", "oidc", "timezone", "digest", "channels",
    "hours", "holidays", "away",
)  # fmt: skip
"""The last three are read by `schedules`, since a delegate may stand further down."""
AGENT_KEYS = ("owner", "per_minute", "pending", "webhook")
POSTING_KEYS = ("post_to",)
PUSH_KEYS = ("buttons",)
BUTTONS = ("low_risk", "off")
"""Where a notification has buttons that decide."""
MAIL_KEYS = ("replies", "irreversible", "outcomes")
NETWORK_KEYS = ("allow_private",)
OUTCOMES = ("thread", "digest", "off")
"""How people learn by mail of what others decided."""

MOST_REQUESTS = 1_000_000
"""Of an agent: a minute, and open at once."""

EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}"
)
SLACK = re.compile(r"[UW][A-Z0-9]{2,30}")
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
POST_TO = re.compile(r"dm|#[^\s#,@:]{1,80}|[CG][A-Z0-9]{2,30}")


def people(reader: Reader, node: Node) -> dict[str, Person]:
    """``people:`` by id; an address belongs to one person only, since it says who decided."""
    found: dict[str, Person] = {}
    owners: dict[tuple[str, str], str] = {}
    for key, item in reader.entries(node, "people").items():
        name = _key(reader, node, key, "a person")
        if name is None:
            continue
        fields = reader.mapping(item, f"the person {quoted(key)}", PERSON_KEYS)
        found[name] = _person(reader, name, fields)
        for kind in ("email", "slack", "ntfy"):
            address = getattr(found[name], kind)
            first = owners.setdefault((kind, _alike(address)), name) if address else name
            if first != name:
                what = f"the {kind} address {quoted(address)} is {quoted(first)}'s already"
                reader.faults.add(fields[kind].place, what, "an address says who decided; give each person their own")
    _identities(reader, node, found)
    return found


def _alike(address: str) -> str:
    """How an address is compared: é is written in two ways, and servers take both, and wide letters, for one."""
    return normalize("NFKC", normalize("NFKC", address).casefold())


def _identities(reader: Reader, node: Node, found: Mapping[str, Person]) -> None:
    """Whom the identity provider names is one person: by their ``oidc``, or where they have none by their address."""
    owners: dict[str, str] = {}
    for person in found.values():
        if person.oidc is None and person.email:
            owners[_alike(person.email)] = person.id
    for name, fields in entries_of(node, found).items():
        said = found[name].oidc
        if said is None:
            continue
        first = owners.setdefault(_alike(said), name)
        if first != name:
            whose = "who is known by their mail address" if found[first].oidc is None else "who has it already"
            what = f"the oidc {quoted(said)} means {quoted(first)}, {whose}"
            fix = "the identity provider's word says who signs in; give each person their own"
            reader.faults.add(fields.entries["oidc"].place, what, fix)


def entries_of(node: Node, folk: Mapping[str, Person]) -> dict[str, nodes.Mapping]:
    """What stands under each known person."""
    entries = node.entries if isinstance(node, nodes.Mapping) else {}
    return {name: item for name, item in entries.items() if name in folk and isinstance(item, nodes.Mapping)}


def _key(reader: Reader, node: Node, key: str, where: str) -> str | None:
    return reader.id(node.keys[key], where) if isinstance(node, nodes.Mapping) else None


def _person(reader: Reader, name: str, fields: dict[str, Node]) -> Person:
    def shaped(key: str, pattern: re.Pattern[str], where: str, example: str) -> str | None:
        return reader.matching(fields[key], where, pattern, example) if key in fields else None

    def channel(item: Node) -> str | None:
        return reader.word(item, "a channel", CHANNELS)

    def way(item: Node) -> str | None:
        return reader.word(item, "a way of push", tuple(PushWay))

    return Person(
        id=name,
        name=(reader.name(fields["name"], "the name") if "name" in fields else None) or name,
        email=shaped("email", EMAIL, "a mail address", "ana@example.com"),
        slack=shaped("slack", SLACK, "a Slack member id", "U0123ABCD (in Slack: profile, Copy member ID)"),
        ntfy=shaped("ntfy", TOPIC, "an ntfy topic", "ana-approvals"),
        timezone=(timezone(reader, fields["timezone"]) if "timezone" in fields else None) or "UTC",
        digest=reader.duration(fields["digest"], "digest") if "digest" in fields else None,
        channels=reader.references(fields["channels"], "channels", channel) if "channels" in fields else (),
        role=(reader.choice(fields["role"], "role", PersonRole) if "role" in fields else None) or PersonRole.REVIEWER,
        oidc=_claim(reader, fields["oidc"]) if "oidc" in fields else None,
        push=tuple(map(PushWay, reader.references(fields["push"], "push", way))) if "push" in fields else (),
    )


def _claim(reader: Reader, node: Node) -> str | None:
    """What the identity provider says for somebody, to the letter, so without space around it."""
    value = reader.text(node, "oidc", limit=MAX_CLAIM)
    if value is not None and not NAME.fullmatch(value):
        reader.faults.add(node.place, "oidc must be one line without space around it")
        return None
    return value


def timezone(reader: Reader, node: Node) -> str | None:
    """The name of a zone of the tz database."""
    name = reader.text(node, "the timezone", limit=MAX_ZONE)
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        reader.faults.add(node.place, f"there is no timezone {quoted(name)}", zones.meant(name))
        return None
    return name


MAX_ZONE = 64
MAX_CLAIM = 255
"""Characters of ``sub`` at most (OpenID Connect Core 1.0, 2); no address is longer either."""


def groups(reader: Reader, node: Node, known: Mapping[str, Person]) -> dict[str, tuple[str, ...]]:
    """``groups:`` by name; members are people, in the order written."""
    found: dict[str, tuple[str, ...]] = {}
    entries = reader.entries(node, "groups")
    for key, item in entries.items():
        name = _key(reader, node, key, "a group")
        if name is None:
            continue
        if name in known and isinstance(node, nodes.Mapping):
            what = f"{quoted(name)} is a person and cannot be a group too"
            reader.faults.add(node.keys[key].place, what, "give the group another name")
            continue
        if isinstance(item, nodes.Sequence) and not item.items:
            found[name] = ()
            continue

        def member(person: Node) -> str | None:
            if isinstance(person, Scalar) and person.text in entries:
                what = f"{quoted(person.text)} is a group, and groups hold people only"
                reader.faults.add(person.place, what, "name its people, or notify both groups in the chain")
                return None
            return reader.reference(person, "person", known)

        found[name] = reader.references(item, f"the group {quoted(key)}", member)
    return found


def agents(
    reader: Reader, node: Node, known: Mapping[str, Person], networks: tuple[Network, ...]
) -> dict[str, AgentSpec]:
    """``agents:`` by name."""
    found: dict[str, AgentSpec] = {}
    for key, item in reader.entries(node, "agents").items():
        name = _key(reader, node, key, "an agent")
        fields = reader.mapping(item, f"the agent {quoted(key)}", AGENT_KEYS)
        if name is None:
            continue

        def count(field: str, fields: dict[str, Node] = fields) -> int | None:
            return reader.whole(fields[field], field, 1, MOST_REQUESTS) if field in fields else None

        hook = fields.get("webhook")
        found[name] = AgentSpec(
            name=name,
            owner=reader.reference(fields["owner"], "person", known) if "owner" in fields else None,
            per_minute=count("per_minute"),
            pending=count("pending"),
            webhook=targets.url(hook, "the webhook", networks, reader.faults) if hook else None,
        )
    return found


def channels(reader: Reader, node: Node) -> dict[str, dict[str, Any]]:
    """``channels:`` by name, each section as the channel takes it."""
    found: dict[str, dict[str, Any]] = {}
    for name, item in reader.mapping(node, "channels", CHANNELS).items():
        if name == "email":
            found[name] = _email(reader, item)
            continue
        fields = reader.mapping(item, f"channels.{name}", POSTING_KEYS if name == "slack" else PUSH_KEYS)
        if "buttons" in fields:
            word = reader.word(fields["buttons"], "buttons", BUTTONS)
            found[name] = {} if word is None else {"buttons": word}
            continue
        if "post_to" in fields:
            example = '"#approvals" (in quotes: # begins a comment), C0123ABCD, or dm'
            reader.matching(fields["post_to"], "post_to", POST_TO, example)
        found[name] = {key: plain(value) for key, value in fields.items()}
    return found


def _email(reader: Reader, node: Node) -> dict[str, Any]:
    fields = reader.mapping(node, "channels.email", MAIL_KEYS)
    replies, irreversible = deciding(reader, fields)
    outcomes = reader.word(fields["outcomes"], "outcomes", OUTCOMES) if "outcomes" in fields else None
    said = {"replies": replies, "irreversible": irreversible, "outcomes": outcomes}
    return {key: value for key, value in said.items() if value is not None}


def deciding(reader: Reader, fields: Mapping[str, Node]) -> tuple[Replies | None, OnIrreversible | None]:
    """What a reply by mail may decide, and where what cannot be undone is approved; None where nothing is said."""
    replies = reader.choice(fields["replies"], "replies", Replies) if "replies" in fields else None
    where = reader.choice(fields["irreversible"], "irreversible", OnIrreversible) if "irreversible" in fields else None
    return replies, where


def network(reader: Reader, node: Node) -> tuple[tuple[Network, Node], ...]:
    """``network.allow_private``: networks, each with the node that named it."""
    fields = reader.mapping(node, "network", NETWORK_KEYS)
    if "allow_private" not in fields:
        return ()
    found: list[tuple[Network, Node]] = []
    for item in reader.items(fields["allow_private"], "network.allow_private", empty=True):
        text = reader.text(item, "a network", limit=64)
        if text is None:
            continue
        try:
            found.append((targets.network(text), item))
        except ValueError as broken:
            reader.faults.add(item.place, f"this is no network: {broken}", "write CIDR: 127.0.0.0/8, 10.20.0.0/16")
    return tuple(found)
