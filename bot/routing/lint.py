"""What a policy says that its author may not have meant: nothing here stops it from loading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.core.model import Person, Risk, Then
from bot.core.policy import ActionSpec, ChainStep, Policy, Rule, StageSpec
from bot.routing import letters, targets, titles
from bot.routing.conditions import actions_in, names_in
from bot.routing.faults import listed, meant, quoted

_METADATA = ip_address("169.254.169.254")
"""Where clouds hand out a machine's credentials (threat T21)."""

LATER = ("push",)
"""Channels that a file may name already, though this version asks nobody through them."""


def warnings(policy: Policy) -> tuple[str, ...]:
    """Every warning, each a sentence that says what to do.

    Order: rules, chains, people, mail, actions, agents, network.
    """
    found = [
        *_order(policy),
        *(line for rule in (*policy.rules, policy.default) for line in _rule(policy, rule)),
        *(line for name, chain in policy.chains.items() for line in _chain(policy, name, chain.steps)),
        *_unused(policy),
        *_later(policy),
        *letters.doubts(policy),
        *(line for spec in policy.actions.values() for line in _action(spec)),
        *_owners(policy),
        *_network(policy),
    ]
    return tuple(dict.fromkeys(found))


def _order(policy: Policy) -> Iterator[str]:
    always: Rule | None = None
    for rule in policy.rules:
        if always is not None:
            yield (
                f"the rule {quoted(rule.name)} is never reached: {quoted(always.name)} above it "
                "always answers; move it up"
            )
        elif _always(rule) and (rule.then is not Then.APPROVE or rule.gate is None):
            always = rule


def _always(rule: Rule) -> bool:
    return rule.when is None or rule.when.source.strip() == "true"


def _rule(policy: Policy, rule: Rule) -> Iterator[str]:
    where = f"the rule {quoted(rule.name)}"
    sources = [rule.when.source] if rule.when else []
    sources += [stage.condition.source for stage in rule.stages if stage.condition]
    named = [name for source in sources for name in actions_in(source)]
    for name in dict.fromkeys(named):
        if name not in policy.actions:
            fix = meant(name, policy.actions, "list it under `actions`, or correct the name")
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
    if rule.stages and all(stage.condition for stage in rule.stages):
        yield f"every stage of {where} has an `if`: where none holds, all of them are asked"
    yield from _times(policy, rule, where)


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
    for name in dict.fromkeys(named):
        if name in policy.actions and policy.action(name).risk is Risk.IRREVERSIBLE:
            yield (
                f"{where} approves {name} without a person, and that is irreversible; "
                "bound it by its arguments, or set its risk if it can be undone"
            )


def _times(policy: Policy, rule: Rule, where: str) -> Iterator[str]:
    for stage in rule.stages:
        steps = policy.chains[stage.chain].steps
        asked_after = timedelta(0)
        for number, step in enumerate(steps[:-1], start=2):
            if step.wait is None:
                break
            asked_after += step.wait
            if asked_after >= rule.expires:
                yield (
                    f"step {number} of the chain {quoted(stage.chain)} is never asked by {where}: "
                    "the request expires before; shorten a `wait` or lengthen `expires`"
                )
                break
        yield from _owned(policy, rule, stage, where)


def _owned(policy: Policy, rule: Rule, stage: StageSpec, where: str) -> Iterator[str]:
    reach = {p for step in policy.chains[stage.chain].steps for p in policy.members(step.notify)}
    for agent in policy.agents.values() if not rule.allow_self else ():
        left = reach - {agent.owner, agent.name}
        if len(left) < min(stage.approvals, len(reach)):
            yield (
                f"{where} can never be approved for the agent {quoted(agent.name)}: without its owner the chain "
                f"{quoted(stage.chain)} has {len(left) or 'no'} {'person' if len(left) == 1 else 'people'} "
                f"for {stage.approvals} approval{'s' * (stage.approvals > 1)}; ask somebody else too"
            )


def _chain(policy: Policy, name: str, steps: tuple[ChainStep, ...]) -> Iterator[str]:
    asked: set[str] = set()
    for number, step in enumerate(steps, start=1):
        where = f"step {number} of the chain {quoted(name)}"
        people = policy.members(step.notify)
        last = number == len(steps)
        if not people:
            yield f"{where} asks nobody: its groups are empty; add people, or remove the step"
        elif set(people) <= asked:
            yield f"{where} asks only people who were asked before; ask somebody else, or remove it"
        asked |= set(people)
        if last and step.wait is not None:
            yield f"{where} is the last and has a `wait`, after which nobody else is asked; add a step, or remove it"
        elif not last and step.wait is None:
            yield f"{where} has no `wait`, so the next step is only asked by hand; add one"
        if step.remind and step.wait and step.remind >= step.wait:
            yield f"{where} never reminds: `remind` is not shorter than `wait`"
        yield from _addresses(policy, step, where)
        owned = [a.name for a in policy.agents.values() if len(people) == 1 and a.owner == people[0]]
        if owned:
            yield (
                f"{where} asks only {people[0]}, who owns {listed(owned)} and never reviews for it; "
                "that step is skipped then"
            )


def _addresses(policy: Policy, step: ChainStep, where: str) -> Iterator[str]:
    for id_ in policy.members(step.notify):
        person = policy.people[id_]
        ways = step.via or ("slack", "email", "push")
        missing = [way for way in ways if not reachable(policy, person, way)]
        if len(missing) == len(ways):
            how = f"through {listed(ways)}" if step.via else "through any channel"
            yield f"{where} cannot reach {id_} {how}: there is no address, so {id_} sees it in the inbox only"
        elif step.via:
            for way in missing:
                yield f"{where} asks {id_} through {way}, for which {id_} has no address"


def reachable(policy: Policy, person: Person, channel: str) -> bool:
    """Whether the file gives an address at which this channel reaches the person (a shared Slack channel counts)."""
    if channel == "slack":
        return bool(person.slack) or policy.channels.get("slack", {}).get("post_to", "dm") != "dm"
    return bool(person.email if channel == "email" else person.ntfy)


def _later(policy: Policy) -> Iterator[str]:
    """Steps that name no channel of this version: those asked there would look in the inbox or never know."""
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, 1):
            if step.via and all(way in LATER for way in step.via):
                yield (
                    f"step {number} of the chain {quoted(name)} asks through {listed(step.via)}, not available in this "
                    "version, so nobody is told; they see it in the inbox only; add slack or email"
                )


def _unused(policy: Policy) -> Iterator[str]:
    used = {stage.chain for rule in (*policy.rules, policy.default) for stage in rule.stages}
    for name in policy.chains:
        if name not in used:
            yield f"no rule uses the chain {quoted(name)}; remove it, or use it in a stage"
    named = {name for chain in policy.chains.values() for step in chain.steps for name in step.notify}
    for name, members in policy.groups.items():
        if not members:
            yield f"the group {quoted(name)} is empty; add people, or remove it"
        if name not in named:
            yield f"no chain notifies the group {quoted(name)}"
    asked = set(policy.members(tuple(named)))
    owners = {agent.owner for agent in policy.agents.values()}
    for person in policy.people:
        if person not in asked and person not in owners:
            yield f"nobody ever asks {person}; add {person} to a chain, or remove the person"


def _action(spec: ActionSpec) -> Iterator[str]:
    where = f"the action {spec.name}"
    properties = spec.schema.document.get("properties") if spec.schema else None
    if isinstance(spec.title, titles.TitleTemplate) and isinstance(properties, dict):
        for name in titles.names_in(spec.title.source):
            if name not in properties:
                fix = meant(name, properties, "the schema lists {}")
                yield f"the title of {where} reads {quoted(name)}, which its schema does not list; {fix}"
    if spec.execute.python is not None:
        module = spec.execute.python.partition(":")[0]
        if not _importable(module):
            yield f"{where} runs {spec.execute.python}, but no module {quoted(module)} is installed here; install it"
    if spec.execute.webhook is not None and spec.schema is None:
        yield f"{where} runs by webhook without a schema, so any arguments reach it; add one"
    if spec.execute.agent and spec.undo_window:
        yield f"{where} has an undo_window, but its agent runs it; it is told only after the window"
    parts = urlsplit(spec.execute.webhook or "")
    if parts.scheme == "http" and re.search(r"[a-z]\Z", parts.hostname or "") and ":" not in (parts.hostname or ""):
        yield f"{where} is sent in plain http: it is refused unless {parts.hostname} is in network.allow_private"


def _importable(module: str) -> bool:
    """Whether the top package can be found; nothing is imported, since importing runs code."""
    try:
        return find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _owners(policy: Policy) -> Iterator[str]:
    for agent in policy.agents.values():
        if agent.owner is None:
            yield f"the agent {quoted(agent.name)} has no owner, so anybody may review what it asks; add owner"


def _network(policy: Policy) -> Iterator[str]:
    for text in policy.allow_private:
        network = targets.network(text)
        if network.version == 4 and _METADATA in network:  # noqa: PLR2004 - IP version 4
            yield f"network.allow_private lists {text}, where clouds hand out this machine's credentials; list less"
        elif network.is_global and network.num_addresses > 1:
            yield f"network.allow_private lists {text}, which is not private: plain http is allowed there"
