"""What a policy says of mail that may not be meant."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.model import OnIrreversible, Replies
from bot.core.policy import ChainStep, Policy, Rule
from bot.routing.faults import quoted
from bot.routing.spans import span_text

_EMAIL = "email"


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of mail, each a sentence that says what to do; order: channel, rules, chains, people."""
    yield from _irreversible("channels.email", policy.irreversible, policy.replies)
    for rule in (*policy.rules, policy.default):
        where = f"the rule {quoted(rule.name)}"
        yield from _irreversible(where, rule.irreversible, rule.replies or policy.replies)
        yield from _idle(policy, rule, where)
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, start=1):
            yield from _gathered(policy, step, f"step {number} of the chain {quoted(name)}")
    for person in policy.people.values():
        if person.digest and not person.email:
            yield f"{person.id} has a `digest` and no email, so it changes nothing; add email, or remove it"


def _irreversible(where: str, said: OnIrreversible | None, replies: Replies) -> Iterator[str]:
    if said is not OnIrreversible.REPLY:
        return
    if replies is Replies.APPROVE:
        yield (
            f"{where} says irreversible: reply, so a mail is enough to approve what cannot be undone; "
            "write irreversible: page unless that is meant"
        )
    else:
        yield f"{where} says irreversible: reply, which changes nothing where replies is {replies}; remove it"


def _idle(policy: Policy, rule: Rule, where: str) -> Iterator[str]:
    """What a rule says of replies while nobody it asks is asked by mail."""
    if rule.replies is None and rule.irreversible is None:
        return
    steps = [step for stage in rule.stages for step in policy.chains[stage.chain].steps]
    if steps and not any(by_mail(policy, step) for step in steps):
        yield f"{where} has an `email`, and nobody in its chains is asked by mail; remove it, or add email to a `via`"


def by_mail(policy: Policy, step: ChainStep) -> tuple[str, ...]:
    """Whom a step asks by mail: people with an address, where email is among its channels."""
    if step.via and _EMAIL not in step.via:
        return ()
    return tuple([person for person in policy.members(step.notify) if policy.people[person].email])


def _gathered(policy: Policy, step: ChainStep, where: str) -> Iterator[str]:
    asked = by_mail(policy, step)
    if step.digest and step.via and _EMAIL not in step.via:
        yield f"{where} has a `digest`, and email is not in its `via`, so it changes nothing; add email, or remove it"
        return
    if step.digest and not asked:
        yield f"{where} has a `digest`, and nobody it asks has an email; add one, or remove it"
    if step.wait is None:
        return
    if step.digest and step.digest >= step.wait and asked:
        yield (
            f"{where} gathers its mail for {span_text(step.digest)}, not shorter than its `wait`, so the chain "
            "moves on before anybody is asked by mail; shorten `digest` or lengthen `wait`"
        )
    for id_ in asked if step.digest is None else ():
        digest = policy.people[id_].digest
        if digest and digest >= step.wait:
            yield (
                f"{where} moves on before {id_} is asked by mail: the `digest` of {id_} ({span_text(digest)}) is not "
                "shorter than its `wait`; give the step a shorter `digest`, or a longer `wait`"
            )
