"""What rules say that may not be meant: their order, their conditions, what they approve."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.model import Risk, Then
from bot.core.policy import ConditionFailed, Policy, Rule
from bot.routing.conditions import actions_in, names_in
from bot.routing.faults import meant, quoted
from bot.routing.lint.reviews import called


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of the rules: which are never reached, then each by itself."""
    yield from _unreachable(policy)
    for rule in (*policy.rules, policy.default):
        yield from _rule(policy, rule)


def never(policy: Policy) -> frozenset[str]:
    """The rules that never answer."""
    return frozenset(rule.name for rule, _ in _dead(policy))


def _unreachable(policy: Policy) -> Iterator[str]:
    for _, why in _dead(policy):
        yield why


def _dead(policy: Policy) -> Iterator[tuple[Rule, str]]:
    """Rules that never answer, and why."""
    always: Rule | None = None
    first: dict[str, Rule] = {}
    by_action: list[Rule] = []
    for rule in policy.rules:
        source = plain(rule)
        if always is not None:
            yield (
                rule,
                f"{called(rule)} is never reached: {quoted(always.name)} above it always answers; move it up",
            )
        elif source == "false":
            yield rule, f"{called(rule)} never holds: its condition is false; correct it, or remove the rule"
        elif source in first:
            yield (
                rule,
                (
                    f"{called(rule)} is never reached: {quoted(first[source].name)} above it has the same condition; "
                    "change one of them, or remove it"
                ),
            )
        elif (above := _before_it(policy, rule, by_action)) is not None:
            yield (
                rule,
                (
                    f"{called(rule)} is never reached: {quoted(above.name)} above it answers for every "
                    "action that it names; move it up"
                ),
            )
        elif _answers(rule):
            first[source] = rule
            always = rule if source == "true" else None
            by_action += [rule] if rule.when is not None and names_in(rule.when.source) == {"action"} else []


def _before_it(policy: Policy, rule: Rule, by_action: list[Rule]) -> Rule | None:
    """The rule that answers for all actions for which this one can hold, whatever else they are like."""
    actions = rule.when.actions if rule.when is not None else None
    if not actions or rule.when is None:
        return None
    # An exception goes past rules that do not name its kind, unless they block.
    past = policy.exceptions and "kind" in names_in(rule.when.source)
    asked = [above for above in by_action if not past or above.then is Then.BLOCK]
    return next((above for above in asked if all(_holds(above, action) for action in actions)), None)


def _holds(rule: Rule, action: str) -> bool:
    if rule.when is None or (rule.when.actions is not None and action not in rule.when.actions):
        return False
    try:
        return rule.when.holds({"action": action})
    except ConditionFailed:
        return False


def plain(rule: Rule) -> str:
    """A rule's condition with its spaces and lines made one; without a condition it holds always."""
    return "true" if rule.when is None else " ".join(rule.when.source.split())


def _answers(rule: Rule) -> bool:
    """Whether a rule that holds always answers: one that approves may be held back, and the walk goes on."""
    return rule.then is not Then.APPROVE or rule.second_look is not None


def _rule(policy: Policy, rule: Rule) -> Iterator[str]:
    where = called(rule)
    sources = [rule.when.source] if rule.when else []
    sources += [stage.condition.source for stage in rule.stages if stage.condition]
    named = [name for source in sources for name in actions_in(source)]
    for name in dict.fromkeys(named):
        if name and name not in policy.actions:
            fix = meant(name, policy.actions, "") or "list it under `actions`, or correct the name"
            yield f"{where} names the action {quoted(name)}, which is not listed; {fix}"
    if rule.then is Then.APPROVE:
        yield from _approval(policy, rule, where, named)
    if rule.then is not Then.APPROVE and rule.when and _unguarded(rule.when.source):
        yield (
            f"{where} also answers every request without that label, since what cannot be evaluated is taken strictly; "
            "ask has(labels.…) first if that is not meant"
        )
    if rule.allow_self:
        yield f"{where} lets people review what they asked for (allow_self); use it for trying things out only"
    yield from _stages(rule, where)


def _stages(rule: Rule, where: str) -> Iterator[str]:
    if rule.stages and all(stage.condition for stage in rule.stages):
        yield f"every stage of {where} has an `if`: where none holds, all of them are asked"
    for stage in rule.stages:
        if stage.condition is not None and stage.condition.source.strip() == "false":
            yield f"the stage {quoted(stage.name)} of {where} is never asked: its `if` is false; remove one of the two"


def _unguarded(source: str) -> bool:
    return "labels." in source and "has(labels." not in source


def _approval(policy: Policy, rule: Rule, where: str, named: list[str]) -> Iterator[str]:
    source = rule.when.source if rule.when else ""
    if rule.when is None:
        yield f"{where} approves everything that reaches it, whatever the action; give it a `when` that names actions"
    elif "action" not in names_in(source):
        yield f'{where} approves without naming an action; add action == "…" to its `when`'
    if "labels" in names_in(source):
        yield (
            f"{where} approves by labels, which are the agent's own word and never make a review laxer: "
            "it will not approve because of them; use arguments, or a label to be stricter"
        )
    for name in ("context", "on_behalf_of"):
        if name in names_in(source):
            yield (
                f"{where} approves by {name}, which is the agent's own word: an agent that wants it approved says what "
                "the rule asks for; use arguments, which are what runs"
            )
    bounded = "arguments" in names_in(source)
    for name in dict.fromkeys(named):
        if name not in policy.actions:
            continue
        if policy.action(name).critical:
            yield (
                f"{where} never approves {name}, which is critical and always goes to people; "
                "leave it out, or do not call it critical"
            )
        elif policy.action(name).risk is Risk.IRREVERSIBLE and not (bounded and rule.limit):
            yield (
                f"{where} approves {name} without a person, and that is irreversible; "
                f"{'give it a limit' if bounded else 'bound it by its arguments'}, or set its risk if it can be "
                "undone"
            )
