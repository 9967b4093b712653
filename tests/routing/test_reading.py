"""What is read from a good file: values, titles, schemas, targets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import OnExpiry, OnIrreversible, Replies, Risk, Then
from bot.core.policy import BY_AGENT
from bot.routing import load
from bot.routing.composing import read
from bot.routing.faults import Faults
from bot.routing.nodes import Mapping, Scalar
from bot.routing.source import place_in
from tests.routing.cases import DATA, faults, policy

CONTRACT = DATA / "good" / "contract.yaml"


def test_the_contracts_example_is_read_as_written() -> None:
    """Every key of the contract's example arrives in the policy."""
    read = load(CONTRACT)
    assert read.people["ana"].slack == "U0ANA"
    assert read.people["ben"].name == "ben"
    assert read.agents["billing-assistant"].per_minute == 60
    assert read.channels["email"] == {"replies": "approve", "irreversible": "page"}
    refund = read.action("refund.issue")
    assert (refund.risk, refund.editable, refund.undo_window) == (Risk.IRREVERSIBLE, ("amount",), timedelta(seconds=30))
    assert (refund.execute.target, refund.execute.attempts) == ("https://billing.example.com/refunds", 5)
    assert refund.rollback is not None
    assert refund.rollback.arguments == {"order": "{{ order }}"}
    assert read.action("refund.reverse").execute == BY_AGENT
    assert read.chains["finance"].steps[0].remind == timedelta(minutes=5)
    assert [rule.then for rule in read.rules] == [Then.APPROVE, Then.STAGES]
    assert read.rules[1].gate == 0.85
    assert [stage.approvals for stage in read.rules[1].stages] == [1, 2]
    assert read.default.on_expiry is OnExpiry.EXPIRE
    assert read.default.stages[0].name == "finance"
    assert read.allow_private == ("127.0.0.0/8",)


WIDE = DATA / "good" / "wide.yaml"


def test_what_mail_may_decide_is_read() -> None:
    """The channel says what holds everywhere, a rule what holds for it; what is not said stays as it is without it."""
    wide, smallest, contract = load(WIDE), load(DATA / "good" / "smallest.yaml"), load(CONTRACT)
    assert (wide.replies, wide.irreversible) == (Replies.OFF, OnIrreversible.PAGE)
    assert wide.channels["email"] == {"replies": "off", "outcomes": "digest"}
    assert (wide.rules[0].replies, wide.rules[0].irreversible) == (Replies.REJECT_ONLY, OnIrreversible.REPLY)
    assert (wide.default.replies, wide.default.irreversible) == (None, None)
    for usual in (smallest, contract):
        assert (usual.replies, usual.irreversible) == (Replies.APPROVE, OnIrreversible.PAGE)
    said = policy(more="channels: {email: {replies: reject_only, irreversible: reply, outcomes: thread}}\n")
    assert (said.replies, said.irreversible) == (Replies.REJECT_ONLY, OnIrreversible.REPLY)
    assert said.channels["email"]["outcomes"] == "thread"


def test_how_long_mail_is_gathered_is_read() -> None:
    """On a person and on a step; None where nothing is said."""
    wide = load(WIDE)
    assert wide.people["b"].digest == timedelta(days=1)
    assert wide.people["ana@example.com"].digest is None
    assert [step.digest for step in wide.chains["c"].steps] == [None, timedelta(milliseconds=500)]


@pytest.mark.parametrize(
    ("template", "arguments", "title"),
    [
        ("Refund {{ amount }}", {"amount": 240.0}, "Refund 240.0"),
        ("Refund {{ amount }}", {}, "a"),
        ("{{ order.items }}", {"order": {"items": [1, {"x": "é"}]}}, '[1, {"x": "é"}]'),
        ("{{ order.keys }}", {"order": {}}, "a"),
        ("{{ order.id|upper }}", {"order": {"id": "x1"}}, "X1"),
        ("{{ rows[0].n }} {{ rows[1] }}", {"rows": [{"n": 1}, 2]}, "1 2"),
        ("{{ rows[9] }}", {"rows": []}, "a"),
        ("{{ rows.n }}", {"rows": "text"}, "a"),
        ("{{ x|default('none') }}", {}, "none"),
        ("{{ x|round(1) }}", {"x": "text"}, "a"),
        ("{{ x|join(', ') }}", {"x": ["a", "b"]}, "a, b"),
        ("{{ x|replace('a', 'b')|trim|truncate(9) }}", {"x": " aaa "}, "bbb"),
        ("{{ x }} {{ y }}", {"x": True, "y": None}, "true null"),
        ("{{ x }}", {"x": "a\nb\r\nc"}, "a⏎ b⏎ c"),
        ("{{ x }}", {"x": "a\u202eb"}, "a⟦U+202E⟧b"),
        ("{{ x }}", {"x": "<b>&"}, "<b>&"),
        ("{{ x }}", {"x": ""}, "a"),
        ("{{ x }}", {"x": "y" * 300_000}, "y" * 149 + "…"),
        ("{# gone #}kept", {}, "kept"),
    ],
)
def test_titles(template: str, arguments: dict[str, object], title: str) -> None:
    """A title is one honest line of at most 150 characters; what cannot be filled falls back to the action's name."""
    written = template.replace("'", "''")
    assert policy(more=f"actions: {{a: {{title: '{written}'}}}}\n").title("a", dict(arguments)) == title


def test_schema_faults_name_the_field() -> None:
    """Pointers lead to the argument at fault, with slashes escaped; every fault and its whole rule are told."""
    schema = policy(
        more="actions: {a: {schema: {type: object, required: [order, 'a/b'], additionalProperties: false, properties: "
        "{order: {}, a/b: {}, n: {type: integer, maximum: 9007199254740991}, s: {format: date}, "
        "o: {unevaluatedProperties: false}}}}}\n"
    ).action("a")
    assert schema.schema is not None
    found = schema.schema.faults({"n": 1.5, "x~y": 1, "s": "today", "o": {"z": 1}})
    assert [(f.pointer, f.rule) for f in found] == [
        ("/a~1b", "required"),
        ("/n", "type"),
        ("/o/z", "unevaluatedProperties"),
        ("/order", "required"),
        ("/s", "format"),
        ("/x~0y", "additionalProperties"),
    ]
    assert schema.schema.faults({"order": "1", "a/b": 2, "n": 3}) == ()
    long = schema.schema.faults({"s": "x" * 10_000})[-1].detail
    assert len(long) == 180
    assert long.endswith('x" is not a "date"')
    assert schema.schema.faults({"s": "\ud800"})


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://10.1.2.3/", []),
        ("http://11.1.2.3/", ["is plain http"]),
        ("https://11.1.2.3/", []),
        ("http://[::ffff:10.1.2.3]/", []),
        ("http://[fd00::1]/", []),
        ("http://[fe80::1]/", ["leads to fe80::1, which is not"]),
        ("https://[ff0e::1]/", ["leads to ff0e::1, which is not"]),
        ("https://[2002:b01:203::1]/", ["leads to 2002:b01:203::1, which is not"]),
        ("https://168.63.129.16/", ["leads to 168.63.129.16, which is not"]),
    ],
)
def test_t21_an_address_that_loads_is_one_that_is_reached(url: str, wrong: list[str]) -> None:
    """What stands as an address is judged as each connection is: what would always be refused there does not load."""
    networks = "network: {allow_private: [10.0.0.0/8, 'fd00::/8']}\n"
    action = f"actions: {{a: {{execute: {{webhook: '{url}'}}}}}}\n"
    told = faults(f"version: 1\n{networks}{action}default: {{then: block}}\n")
    assert [words in fault.what for fault, words in zip(told, wrong, strict=True)] == [True] * len(wrong)


def test_places_in_every_style() -> None:
    """Characters are found again in the file, whatever quoting and folding stands between."""
    for text, word in (
        ("a: one two", "two"),
        ("a: 'it''s two'", "two"),
        ('a: "\\u00e9\\t\\"\\n two"', "two"),
        ("a: >\n  one\n\n  more\n  two", "two"),
        ("a: |2\n   one\n  two", "two"),
        ("a: one\n\n  two", "two"),
    ):
        scalar = _only(text)
        before = scalar.text[: scalar.text.index(word)]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        found = place_in(text, scalar, line, column)
        assert text.split("\n")[found[0] - 1][found[1] - 1 :].startswith(word), text
        end = place_in(text, scalar, 99, 99)
        assert end[0] >= scalar.place[0]


def _only(text: str) -> Scalar:
    document = read(text, Faults("x"))
    assert document is not None
    assert isinstance(document.root, Mapping)
    scalar = document.root.entries["a"]
    assert isinstance(scalar, Scalar)
    return scalar


def test_a_missing_network_makes_names_in_plain_http_wrong(tmp_path: Path) -> None:
    """Plain http to a name needs some network listed; with one, the replay judges where the name leads."""
    action = "actions: {a: {execute: {webhook: http://billing.internal/x}}}\n"
    assert "plain http" in faults("version: 1\n" + action + "default: {then: block}\n")[0].what
    path = tmp_path / "routing.yaml"
    path.write_text("version: 1\nnetwork: {allow_private: [10.0.0.0/8]}\n" + action + "default: {then: block}\n")
    assert load(path).action("a").execute.target == "http://billing.internal/x"
