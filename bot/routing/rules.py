"""The sections ``rules`` and ``default``."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.core.model import OnExpiry, Then
from bot.core.policy import DEFAULT_EXPIRES, ChainStep, Condition, Rule, StageSpec
from bot.routing import conditions, nodes
from bot.routing.faults import quoted
from bot.routing.nodes import Node, Scalar
from bot.routing.people import deciding
from bot.routing.values import Reader

DEFAULT = "default"
RULE_KEYS = ("name", "when", "then", "stages", "confidence_gate", "expires", "on_expiry", "allow_self", "email")
_DEFAULT_KEYS = ("then", "stages", "confidence_gate", "expires", "on_expiry", "email")
MAIL_KEYS = ("replies", "irreversible")
STAGE_KEYS = ("name", "chain", "approvals", "if")
_MOST_APPROVALS = 1000
_IDLE = {
    Then.APPROVE: ("expires", "on_expiry", "allow_self", "email"),
    Then.BLOCK: ("confidence_gate", "expires", "on_expiry", "allow_self", "email"),
    Then.STAGES: (),
}
"""Keys that change nothing in a rule of this kind."""


class Ground(Struct, frozen=True):
    """What rules refer to: the file's text, its chains, and who is in which group."""

    text: str
    chains: Mapping[str, tuple[ChainStep, ...]]
    groups: Mapping[str, tuple[str, ...]]

    def reach(self, chain: str) -> frozenset[str]:
        """Everybody whom a chain can ask."""
        names = (name for step in self.chains.get(chain, ()) for name in step.notify)
        return frozenset(person for name in names for person in self.groups.get(name, (name,)))


def rules(reader: Reader, node: Node, ground: Ground) -> tuple[Rule, ...]:
    """``rules:`` in order; names are unique, since the trail names a rule by them."""
    found: list[Rule] = []
    lines: dict[str, int] = {}
    for item in reader.items(node, "rules", empty=True):
        fields = reader.mapping(item, "a rule", RULE_KEYS)
        name = reader.name(fields["name"], "the name of a rule") if "name" in fields else None
        if "name" not in fields and isinstance(item, nodes.Mapping):
            reader.missing(item, "a rule", "name", "the card and the audit trail name it")
        if name == DEFAULT:
            what = f"a rule cannot be called {quoted(DEFAULT)}"
            reader.faults.add(fields["name"].place, what, "that is the section for what no rule holds for")
        elif name in lines:
            what = f"there are two rules {quoted(name or '')}"
            reader.faults.add(fields["name"].place, what, f"the first is on line {lines[name or '']}; rename one")
        elif name is not None:
            lines[name] = fields["name"].place[0]
        if isinstance(item, nodes.Mapping):
            found.append(_rule(reader, item, name or "a rule", fields, ground))
    return tuple(found)


def default(reader: Reader, node: Node, ground: Ground) -> Rule:
    """``default:``, what answers where no rule holds; it never approves."""
    known = reader.mapping(node, DEFAULT, (*_DEFAULT_KEYS, "name", "when", "allow_self"))
    for key, fix in (
        ("name", 'it is called "default"; remove it'),
        ("when", "the default holds where no rule does; make it a rule instead"),
        ("allow_self", "only a rule may let people review what they asked for"),
    ):
        if key in known and isinstance(node, nodes.Mapping):
            reader.faults.add(node.keys[key].place, f"default has no {key}", fix)
    fields = {key: item for key, item in known.items() if key in _DEFAULT_KEYS}
    then = fields.get("then")
    if isinstance(then, Scalar) and then.text == Then.APPROVE:
        what = "the default cannot approve: nothing runs because nobody said anything"
        reader.faults.add(then.place, what, "write stages, or then: block; approve by a rule that names its actions")
    return _rule(reader, node, DEFAULT, fields, ground)


def _rule(reader: Reader, node: Node, name: str, fields: dict[str, Node], ground: Ground) -> Rule:
    then = _then(reader, node, name, fields)
    for key in _IDLE[then] if then else ():
        if key in fields and isinstance(node, nodes.Mapping):
            what = f"{key} changes nothing in a rule that says then: {then}"
            reader.faults.add(node.keys[key].place, what, "remove it, or give the rule stages")
    when = fields.get("when")
    gate = reader.share(fields["confidence_gate"], "confidence_gate") if "confidence_gate" in fields else None
    expires = reader.duration(fields["expires"], "expires") if "expires" in fields else None
    allow_self = reader.boolean(fields["allow_self"], "allow_self") if "allow_self" in fields else None
    mail = reader.mapping(fields["email"], "the email of a rule", MAIL_KEYS) if "email" in fields else {}
    replies, irreversible = deciding(reader, mail)
    return Rule(
        name=name,
        then=then or Then.BLOCK,
        when=condition(reader, when, "the condition", ground.text) if when else None,
        stages=_stages(reader, fields["stages"], ground) if "stages" in fields else (),
        gate=gate,
        expires=expires or DEFAULT_EXPIRES,
        on_expiry=_on_expiry(reader, fields),
        allow_self=bool(allow_self),
        replies=replies,
        irreversible=irreversible,
    )


def _then(reader: Reader, node: Node, name: str, fields: dict[str, Node]) -> Then | None:
    where = DEFAULT if name == DEFAULT else f"the rule {quoted(name)}"
    staged = "stages" in fields
    if "then" not in fields:
        if not staged and isinstance(node, nodes.Mapping):
            said = "stages: [{chain: finance}], or then: block" + ("" if name == DEFAULT else ", or then: approve")
            reader.missing(node, where, "answer", f"write {said}")
        return Then.STAGES if staged else None
    then = reader.choice(fields["then"], "then", Then)
    if then is Then.STAGES and not staged:
        reader.missing(node, where, "stages", "write stages: [{chain: finance}]")
    elif then not in (None, Then.STAGES) and staged:
        what = f"{where} says both then: {then} and stages"
        reader.faults.add(fields["then"].place, what, "keep one of the two")
        return None
    return then


def _on_expiry(reader: Reader, fields: dict[str, Node]) -> OnExpiry:
    node = fields.get("on_expiry")
    if isinstance(node, Scalar) and node.text == Then.APPROVE:
        reader.faults.add(node.place, "silence is never consent: on_expiry cannot approve", "write expire or reject")
        return OnExpiry.EXPIRE
    return (reader.choice(node, "on_expiry", OnExpiry) if node else None) or OnExpiry.EXPIRE


def condition(reader: Reader, node: Node, where: str, text: str) -> Condition | None:
    """A condition; ``true`` and ``false`` unquoted are conditions too."""
    if isinstance(node, Scalar) and not node.style and isinstance(node.value, bool):
        return conditions.compiled(node, text, where, reader.faults)
    if isinstance(node, nodes.Mapping | nodes.Sequence):
        what = f"{where} must be text, not {nodes.kind(node)}"
        reader.faults.add(node.place, what, "put a condition that begins with [ or { into quotes")
        return None
    if reader.text(node, where) is None or not isinstance(node, Scalar):
        return None
    return conditions.compiled(node, text, where, reader.faults)


def _stages(reader: Reader, node: Node, ground: Ground) -> tuple[StageSpec, ...]:
    found: list[StageSpec] = []
    for item in reader.items(node, "stages"):
        fields = reader.mapping(item, "a stage", STAGE_KEYS)
        if not isinstance(item, nodes.Mapping):
            continue
        stage = _stage(reader, item, fields, ground)
        if stage.name in [other.name for other in found]:
            place = fields["name"].place if "name" in fields else item.place
            reader.faults.add(
                place, f"there are two stages {quoted(stage.name)} in this rule", "give one a name of its own"
            )
        found.append(stage)
    return tuple(found)


def _stage(reader: Reader, item: nodes.Mapping, fields: dict[str, Node], ground: Ground) -> StageSpec:
    chain = reader.reference(fields["chain"], "chain", ground.chains) if "chain" in fields else None
    if "chain" not in fields:
        reader.missing(item, "a stage", "chain", "say who reviews it: chain: finance")
    approvals = 1
    if "approvals" in fields:
        approvals = reader.whole(fields["approvals"], "approvals", 1, _MOST_APPROVALS) or 1
    reached = len(ground.reach(chain)) if chain else 0
    if chain and approvals > reached:
        place = fields["approvals"].place if "approvals" in fields else item.place
        people = f"{reached} person" if reached == 1 else f"{reached or 'no'} people"
        what = f"{approvals} approvals can never be reached: the chain {quoted(chain)} asks {people}"
        reader.faults.add(
            place,
            what.replace("1 approvals", "1 approval") if approvals == 1 else what,
            "ask more people, or for fewer approvals",
        )
    name = reader.name(fields["name"], "the name of a stage") if "name" in fields else None
    asked_if = fields.get("if")
    return StageSpec(
        name=name or chain or "",
        chain=chain or "",
        approvals=approvals,
        condition=condition(reader, asked_if, "the condition of a stage", ground.text) if asked_if else None,
    )
