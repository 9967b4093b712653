"""What a reviewer could misread is made visible, and named where it stands (threat T4)."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Any

import pytest

from bot.core.scrutiny import findings, hidden, strings, visible

FORMAT = [
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0x200B, 0x2010),
    *range(0xE0001, 0xE0080),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
    0x00AD,
    0x034F,
    0x061C,
    0x115F,
    0x1160,
    0x17B4,
    0x180E,
    0x2028,
    0x2029,
    0x2060,
    0x2800,
    0x3164,
    0xFEFF,
    0xFFA0,
    0x00A0,
    0x3000,
    0x00,
    0x07,
    0x1B,
    0x7F,
    0x85,
    0xD800,
    0xE000,
    0xFFFF,
]


@pytest.mark.parametrize("code", FORMAT, ids=lambda code: f"U+{code:04X}")
def test_t04_each_code_point_is_shown_and_found(code: int) -> None:
    """It is marked by its number in every card, and takes an approval by rule away."""
    text = f"a{chr(code)}b"
    assert hidden(chr(code))
    assert visible(text) == f"a⟦U+{code:04X}⟧b"
    assert findings({"to": text}) == (f"/to holds the invisible character U+{code:04X}",)


def test_t04_nothing_invisible_is_left_by_visible() -> None:
    """Over all of Unicode: no format, control or private character survives, and what is left reads as it is."""
    for start in range(0, sys.maxunicode + 1, 4096):
        shown = visible("".join(map(chr, range(start, start + 4096))))
        left = {unicodedata.category(character) for character in set(shown) - {"\n"}}
        assert not left & {"Cf", "Cc", "Co", "Cn", "Cs", "Zl", "Zp"}, hex(start)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("two  spaces", "two  spaces"),
        ("a\nb", "a⏎\nb"),
        ("a\r\nb", "a⏎\nb"),
        ("a\rb", "a⟦U+000D⟧b"),
        ("a\tb", "a⟦U+0009⟧b"),
        ("a" + "\n" * 3 + "b", "a⏎\n⏎\n⏎\nb"),
        ("a" + "\n" * 500 + "b", "a⏎×500\nb"),
        ("a" + " " * 16 + "b", "a" + " " * 16 + "b"),
        ("a" + " " * 400 + "b", "a␠×400 b"),
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧"),
        ("⏎␠", "⟦U+23CE⟧⟦U+2420⟧"),
        ("Müller 日本 שלום", "Müller 日本 שלום"),
    ],
)
def test_t04_visible(text: str, shown: str) -> None:
    """Line ends and long padding are counted; the marks themselves cannot be counterfeited; letters stay."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    "host",
    [
        "p\u0430ypal.com",
        "\u0440aypal.com",
        "g\u03bfogle.com",
        "x.\u0430pple.com/pay",
        "mail@ex\u0430mple.org",
        "\u0561pple.com",
    ],
)
def test_t04_look_alike_hosts_are_found(host: str) -> None:
    """A name that mixes scripts in one label is a finding."""
    assert "mixes scripts" in findings({"url": f"https://{host}"})[0]


@pytest.mark.parametrize(
    "text",
    [
        "paypal.com",
        "пример.рф",
        "日本語テスト.jp",
        "서울seoul.kr",
        "münchen.de",
        "Привет world.",
        "naïve",
        "a\tb\r\nc",
        "x²yz.com",
    ],
)
def test_t04_honest_text_is_not_found(text: str) -> None:
    """One script, scripts that are written together, accents, tabs and line ends are nothing odd."""
    assert findings({"to": text}) == ()


@pytest.mark.parametrize(
    "mark", ["\u0335", "\u0336", "\u0338", "\u20d2", "\u20e5", "\u20dd", "\u20e0", "\u0489"], ids=ascii
)
def test_t04_what_strikes_out_or_covers_is_shown_and_found(mark: str) -> None:
    """`delete all` with each letter struck out reads as what was taken away, and would run all the same."""
    struck = "".join(letter + mark for letter in "all")
    assert mark not in visible(struck)
    assert visible(struck).count(f"⟦U+{ord(mark):04X}⟧") == 3
    assert findings({"a": struck}) == (f"/a holds the invisible character U+{ord(mark):04X}",)


def test_t04_a_tower_of_marks_does_not_cover_the_lines_above() -> None:
    """Four on one letter are writing; the rest of forty would stand on the house's own warning."""
    assert visible("a" + "\u0301" * 40 + "b") == "a" + "\u0301" * 4 + "⟦U+0301⟧" * 36 + "b"
    for honest in ("Ste\u0301phane", "שָּׁ", "ที่", "के लिए", "Việt", "5\u20e3"):
        assert visible(honest) == honest


def test_t04_findings_lead_to_their_place() -> None:
    """Pointers go through objects, lists and keys, escaped; both kinds of finding can stand at one place."""
    assert findings({"a": [{"b/c~d": "x\u200by"}]}) == ("/a/0/b~1c~0d holds the invisible character U+200B",)
    assert findings({"k\u200bey": 1})[0].endswith("holds the invisible character U+200B")
    assert len(findings({"a": "p\u0430ypal.com\u200b"})) == 2
    assert findings("\u202e") == ("/ holds the invisible character U+202E",)
    assert findings({"a": 1, "b": None, "c": [True, 1.5]}) == ()


@pytest.mark.parametrize(
    "arguments",
    [
        {"amount": 4, "Amount": 4000},
        {"amount": 4, "\uff41mount": 4000},
        {"amount": 4, "\u0430mount": 4000},
        {"lines": [{"to": "a", "TO": "b"}]},
        {"fi": 1, "\ufb01": 2},
    ],
)
def test_t05_names_that_a_receiver_may_confuse_are_found(arguments: Any) -> None:
    """A rule reads ``amount``; a receiver that ignores case would run ``Amount``: never by rule."""
    assert len(findings(arguments)) == 1


def test_t05_honest_names_are_not_found() -> None:
    """Names in one script, the same name in different objects, and long lists of names are nothing odd."""
    assert findings({"amount": {"amount": 1}, "сумма": 1, "größe": 2, "x": [{"a": 1}, {"A": 1}]}) == ()


BOMBS = {
    "labels without an end": "\u0430." * 60_000,
    "labels and one that mixes": "\u0430." * 30_000 + "p\u0430ypal.com",
    "hyphens": "\u0430-" * 60_000,
    "dots": "\u0430" + "." * 120_000,
    "one label": "\u0430" * 120_000 + ".com",
    "labels that mix": "\u0430b." * 40_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_t22_no_text_is_slow_to_look_through(bomb: str) -> None:
    """Each is through in a fraction of a second; a search that goes back took minutes. No finding repeats it whole."""
    begun = time.process_time()
    found = findings({"x": BOMBS[bomb], BOMBS[bomb]: 1})
    assert time.process_time() - begun < 10
    assert all(len(finding) < 4_000 for finding in found)


def test_findings_are_not_endless() -> None:
    """Thousands of odd texts are named by the first twenty."""
    assert len(findings({"x": ["a\u200b"] * 5_000, "\u0430b": 1})) == 20


def test_strings_walks_values_and_keys() -> None:
    """Every text of a JSON value, keys among them, each with its pointer."""
    value: Any = {"a": ["x", {"b": "y"}], "c": 1}
    assert list(strings(value)) == [("/a", "a"), ("/a/0", "x"), ("/a/1/b", "b"), ("/a/1/b", "y"), ("/c", "c")]


def test_t22_a_long_name_above_many_members_is_gone_through_at_once() -> None:
    """Where each stands is not written out again and again, and what is odd below is found all the same."""
    within: dict[str, Any] = {str(n): "" for n in range(12_000)}
    within["to"] = "p\u0430ypal.com"
    begun = time.process_time()
    found = findings({"k" * 100_000: within})
    assert time.process_time() - begun < 0.15
    assert [len(each) < 600 and "mixes scripts" in each for each in found] == [True]
