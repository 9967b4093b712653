"""What people said no to, and what it keeps an earned grant from: the same wish in other amounts (threat T12).

Nothing of this is read or written but for actions of which something can be earned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.core.model import Arguments, Request, State, Submission
from bot.core.policy import Policy, Rule
from bot.core.ports import Tx
from bot.core.trust.alike import ALL, ANY, Naming, choices_in, mark_of, names_in, print_of
from bot.core.trust.grants import Grant


def earning(policy: Policy, action: str) -> tuple[Rule, ...]:
    """The rules under which something of an action can be earned."""
    return tuple([r for r in policy.trusting if r.when is None or r.when.actions is None or action in r.when.actions])


def keep(tx: Tx, policy: Policy, request: Request, at: datetime) -> None:
    """Keep what a request names that people rejected or changed, for the action's cool-down.

    A name is a cause to look at whoever names it next. Where nothing is named there is none but who asked: that alone
    puts no other agent's requests before people, or one rejection of an empty request would for all of them.
    """
    rules, action = earning(policy, request.action), request.action
    if not rules or not policy.action(action).cooldown:
        return
    amounts = {pointer for rule in rules if rule.trust is not None for pointer in rule.trust.bands}
    names = names_in(_proposed(request), _naming(policy, action, amounts))
    own = [mark_of(action, which, request.agent) for which in (ANY, *(() if names else (ALL,)))]
    prints = [print_of(action, name) for name in sorted(names or ())]
    for each in (mark_of(action, ANY), *own, *prints):
        tx.keep_rejection(each, request.id, at)


def _naming(policy: Policy, action: str, amounts: Collection[str]) -> Naming:
    schema = policy.action(action).schema
    return Naming(amounts, frozenset() if schema is None else choices_in(schema.document))


def _proposed(request: Request) -> Iterable[Arguments]:
    content = request.content
    offered = [option.arguments for option in content.options]
    return [*offered, content.arguments, *([content.proposed] if content.proposed is not None else [])]


def like(tx: Tx, policy: Policy, asked: Submission, now: datetime, grant: Grant) -> str | None:
    """The request that people said no to, of which what is asked for may be the rest; None: none that is known.

    One of any agent where both name the same, else one of its own. Whatever it names, a revision of what was not
    approved as it was is for people.
    """
    revised = tx.request(asked.revises) if asked.revises is not None else None
    if revised is not None and revised.state is not State.APPROVED:
        return revised.id
    action = asked.action
    since = now - policy.action(action).cooldown
    # As a rule nothing was rejected, and one look says so.
    earlier = tx.rejected(mark_of(action, ANY), since)
    if earlier is None:
        return None
    names = names_in([asked.arguments], _naming(policy, action, grant.ceilings))
    if names is None:
        # Behind a crowd of names hides whichever of them anybody was told no about.
        return earlier
    own = mark_of(action, ALL if names else ANY, grant.agent)
    prints = [own, *(print_of(action, name) for name in sorted(names))]
    found = (tx.rejected(each, since) for each in prints)
    return next((request for request in found if request is not None), None)
