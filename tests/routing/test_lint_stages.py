"""Warnings of who reviews: rules that never answer, stages that nobody can fill, people whom nothing reaches."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations

import pytest

from bot.routing import parse
from bot.routing.lint import warnings
from tests.routing.cases import policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTIONS = "actions: {refund.issue: {risk: reversible}, note.add: {risk: reversible}}\n"


def of_rules(rules: str) -> tuple[str, ...]:
    """The warnings of these rules, in a file that has none by itself but for its chain's silence."""
    found = warnings(policy(rules=rules, more=ACTIONS), NOW)
    return tuple(line for line in found if line.startswith(("the rule", "the stage", "every stage")))


REFUND = 'action == "refund.issue"'
NOTE = 'action == "note.add"'
ASK = "stages: [{chain: finance}]"
ORDER = [
    (
        f"  - {{name: a, then: block}}\n  - {{name: b, when: '{NOTE}', then: block}}",
        'the rule "b" is never reached: "a" above it always answers; move it up',
        f"  - {{name: b, when: '{NOTE}', then: block}}\n  - {{name: a, then: block}}",
    ),
    (
        f"  - {{name: a, when: '{REFUND}', then: block}}\n  - {{name: b, when: '{REFUND}', {ASK}}}",
        'the rule "b" is never reached: "a" above it has the same condition; change one of them, or remove it',
        f"  - {{name: a, when: '{REFUND}', then: block}}\n  - {{name: b, when: '{NOTE}', {ASK}}}",
    ),
    (
        (
            f"  - {{name: a, when: '{NOTE}', then: approve, limit: {{count: 5, per: 1h}}, second_look: finance}}\n"
            f"  - {{name: b, when: '{NOTE.replace(' ', '  ')}', stages: [{{chain: finance}}]}}"
        ),
        'the rule "b" is never reached: "a" above it has the same condition; change one of them, or remove it',
        (
            f"  - {{name: a, when: '{NOTE}', then: approve, limit: {{count: 5, per: 1h}}}}\n"
            f"  - {{name: b, when: '{NOTE}', stages: [{{chain: finance}}]}}"
        ),
    ),
    (
        f"  - {{name: a, when: '{NOTE} && has(context.safe)', then: approve}}",
        (
            'the rule "a" approves by context, which is the agent\'s own word: an agent that wants it approved says '
            "what the rule asks for; use arguments, which are what runs"
        ),
        f"  - {{name: a, when: '{NOTE} && has(arguments.safe)', then: approve}}",
    ),
    (
        "  - {name: a, when: false, then: block}",
        'the rule "a" never holds: its condition is false; correct it, or remove the rule',
        "  - {name: a, when: true, then: block}",
    ),
    (
        "  - {name: a, stages: [{chain: finance}, {name: x, chain: finance, if: false}]}",
        'the stage "x" of the rule "a" is never asked: its `if` is false; remove one of the two',
        "  - {name: a, stages: [{chain: finance}, {name: x, chain: finance, if: arguments.n > 1}]}",
    ),
]


@pytest.mark.parametrize(("rules", "words", "near"), ORDER)
def test_rules_that_never_answer(rules: str, words: str, near: str) -> None:
    """Each is told in these words, and rules that are nearly the same and in order are left in peace."""
    assert words in of_rules(rules)
    assert of_rules(near) == ()


def of_stages(
    stages: str, *, chains: str = "", people: str = "", agents: str = "robot: {owner: ben}"
) -> tuple[str, ...]:
    """The warnings of one rule's stages over chains ``one`` (Ana, Ben) and ``two`` (Ben, Lea), and these."""
    text = (
        "version: 1\npeople:\n  {ana: {email: a@x.io}, lea: {email: l@x.io}, kim: {email: k@x.io},\n"
        f"   ben: {{email: b@x.io{people}}}}}\n"
        "groups: {finance: [ana, ben], legal: [ben, lea], trio: [ana, lea, kim]}\n"
        f"agents: {{{agents}}}\n"
        "chains: {one: [{notify: finance}], two: [{notify: legal}], "
        f"all: [{{notify: [ana, lea, kim]}}]{chains}}}\n"
        f"rules: [{{name: r, stages: {stages}}}]\ndefault: {{stages: [{{chain: all}}]}}\n"
    )
    found = warnings(parse(text, "routing.yaml"), NOW)
    return tuple(line for line in found if not line.startswith("no "))


FILLING = [
    (
        "[{chain: one, approvals: 2}]",
        (
            'the rule "r" can never be approved for the agent "robot": without its owner the chain "one" has 1 '
            "person for "
            "2 approvals; ask somebody else too"
        ),
        "[{chain: one}]",
    ),
    (
        "[{chain: one}, {chain: two}, {chain: all, if: arguments.n > 1, approvals: 2}]",
        (
            'the rule "r" can never be approved for the agent "robot" where all its stages are asked: without its '
            "owner its stages take 4 different people, since nobody fills two, and those asked can fill 3 of these; "
            "ask somebody else too"
        ),
        "[{chain: one}, {chain: two}, {chain: all, if: arguments.n > 1}]",
    ),
    (
        "[{chain: one, approvals: 2}, {chain: two, if: arguments.n > 1, approvals: 2}]",
        (
            'the rule "r" can never be approved where all its stages are asked: they take 4 different people, '
            "since nobody "
            "fills two, and those asked can fill 3 of these; ask more people, or for fewer approvals"
        ),
        "[{chain: one}, {chain: two, if: arguments.n > 1}]",
    ),
    (
        "[{chain: all, approvals: 2, rejections: 3}]",
        (
            'the stage "all" of the rule "r" ends only at 3 rejections: after 2 its chain has 1 person left for 2 '
            "approvals, and the request waits for nothing; take fewer rejections, or ask more people"
        ),
        "[{chain: all, approvals: 2, rejections: 2}]",
    ),
]


@pytest.mark.parametrize(("stages", "words", "near"), FILLING)
def test_stages_that_nobody_can_fill(stages: str, words: str, near: str) -> None:
    """One person never fills two, the agent's owner fills none, and whoever rejected does not approve."""
    assert words in of_stages(stages)
    assert of_stages(near) == ()


def test_distinct_groups_need_a_person_each() -> None:
    """Without the owner the second group has nobody of its own."""
    chains = ", both: [{notify: [finance, ben]}]"
    stages = "[{chain: both, approvals: 2, distinct_groups: true}]"
    words = (
        'the rule "r" can never be approved for the agent "robot": without its owner the chain "both" has 1 person for '
        "2 approvals; ask somebody else too"
    )
    assert words in of_stages(stages, chains=chains)
    enough = ", both: [{notify: [finance, legal]}]"
    assert of_stages(stages, chains=enough) == ()
    alone = ", both: [{notify: [trio, ben]}]"
    words = (
        'the rule "r" can never be approved for the agent "robot": without its owner the chain "both" has not 2 names '
        "that can each give an approval of their own; ask somebody else too"
    )
    assert words in of_stages(stages, chains=alone)


def test_distinct_groups_and_another_stage_are_filled_together() -> None:
    """Each by itself would do; whoever speaks for a name is missing in the stage after it."""
    chains = ", both: [{notify: [trio, ben]}], alone: [{notify: ben}]"
    stages = "[{chain: both, approvals: 2, distinct_groups: true}, {chain: alone}]"
    words = (
        'the rule "r" can never be approved where all its stages are asked: whoever gives the approval of one name is '
        "missing for another stage, since nobody fills two; ask more people"
    )
    assert words in of_stages(stages, chains=chains)
    other = ", both: [{notify: [trio, ben]}], alone: [{notify: kim}]"
    assert of_stages(stages, chains=other) != ()
    assert words not in of_stages(stages, chains=other)


def test_stages_while_the_owner_is_away() -> None:
    """Whoever stands in for the owner may not review either, for as long."""
    words = (
        'the rule "r" cannot be approved for the agent "robot" from 2026-12-20 to 2027-01-02, while ana stands in for '
        "its owner ben and may not review either; ask somebody else too, or name another delegate"
    )
    abroad = ", away: [{from: 2026-12-20, until: 2027-01-02, delegate: %s}]"
    assert words in of_stages("[{chain: one}]", people=abroad % "ana")
    assert of_stages("[{chain: one}]", people=abroad % "kim") == ()


@pytest.mark.parametrize("numbers", list(combinations(range(4), 2)))
def test_a_step_that_asks_only_the_owner_is_told(numbers: tuple[int, ...]) -> None:
    """Of every chain, whatever the agent; with a fallback somebody is asked, and nothing is said."""
    agents = ", ".join(f"bot{n}: {{owner: {'ben' if n in numbers else 'lea'}}}" for n in range(4))
    named = " and ".join(f"bot{n}" for n in numbers)
    words = (
        f'step 1 of the chain "b" asks only ben, who owns {named} and never reviews for it; that step is skipped then'
    )
    chain = ", b: [{notify: ben}, {notify: [ana, kim]}]"
    assert words in of_stages("[{chain: b}]", chains=chain, agents=agents)
    told = of_stages("[{chain: b}]", chains=chain.replace("ben}", "ben, if_empty: {fallback: kim}}"), agents=agents)
    assert not [line for line in told if "asks only ben" in line]


REACHING = [
    (
        "{ana: {email: a@x.io, channels: [slack]}}",
        (
            'step 1 of the chain "c" cannot reach ana through slack, as ana prefers: there is no address, so ana '
            "sees it in "
            "the inbox only"
        ),
        "{ana: {email: a@x.io, channels: [email]}}",
    ),
    (
        "{ana: {email: a@x.io, channels: [slack, email]}}",
        "ana prefers slack and has no address there; give ana slack, or take slack out of the `channels` of ana",
        "{ana: {email: a@x.io, slack: U0ANA, channels: [slack, email]}}",
    ),
    (
        "{ana: {}}",
        (
            'step 1 of the chain "c" cannot reach ana through any channel: there is no address, so ana sees it '
            "in the inbox only, and in browsers where they switched notifications on"
        ),
        "{ana: {slack: U0ANA}}",
    ),
]


@pytest.mark.parametrize(("people", "words", "near"), REACHING)
def test_people_whom_nothing_reaches(people: str, words: str, near: str) -> None:
    """By the step's channels, or by those that they prefer themselves."""

    def told(folk: str) -> tuple[str, ...]:
        text = f"version: 1\npeople: {folk}\nchains: {{c: [{{notify: ana}}]}}\ndefault: {{stages: [{{chain: c}}]}}\n"
        return warnings(parse(text, "routing.yaml"), NOW)

    assert words in told(people)
    assert told(near) == ()


def test_fallbacks_and_ends_that_reach_nobody() -> None:
    """Whoever is asked instead, and whoever is told at the end, needs an address, too."""

    def told(kim: str) -> tuple[str, ...]:
        text = (
            f"version: 1\npeople: {{ana: {{email: a@x.io}}, kim: {kim}}}\nchains:\n"
            "  c: {steps: [{notify: ana, wait: 20h, if_empty: {fallback: kim}}], exhausted: {notify: kim}}\n"
            "default: {stages: [{chain: c}]}\n"
        )
        return warnings(parse(text, "routing.yaml"), NOW)

    how = "cannot reach kim through any channel: there is no address, so kim sees it in the inbox only"
    how += ", and in browsers where they switched notifications on"
    assert told("{}") == (f'the fallback of step 1 of the chain "c" {how}', f'the end of the chain "c" {how}')
    assert told("{slack: U0KIM}") == ()


def test_what_only_safeguards_use_is_used() -> None:
    """Chains of second looks, exceptions and broken glass; people and groups who are told or stand in."""
    text = (
        "version: 1\npeople: {ana: {email: a@x.io}, ben: {email: b@x.io}, lea: {email: l@x.io}, kim: {email: k@x.io}}\n"
        "groups: {security: [kim]}\nactions: {note.add: {risk: reversible}}\n"
        "chains: {a: [{notify: ana}], b: [{notify: ana}], c: [{notify: lea}], d: [{notify: ana}]}\n"
        "break_glass: {people: [ben], review: c, notify: [security]}\nexceptions: {stages: [{chain: b}]}\n"
        f"rules: [{{name: r, when: '{NOTE}', then: approve, second_look: a}}]\ndefault: {{then: block}}\n"
    )
    assert warnings(parse(text, "routing.yaml"), NOW) == (
        'no rule uses the chain "d"; remove it, or use it in a stage',
    )
