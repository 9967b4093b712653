"""Warnings of safeguards that do not guard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.routing import parse
from bot.routing.lint import warnings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOTE = 'action == "note.add"'


def told(
    *,
    rules: str = "",
    action: str = "risk: reversible",
    more: str = "",
    kim: str = "{email: k@x.io}",
    chains: str = "",
    back: str = "",
) -> list[str]:
    """The warnings of a small file with these sections, leaving out what nobody uses."""
    listed = f"rules: [{rules}]\n" if rules else ""
    text = (
        "version: 1\npeople: {ana: {email: a@x.io}, ben: {email: b@x.io}, lea: {email: l@x.io}, "
        f"kim: {kim}}}\n"
        "agents: {checker: {owner: lea}}\n"
        f"actions: {{note.add: {{{action}}}{', ' * bool(back)}{back}}}\n"
        f"chains: {{c: [{{notify: [ana, ben]}}], d: [{{notify: [ben, kim]}}]{chains}}}\n{more}{listed}"
        "default: {stages: [{chain: c}]}\n"
    )
    unused = ("no rule uses the chain", "nobody ever asks")
    return [line for line in warnings(parse(text, "routing.yaml"), NOW) if not line.startswith(unused)]


def rule(more: str, then: str = "then: approve") -> str:
    """A rule about notes."""
    return f"{{name: r, when: '{NOTE}', {then}, {more}}}"


DEAD = "{name: all, then: block}, "
CASES: list[tuple[dict[str, str], str, dict[str, str]]] = [
    (
        {"rules": rule("limit: {count: 5, per: 500d}")},
        'the limit of the rule "r" counts over 500d, and what was approved is kept for 400d only; shorten `per`',
        {"rules": rule("limit: {count: 5, per: 400d}")},
    ),
    (
        {"rules": DEAD + rule("sample: 5%")},
        'the sample of the rule "r" takes nothing, since the rule never answers; remove it, or mend the rule',
        {"rules": rule("sample: 5%")},
    ),
    (
        {"rules": DEAD + rule("second_look: d")},
        'the second_look of the rule "r" is never asked, since the rule never answers; remove it, or mend the rule',
        {"rules": rule("second_look: d")},
    ),
    (
        {"rules": rule("confidence_gate: 0.5"), "action": "risk: irreversible, critical: true"},
        (
            'the rule "r" never approves note.add, which is critical and always goes to people; '
            "leave it out, or do not call it critical"
        ),
        {"rules": rule("confidence_gate: 0.5")},
    ),
    (
        {"action": "risk: irreversible, cooldown: 0s"},
        (
            "the action note.add cannot be undone and has cooldown: 0s, so a rule may approve what a person has just "
            "rejected; lengthen it"
        ),
        {"action": "risk: reversible, cooldown: 0s"},
    ),
    (
        {"rules": rule("expires: 1h, advice: {from: [checker], within: 1h}", "stages: [{chain: c}]")},
        (
            'the rule "r" waits 1h for advice and expires after 1h, so without advice nobody is ever asked; '
            "shorten `within`, or lengthen `expires`"
        ),
        {"rules": rule("expires: 1h, advice: {from: [checker], within: 59m}", "stages: [{chain: c}]")},
    ),
    (
        {"more": "break_glass: {people: [kim], review: c}\n", "kim": "{}"},
        (
            "nobody who may break the glass can be reached: kim has no address, and nobody is told of an emergency; "
            "give one"
        ),
        {"more": "break_glass: {people: [kim], review: c}\n"},
    ),
    (
        {"more": "break_glass: {people: [kim], review: e}\n", "chains": ", e: [{notify: [kim, lea]}]"},
        (
            'where kim breaks the glass for the agent "checker", nobody can review it: the chain "e" asks kim and lea, '
            "and neither who broke it nor the agent's owner reviews it; ask somebody else, too"
        ),
        {"more": "break_glass: {people: [kim], review: d}\n"},
    ),
    (
        {"more": "break_glass: {people: [ana, ben, lea], review: c}\n"},
        'break_glass is reviewed by those alone who may use it: the chain "c" asks ana and ben; ask somebody else, too',
        {"more": "break_glass: {people: [ana, lea], review: c}\n"},
    ),
    (
        {
            "action": "schema: {properties: {id: {}}}, rollback: {action: note.drop, arguments: {n: '{{ idd }}'}}",
            "back": "note.drop: {}",
        },
        (
            'the rollback of note.add reads "arguments.idd", which the schema of note.add does not list; did you mean '
            '"id"?'
        ),
        {
            "action": "schema: {properties: {id: {}}}, rollback: {action: note.drop, arguments: {n: '{{ result }}'}}",
            "back": "note.drop: {}",
        },
    ),
    (
        {
            "action": "rollback: {action: note.drop, arguments: {note: '{{ result.id }}'}}",
            "back": "note.drop: {schema: {required: [note, why], properties: {note: {}, why: {}}}}",
        },
        (
            'the rollback of note.add gives no "why", and the schema of note.drop requires it, so it can never be '
            "proposed; add it"
        ),
        {
            "action": "rollback: {action: note.drop, arguments: {note: '{{ result.id }}'}}",
            "back": "note.drop: {schema: {required: [note], properties: {note: {}, why: {}}}}",
        },
    ),
    (
        {"rules": rule("review_after: {share: 10%, chain: e}"), "chains": ", e: [{notify: lea}]"},
        (
            'the review afterwards of the rule "r" can never be approved for the agent "checker": without its owner '
            'the chain "e" has no people for 1 approval; ask somebody else too'
        ),
        {"rules": rule("review_after: {share: 10%, chain: d}")},
    ),
    (
        {"more": "flood: {cards: 1}\n"},
        (
            "flood.cards is 1: from the first card in 1m on every one is gathered for 2m, and nobody is told at once; "
            "write 2 or more"
        ),
        {"more": "flood: {cards: 2}\n"},
    ),
]


@pytest.mark.parametrize(("bad", "words", "near"), CASES)
def test_safeguards_that_do_not_guard(bad: dict[str, str], words: str, near: dict[str, str]) -> None:
    """Each is told in these words, and a file that is nearly the same and in order is left in peace."""
    assert words in told(**bad)
    assert told(**near) == []
