"""Warnings: what loads and may still not be meant."""

from __future__ import annotations

import pytest

from bot.core.policy import Policy
from bot.routing import load, parse, warnings
from bot.routing.people import CHANNELS as NAMED
from channels import CHANNELS
from tests.routing.cases import DATA, GROUND, policy


def told(found: Policy, words: str) -> bool:
    """Whether some warning holds these words."""
    return any(words in line for line in warnings(found))


ACTIONS = "actions: {refund.issue: {risk: irreversible}, report.read: {risk: read_only}}\n"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("  - {name: a, then: block}\n  - {name: b, then: block}", 'the rule "b" is never reached'),
        ('  - {name: a, when: "true", then: block}\n  - {name: b, then: block}', 'the rule "b" is never reached'),
        ("  - {name: a, then: approve}", "approves everything that reaches it"),
        ("  - {name: a, when: arguments.n < 5, then: approve}", "approves without naming an action"),
        ('  - {name: a, when: action == "refund.isue", then: block}', 'did you mean "refund.issue"?'),
        ('  - {name: a, when: action == "refund.issue", then: approve}', "and that is irreversible"),
        ('  - {name: a, when: action == "report.read" && has(labels.x), then: approve}', "never make a review laxer"),
        ("  - {name: a, when: labels.x == 1, then: block}", "every request without that label"),
        ("  - {name: a, stages: [{chain: finance}], allow_self: true}", "allow_self"),
        ("  - {name: a, stages: [{chain: finance, if: arguments.n > 1}]}", "has an `if`"),
        ("  - {name: a, stages: [{chain: finance}], expires: 10m}", "is never asked by"),
        ("  - {name: a, stages: [{chain: finance, if: action == 'x.y'}]}", 'names the action "x.y"'),
    ],
)
def test_rules_that_may_not_be_meant(rules: str, words: str) -> None:
    """Each is told, in words that say what to do."""
    assert told(policy(rules=rules, more=ACTIONS), words)


@pytest.mark.parametrize(
    ("chains", "words"),
    [
        ("c: [{notify: ana}, {notify: lea}]", "has no `wait`, so the next step is only asked by hand"),
        ("c: [{notify: ana, wait: 1h}]", "is the last and has a `wait`"),
        ("c: [{notify: ana, wait: 5m, remind: 5m}, {notify: lea}]", "never reminds"),
        ("c: [{notify: ana, wait: 5m, remind: 5ms}, {notify: lea}]", "says remind: 5ms, in which nobody can answer"),
        ("c: [{notify: [ana, ben], wait: 5m}, {notify: ben}]", "asks only people who were asked before"),
        ("c: [{notify: ana, wait: 5m}, {notify: empty}]", "asks nobody"),
        ("c: [{notify: [ana, ben], via: [slack, email]}]", "asks ben through slack, for which ben has no address"),
        ("c: [{notify: ben, via: [slack, push]}]", "cannot reach ben through slack and push"),
        ("c: [{notify: ben, via: [slack, push]}]", "in the inbox only, and in browsers where they switched"),
        ("c: [{notify: [ana, ben], via: push}]", "asks through push only, and nobody it asks has an ntfy topic"),
        ("c: [{notify: [ana, tom], via: push}]", "reaches ana only in browsers where they switched notifications on"),
        ("c: [{notify: [ana, pat], via: push}]", "cannot reach pat through push: there is no address, so pat sees it"),
        ("c: [{notify: [ana, pat], via: [slack, push]}]", "cannot reach pat through slack and push"),
        ("c: [{notify: pat}]", "pat is pushed to by ntfy and has no topic there"),
        ("c: [{notify: pat}]", "pat prefers push and has no address there; give pat ntfy"),
        ("c: [{notify: eve}]", "eve has an `ntfy` topic that nothing uses"),
        ("c: [{notify: eve, via: [push]}]", "nobody it asks has an ntfy topic"),
        ("c: [{notify: kim}]", "cannot reach kim through any channel"),
        ("c: [{notify: lea}]", "asks only lea, who owns robot"),
        ("unused: [{notify: ana}], c: [{notify: ana}]", 'no rule uses the chain "unused"'),
        ("c: [{notify: ana}]", "nobody ever asks ben"),
        ("c: [{notify: ana}]", 'no chain notifies the group "empty"'),
        ("c: [{notify: ana}]", 'the group "empty" is empty'),
        ("c: [{notify: lea}]", 'can never be approved for the agent "robot"'),
    ],
)
def test_chains_that_may_not_be_meant(chains: str, words: str) -> None:
    """Steps that ask nobody new, cannot reach somebody, or never give way; people and groups nobody asks."""
    text = (
        "version: 1\npeople:\n"
        "  {ana: {slack: U0ANA, email: a@x.io}, ben: {email: b@x.io}, lea: {email: l@x.io}, kim: {},\n"
        "   tom: {ntfy: toms}, pat: {email: p@x.io, push: ntfy, channels: [push, email]},\n"
        "   eve: {email: e@x.io, ntfy: eves, push: [web]}}\n"
        f"groups: {{empty: []}}\nagents: {{robot: {{owner: lea}}}}\nchains: {{{chains}}}\n"
        "default: {stages: [{chain: c}]}\n"
    )
    assert told(parse(text, "routing.yaml"), words), warnings(parse(text, "routing.yaml"))


CLOSED = (
    "actions: {refund.issue: {schema: {properties: {amount: {type: number}}, additionalProperties: false}}, "
    "note.add: {schema: {properties: {text: {type: string}}}}}\n"
)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "when: action == 'refund.issue' && arguments.amuont > 5, then: block",
            'reads "arguments.amuont", which the schema of refund.issue does not list; did you mean "amount"?',
        ),
        ('when: \'action == "refund.issue" && arguments["order"] == "1"\', then: block', 'reads "arguments.order"'),
        ('when: \'action == "refund.issue" && "vip" in arguments\', then: block', 'reads "arguments.vip"'),
        ("when: action == 'refund.issue', stages: [{chain: finance, if: arguments.total > 5}]", '"arguments.total"'),
        ("when: action == 'note.add' && arguments.texts == '', then: block", 'did you mean "text"?'),
        (
            "when: action=='refund.issue', then: approve, limit: {count: 5, per: 2d, by: [agent, arguments.customer]}",
            '"arguments.customer"',
        ),
        ('when: \'"chekcer" in advice && advice.chekcer != "agree"\', then: block', 'did you mean "checker"?'),
    ],
)
def test_conditions_that_read_what_nobody_sends(rule: str, words: str) -> None:
    """A slip in the name of an argument or an advisor makes a rule that never approves, or blocks all: it is told."""
    found = policy(rules=f"  - {{name: a, {rule}}}", more=CLOSED + "agents: {checker: {owner: lea}}\n")
    assert told(found, words), warnings(found)


@pytest.mark.parametrize(
    "rule",
    [
        "when: action == 'refund.issue' && arguments.amount > 5, then: block",
        "when: action == 'refund.issue' && arguments.size() > 5, then: block",
        "when: \"action == 'refund.issue' && context.note == 'arguments.amuont'\", then: block",
        "when: action == 'note.add' && arguments.colour == 'red', then: block",
        "when: arguments.anything == 1, then: block",
        "when: action == 'not.listed' && arguments.anything == 1, then: block",
        "when: '\"checker\" in advice', then: block",
    ],
)
def test_conditions_that_may_well_be_answered(rule: str) -> None:
    """What an open schema may hold, what an action without one does, a method's name, and text in quotes."""
    found = policy(rules=f"  - {{name: a, {rule}}}", more=CLOSED + "agents: {checker: {owner: lea}}\n")
    assert not told(found, "reads"), warnings(found)


def test_whoever_takes_turns_was_not_asked_for_sure() -> None:
    """Of a rotation a step asks one, so the step that asks them all asks somebody new."""
    turns = "schedules: {duty: {rotate: weekly, start: 2026-01-05, people: [ana, ben]}}\n"
    found = in_chain("[{notify: duty, wait: 5m}, {notify: [ana, ben]}]", more=turns)
    assert not told(found, "asked before"), warnings(found)
    found = in_chain("[{notify: [duty, ana], wait: 5m}, {notify: ana}]", more=turns)
    assert told(found, "asked before"), warnings(found)


def test_what_is_bounded_and_limited_is_meant() -> None:
    """A rule that approves what cannot be undone is told until its arguments and a limit bound it."""
    small = "when: action == 'refund.issue' && arguments.n < 5, then: approve"
    assert told(policy(rules=f"  - {{name: a, {small}}}", more=ACTIONS), "give it a limit, or set its risk")
    limited = policy(rules=f"  - {{name: a, {small}, limit: {{count: 5, per: 1d}}}}", more=ACTIONS)
    assert not told(limited, "that is irreversible"), warnings(limited)


def in_chain(chain: str, *, rules: str = "", more: str = "") -> Policy:
    """A policy with one chain of people who have addresses, or none."""
    text = (
        "version: 1\npeople:\n"
        "  {ana: {slack: U0ANA, email: a@x.io, digest: 1h}, ben: {email: b@x.io}, kim: {slack: U0KIM}}\n"
        f"{more}chains: {{c: {chain}}}\n{rules}default: {{stages: [{{chain: c}}]}}\n"
    )
    return parse(text, "routing.yaml")


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        (
            "[{notify: ben, wait: 30m, digest: 30m}, {notify: kim}]",
            'step 1 of the chain "c" gathers its mail for 30m, not shorter than its `wait`',
        ),
        ("[{notify: [ana, ben], wait: 1h}, {notify: kim}]", "moves on before ana is asked by mail"),
        ("[{notify: ana, via: slack, digest: 5m}]", "email is not in its `via`"),
        ("[{notify: kim, digest: 5m}]", "nobody it asks has an email"),
    ],
)
def test_digests_that_may_not_be_meant(chain: str, words: str) -> None:
    """A chain that moves on before its digest goes out, and a digest where nobody is asked by mail."""
    assert told(in_chain(chain), words), warnings(in_chain(chain))


@pytest.mark.parametrize(
    "chain",
    [
        "[{notify: ben, wait: 30m, digest: 29m}, {notify: kim}]",
        "[{notify: ana, wait: 1h, digest: 10m}, {notify: kim}]",
        "[{notify: ana, wait: 61m}, {notify: kim}]",
        "[{notify: ana, via: slack, wait: 1m}, {notify: kim}]",
        "[{notify: ben, digest: 2d}]",
    ],
)
def test_digests_that_are_in_order(chain: str) -> None:
    """A digest shorter than its wait, a step's that goes before its person's, and one that nothing follows."""
    assert not told(in_chain(chain), "digest"), warnings(in_chain(chain))


def test_a_digest_of_somebody_without_mail() -> None:
    """It changes nothing, and is told."""
    found = policy(ground=GROUND.replace("  lea: {email: lea@example.com}", "  lea: {digest: 30m}"))
    assert told(found, "lea has a `digest` and no email")


@pytest.mark.parametrize(
    ("more", "rules", "words"),
    [
        (
            "channels: {email: {irreversible: reply}}\n",
            "",
            "channels.email says irreversible: reply, so a mail is enough",
        ),
        ("channels: {email: {irreversible: reply, replies: off}}\n", "", "changes nothing where replies is off"),
        (
            "",
            "rules: [{name: a, stages: [{chain: c}], email: {irreversible: reply}}]\n",
            'the rule "a" says irreversible',
        ),
        (
            "channels: {email: {replies: reject_only}}\n",
            "rules: [{name: a, stages: [{chain: c}], email: {irreversible: reply}}]\n",
            'the rule "a" says irreversible: reply, which changes nothing where replies is reject_only',
        ),
    ],
)
def test_what_mail_decides_that_may_not_be_meant(more: str, rules: str, words: str) -> None:
    """Approving by mail what cannot be undone is told, and so is what only looks like it."""
    found = in_chain("[{notify: ben}]", more=more, rules=rules)
    assert told(found, words), warnings(found)


def test_an_email_of_a_rule_that_asks_nobody_by_mail() -> None:
    """It changes nothing, and is told; where somebody is asked by mail, nothing is said."""
    rules = "rules: [{name: a, stages: [{chain: c}], email: {replies: off}}]\n"
    assert told(in_chain("[{notify: ana, via: slack}]", rules=rules), "nobody in its chains is asked by mail")
    assert not told(in_chain("[{notify: ana}]", rules=rules), "by mail")
    assert not told(in_chain("[{notify: ben}]", more="channels: {email: {irreversible: page}}\n"), "irreversible")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("agents: {robot: {}}\n", "has no owner"),
        ("network: {allow_private: [169.254.0.0/16]}\n", "hand out this machine's credentials"),
        ("network: {allow_private: [8.8.8.0/24]}\n", "is not private"),
        ('actions: {a: {execute: {python: "no_such_package_here:run"}}}\n', "no module"),
        ("actions: {a: {execute: {webhook: https://a.example/}}}\n", "without a schema"),
        ("actions: {a: {undo_window: 5s}}\n", "has an undo_window, but its agent runs it"),
        ('actions: {a: {title: "{{ amont }}", schema: {properties: {amount: {}}}}}\n', 'did you mean "amount"?'),
        (
            "network: {allow_private: [10.0.0.0/8]}\nactions: {a: {execute: {webhook: http://b.internal/}}}\n",
            "is sent in plain http",
        ),
    ],
)
def test_actions_agents_and_networks_that_may_not_be_meant(more: str, words: str) -> None:
    """Each is told."""
    assert told(policy(more=more), words), warnings(policy(more=more))


def test_a_listed_module_is_found_without_importing_it() -> None:
    """A module that is installed is not warned about."""
    assert not told(policy(more='actions: {a: {execute: {python: "json.tool:main"}}}\n'), "no module")


def test_a_shared_slack_channel_reaches_everybody() -> None:
    """With ``post_to`` a channel, nobody needs a Slack id to be told."""
    assert told(policy(), "through slack")
    assert not told(policy(more='channels: {slack: {post_to: "#approvals"}}\n'), "through slack")


def test_a_smallest_file_has_no_warnings() -> None:
    """Nothing is said where there is nothing to say."""
    assert warnings(load(DATA / "good" / "smallest.yaml")) == ()


def test_every_channel_that_a_file_may_name_is_there() -> None:
    """A file names the channels that are registered, and no others."""
    assert set(NAMED) == set(CHANNELS)


@pytest.mark.parametrize(
    "people",
    [
        "{ana: {ntfy: anas}, ben: {ntfy: bens, push: [web, ntfy]}}",
        "{ana: {ntfy: anas, push: ntfy}, ben: {push: apprise}}",
        "{ana: {ntfy: anas, channels: [push]}, ben: {email: b@x.io, channels: [push, email], push: [apprise, web]}}",
    ],
)
def test_push_that_reaches_is_not_warned_of(people: str) -> None:
    """A topic that is used, a service that is named; a browser first where something else reaches them, too."""
    text = f"version: 1\npeople: {people}\nchains: {{c: [{{notify: [ana, ben], via: push}}]}}\n"
    assert warnings(parse(text + "default: {stages: [{chain: c}]}\n", "routing.yaml")) == ()


def test_admins_and_auditors_need_not_be_asked() -> None:
    """That a chain asks a reviewer nowhere is told; who runs the house, or reads it, is there for that."""
    text = "version: 1\npeople: {ana: {email: a@x.io}, ben: {role: %s}}\nchains: {c: [{notify: ana}]}\n"
    text += "default: {stages: [{chain: c}]}\n"
    assert told(parse(text % "reviewer", "routing.yaml"), "nobody ever asks ben")
    for role in ("admin", "auditor"):
        assert warnings(parse(text % role, "routing.yaml")) == ()
