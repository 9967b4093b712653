"""Who may not review a request: whoever it is from, or for, and who stands in for them (threat T10)."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from bot.core.model import Person, Submission
from bot.core.policy.asking import with_delegates
from bot.core.policy.whole import Policy
from bot.core.scrutiny import hidden


def excluded(policy: Policy, submission: Submission, agent: str, now: datetime, until: datetime) -> tuple[str, ...]:
    """Who may not review: the agent itself, its owner, whoever it acts for, and who stands in for them meanwhile."""
    names = {agent}
    spec = policy.agents.get(agent)
    if spec and spec.owner:
        names.add(spec.owner)
    if submission.on_behalf_of:
        addresses, words = _named(submission.on_behalf_of)
        names |= {p.id for p in policy.people.values() if _is_meant(p, addresses, words)}
    return tuple(sorted(with_delegates(policy, names, now, until) & policy.people.keys()))


def for_whom(said: str | None, by: str) -> str | None:
    """Whom a rollback is for: whom the first request was for, and the person who asked for it, as `excluded` reads it.

    ``by`` is ``agent:``, ``person:`` or ``admin:`` and a name; of these only people can be asked to review.
    """
    role, _, name = by.partition(":")
    return ", ".join(who for who in (said, name if role == "person" else None) if who) or None


_APART = r"\s,;:<>()\[\]\"'@/|"
_ENDS = ".!?"
_ADDRESS = re.compile(rf"([^{_APART}+]+)(?:\+[^{_APART}]*)?@([^{_APART}]+)")


def _named(text: str) -> tuple[set[str], str]:
    """The mail addresses in a text, without their ``+tags``, and its other words between single spaces.

    Width, case and hidden characters make no difference.
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isspace() or not hidden(c)).casefold()
    # A sentence's end is no part of an address or a name.
    addresses = {f"{local}@{host.rstrip(_ENDS)}" for local, host in _ADDRESS.findall(seen)}
    return addresses, f" {re.sub(f'[{_APART}{_ENDS}]+', ' ', _ADDRESS.sub(' ', seen)).strip()} "


def _is_meant(person: Person, addresses: set[str], words: str) -> bool:
    """Whether a person is among those named. Barring somebody wrongly is the safe mistake, so a name is enough."""
    if person.email and _named(person.email)[0] & addresses:
        return True
    names = (_named(name)[1] for name in (person.id, person.name, person.slack) if name)
    return any(name.strip() and name in words for name in names)
