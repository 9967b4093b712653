"""What holds beside the rules: an action's own checks, breaking the glass, exceptions, and floods of cards."""

from __future__ import annotations

from bot.core.policy import BreakGlass, Flood, Otherwise, PolicyCheck, StageSpec
from bot.routing import auditors, conditions, nodes, stages
from bot.routing.chains import named
from bot.routing.faults import quoted
from bot.routing.nodes import Node, Scalar
from bot.routing.stages import Ground
from bot.routing.values import Reader

CHECK_KEYS = ("name", "that", "otherwise")
GLASS_KEYS = ("people", "review", "notify", "within")
EXCEPTION_KEYS = ("stages",)
FLOOD_KEYS = ("cards", "per", "digest")
MOST_CARDS = 10_000


def checks(reader: Reader, node: Node, text: str) -> tuple[PolicyCheck, ...]:
    """``checks:`` of an action in order; the card lists them by name, so names are unique."""
    found: list[PolicyCheck] = []
    for item in reader.items(node, "checks"):
        fields = reader.mapping(item, "a check", CHECK_KEYS)
        if not isinstance(item, nodes.Mapping):
            continue
        name = reader.name(fields["name"], "the name of a check") if "name" in fields else None
        if "name" not in fields:
            reader.missing(item, "a check", "name", "the card and the audit trail name it")
        elif name is not None and name in [other.name for other in found]:
            what = f"there are two checks {quoted(name)} in this action"
            reader.faults.add(fields["name"].place, what, "give one a name of its own")
        if "that" not in fields:
            reader.missing(item, "a check", "that", "say what must hold: that: arguments.amount <= 5000.0")
        that = conditions.condition(reader, fields["that"], "a check", text) if "that" in fields else None
        otherwise = reader.choice(fields["otherwise"], "otherwise", Otherwise) if "otherwise" in fields else None
        if that is not None:
            found.append(PolicyCheck(name=name or "", that=that, otherwise=otherwise or Otherwise.PERSON))
    return tuple(found)


def break_glass(reader: Reader, node: Node, ground: Ground) -> BreakGlass | None:
    """``break_glass:``; None where it says too little to be used."""
    fields = reader.mapping(node, "break_glass", GLASS_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    for key, fix in (
        ("people", "name who may approve past the review: people: [ben]"),
        ("review", "name the chain that reviews it afterwards: review: finance"),
    ):
        if key not in fields:
            reader.missing(node, "break_glass", key, fix)
    people = _people(reader, fields["people"], ground) if "people" in fields else ()
    review = reader.reference(fields["review"], "chain", ground.chains) if "review" in fields else None
    notify = named(reader, fields["notify"], "notify", ground.roster, told=True) if "notify" in fields else ()
    within = reader.duration(fields["within"], "within") if "within" in fields else None
    if review is not None:
        stages.fillable(reader, fields["review"].place, review, ground)
        reach = ground.reach(review)
        alone = [person for person in people if reach == {person}]
        if alone:
            what = f"the chain {quoted(review)} asks only {alone[0]}, who may break the glass and never reviews that"
            reader.faults.add(fields["review"].place, what, "name a chain that asks somebody else, too")
    if not people or review is None:
        return None
    usual = BreakGlass(people=people, review=review)
    return BreakGlass(people=people, review=review, notify=notify, within=within or usual.within)


def _people(reader: Reader, node: Node, ground: Ground) -> tuple[str, ...]:
    def person(item: Node) -> str | None:
        if isinstance(item, Scalar) and (item.text in ground.roster.groups or item.text in ground.roster.schedules):
            kind = "group" if item.text in ground.roster.groups else "schedule"
            what = f"{quoted(item.text)} is a {kind}, and who may break the glass is named one by one"
            reader.faults.add(item.place, what, "name its people")
            return None
        name = reader.reference(item, "person", ground.roster.people)
        return auditors.may(reader, item, name, ground.roster.auditors, "break the glass")

    return reader.references(node, "people", person)


def exceptions(reader: Reader, node: Node, ground: Ground) -> tuple[StageSpec, ...]:
    """``exceptions:``, the stages for what an agent calls out of its scope."""
    fields = reader.mapping(node, "exceptions", EXCEPTION_KEYS)
    if "stages" in fields:
        return stages.stages(reader, fields["stages"], ground)
    if isinstance(node, nodes.Mapping):
        reader.missing(node, "exceptions", "stages", "write stages: [{chain: finance}]")
    return ()


def flood(reader: Reader, node: Node) -> Flood:
    """``flood:``; what it does not say is as without it."""
    fields = reader.mapping(node, "flood", FLOOD_KEYS)
    usual = Flood()
    cards = reader.whole(fields["cards"], "cards", 1, MOST_CARDS) if "cards" in fields else None
    return Flood(
        cards=cards or usual.cards,
        per=(reader.duration(fields["per"], "per") if "per" in fields else None) or usual.per,
        digest=(reader.duration(fields["digest"], "digest") if "digest" in fields else None) or usual.digest,
    )
