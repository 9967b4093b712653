"""The sections ``rules`` and ``default``."""

from __future__ import annotations

from datetime import timedelta

from bot.core.model import OnExpiry, Then
from bot.core.policy import ADVICE_WITHIN, CHECKS, DEFAULT_EXPIRES, EXCEPTIONS, Rule
from bot.routing import conditions, limits, nodes, stages, trust
from bot.routing.faults import quoted
from bot.routing.nodes import Node, Scalar
from bot.routing.people import deciding
from bot.routing.stages import Ground
from bot.routing.values import Reader

DEFAULT = "default"
TAKEN = {
    DEFAULT: "that is the section for what no rule holds for",
    EXCEPTIONS: "that is the section for what an agent calls out of its scope",
    CHECKS: "the trail says so where one of an action's own checks blocks",
}
"""What the trail names where no rule answered."""
_LIMITS = ("limit", "sample", "second_look", "review_after")
"""Keys of rules that approve only."""
DEFAULT_KEYS = ("then", "stages", "confidence_gate", "expires", "on_expiry", "email", "advice")
RULE_KEYS = ("name", "when", *DEFAULT_KEYS, "allow_self", *_LIMITS, "trust")
MAIL_KEYS = ("replies", "irreversible")
ADVICE_KEYS = ("from", "within")
_ASKING = ("expires", "on_expiry", "allow_self", "email")
"""Keys that say how people are asked."""
IDLE = {
    Then.APPROVE: (*_ASKING, "advice", "trust"),
    Then.BLOCK: ("confidence_gate", *_ASKING, "advice", *_LIMITS, "trust"),
    Then.STAGES: _LIMITS,
}
"""Keys that change nothing in a rule of this kind."""
_INSTEAD = {
    "limit": "only what a rule approves is limited; remove it, or say then: approve",
    "sample": "people are asked anyway; remove it, or say then: approve",
    "second_look": "its stages say who is asked; remove it",
    "trust": "only where people are asked is anything earned; remove it, or give the rule stages",
    "review_after": "only what runs by rule is reviewed afterwards; remove it, or say then: approve",
}


def rules(reader: Reader, node: Node, ground: Ground) -> tuple[Rule, ...]:
    """``rules:`` in order; names are unique, since the trail names a rule by them."""
    found: list[Rule] = []
    lines: dict[str, int] = {}
    for item in reader.items(node, "rules", empty=True):
        fields = reader.mapping(item, "a rule", RULE_KEYS)
        name = reader.name(fields["name"], "the name of a rule") if "name" in fields else None
        if "name" not in fields and isinstance(item, nodes.Mapping):
            reader.missing(item, "a rule", "name", "the card and the audit trail name it")
        if name in TAKEN:
            what = f"a rule cannot be called {quoted(name)}"
            reader.faults.add(fields["name"].place, what, TAKEN[name])
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
    known = reader.mapping(node, DEFAULT, RULE_KEYS)
    for key, fix in (
        ("name", 'it is called "default"; remove it'),
        ("when", "the default holds where no rule does; make it a rule instead"),
        ("allow_self", "only a rule may let people review what they asked for"),
        *((key, "it approves nothing; write it into a rule that does") for key in _LIMITS),
        ("trust", "what is earned is a rule before another; write it into a rule that names its actions"),
    ):
        if key in known and isinstance(node, nodes.Mapping):
            reader.faults.add(node.keys[key].place, f"default has no {key}", fix)
    fields = {key: item for key, item in known.items() if key in DEFAULT_KEYS}
    then = fields.get("then")
    if isinstance(then, Scalar) and then.text == Then.APPROVE:
        what = "the default cannot approve: nothing runs because nobody said anything"
        reader.faults.add(then.place, what, "write stages, or then: block; approve by a rule that names its actions")
    return _rule(reader, node, DEFAULT, fields, ground)


def asks(node: Node | None) -> bool:
    """Whether ``default:`` says that people are asked, before it is read: rules that come first depend on it."""
    return isinstance(node, nodes.Mapping) and "stages" in node.entries


def _rule(reader: Reader, node: Node, name: str, fields: dict[str, Node], ground: Ground) -> Rule:
    then = _then(reader, node, name, fields)
    if then is not None and isinstance(node, nodes.Mapping):
        _idle(reader, node, fields, then)
    when = fields.get("when")
    gate = reader.share(fields["confidence_gate"], "confidence_gate") if "confidence_gate" in fields else None
    expires = reader.duration(fields["expires"], "expires") if "expires" in fields else None
    allow_self = reader.boolean(fields["allow_self"], "allow_self") if "allow_self" in fields else None
    mail = reader.mapping(fields["email"], "the email of a rule", MAIL_KEYS) if "email" in fields else {}
    replies, irreversible = deciding(reader, mail)
    advisors, within = _advice(reader, fields["advice"], ground) if "advice" in fields else ((), None)
    later, looks = limits.review_after(reader, node, fields, ground) if then is Then.APPROVE else (0.0, None)
    return Rule(
        name=name,
        then=then or Then.BLOCK,
        when=conditions.condition(reader, when, "the condition", ground.text) if when else None,
        stages=stages.stages(reader, fields["stages"], ground) if "stages" in fields else (),
        gate=gate,
        expires=expires or DEFAULT_EXPIRES,
        on_expiry=_on_expiry(reader, fields),
        allow_self=bool(allow_self),
        replies=replies,
        irreversible=irreversible,
        limit=limits.limit(reader, fields["limit"], ground.text) if "limit" in fields else None,
        sample=_sample(reader, node, fields, ground) if then is Then.APPROVE else 0.0,
        second_look=limits.second_look(reader, fields["second_look"], ground) if "second_look" in fields else None,
        advisors=advisors,
        advice_within=within or ADVICE_WITHIN,
        trust=trust.trust(reader, fields["trust"], ground) if "trust" in fields else None,
        review_after=later,
        review_chain=looks,
    )


def _sample(reader: Reader, node: Node, fields: dict[str, Node], ground: Ground) -> float:
    if "sample" not in fields or not isinstance(node, nodes.Mapping):
        return 0.0
    return limits.sample(reader, node, fields, ground)


def _idle(reader: Reader, node: nodes.Mapping, fields: dict[str, Node], then: Then) -> None:
    """Refuse keys that only look as if they did something."""
    idle = IDLE[then]
    if then is Then.APPROVE and "second_look" in fields:
        idle = ("advice", "trust")
    for key in idle:
        if key not in fields:
            continue
        if key == "advice" and then is Then.APPROVE:
            what = "a rule that says then: approve takes no advice: an advisor never lets something run"
            reader.faults.add(node.keys[key].place, what, "give the rule stages, or remove it")
            continue
        answers = "has stages" if then is Then.STAGES else f"says then: {then}"
        fix = _INSTEAD.get(key, "remove it, or give the rule stages")
        reader.faults.add(node.keys[key].place, f"{key} changes nothing in a rule that {answers}", fix)


def _advice(reader: Reader, node: Node, ground: Ground) -> tuple[tuple[str, ...], timedelta | None]:
    """Whose opinion is asked for first, and for how long it is waited for."""
    fields = reader.mapping(node, "advice", ADVICE_KEYS)
    if "from" not in fields and isinstance(node, nodes.Mapping):
        reader.missing(node, "advice", "from", "name agents whose opinion is asked for: from: [checker]")

    def advisor(item: Node) -> str | None:
        return reader.reference(item, "agent", ground.agents)

    advisors = reader.references(fields["from"], "from", advisor) if "from" in fields else ()
    return advisors, reader.duration(fields["within"], "within") if "within" in fields else None


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
