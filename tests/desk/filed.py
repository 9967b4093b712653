"""Whole files for the desk's tests: always the same people and agents, and what a test says of the rest."""

from __future__ import annotations

from textwrap import dedent

from tests.desk.house import House

GROUND = """version: 1
people:
  ana: {name: Ana Silva, email: ana@example.com, slack: U0ANA}
  ben: {name: Ben Okafor, email: ben@example.com, slack: U0BEN}
  lea: {name: Lea Marsh, email: lea@example.com, slack: U0LEA}
  dan: {name: Dan Reyes, email: dan@example.com, slack: U0DAN}
  eva: {name: Eva Holm, email: eva@example.com, slack: U0EVA}
  kim: {name: Kim Tran, email: kim@example.com, slack: U0KIM}
groups: {finance: [ana, ben], legal: [lea, kim], both: [ana, lea]}
agents:
  billing: {owner: dan}
  other: {}
  third: {}
  checker: {}
network: {allow_private: [127.0.0.0/8]}
"""

SENT = """
actions:
  refund.issue: {risk: irreversible, execute: {webhook: RECEIVER/refunds, timeout: 2s}}
"""
"""One action that a webhook runs; `amount` is a number where it is given."""

DEFAULT = """
default: {stages: [{name: finance, chain: finance}], expires: 24h}
"""
FINANCE = """
chains:
  finance: [{notify: [finance]}]
"""


def stages(*listed: str, **more: str) -> str:
    """A default of these stages, as the file writes them."""
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    return f"default: {{stages: [{', '.join(listed)}]{rest}}}"


def chain(*steps: str, **more: str) -> str:
    """A file's chains with one that is called finance."""
    if not more:
        return f"chains:\n  finance: [{', '.join(steps)}]"
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    return f"chains:\n  finance: {{steps: [{', '.join(steps)}]{rest}}}"


def filed(*sections: str) -> str:
    """A whole routing.yaml of the ground and these sections; what the ground has too is taken from the section."""
    given = [dedent(section).strip("\n") for section in sections]
    names = {text.partition(":")[0] for text in given}
    kept = [part for part in _parts(GROUND) if part.partition(":")[0] not in names]
    return "\n".join((*kept, *given)) + "\n"


def _parts(text: str) -> list[str]:
    """The sections of a file, each with what is indented below it."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def enforce(house: House, *sections: str) -> None:
    """Put a file of these sections in force."""
    text = filed(*sections)
    house.rule(lambda _: text)


def other_people(text: str) -> str:
    """The ground's people, of whom some are others: one line each, ``id: {…}``."""
    known = next(part for part in _parts(GROUND) if part.startswith("people"))
    given = {line.strip().partition(":")[0]: f"  {line.strip()}" for line in dedent(text).strip().splitlines()}
    lines = [given.pop(line.strip().partition(":")[0], line) for line in known.splitlines()[1:]]
    return "\n".join(("people:", *lines, *given.values()))
