"""Who reads figures of people by name: admins and auditors of everybody, reviewers of themselves alone (threat T23).

One rule for the API and the pages. What names nobody (the team's figures, thresholds) is for every person who signs in.
"""

from __future__ import annotations

from bot.core.model import Key, Person, PersonRole, Role
from bot.core.policy import Policy


def sees_people(person: Person | None) -> bool:
    """Whether this person reads figures of others by name; None: somebody whom routing.yaml does not name any more."""
    return person is not None and person.role in (PersonRole.ADMIN, PersonRole.AUDITOR)


def only_themselves(key: Key, policy: Policy) -> str | None:
    """The person who, of people by name, is told only of themselves by this key; None: all, or nobody (agents)."""
    if key.role is not Role.REVIEWER or sees_people(policy.people.get(key.name)):
        return None
    return key.name
