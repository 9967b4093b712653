"""The corpus itself: enough of every kind, whole, and saying nothing that cannot be."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.channels.email.corpus import (
    ANSWERED,
    ASKED,
    COMMAND,
    GRAMMAR,
    MACHINES,
    MAIL,
    PEOPLE,
    REASONS,
    REFUSED,
    UNFIT,
    VERDICTS,
    Sample,
    categories,
    entries,
    sample,
    samples,
)

LEAST = {
    "honest": 170,
    "answers": 30,
    "notcommands": 35,
    "notanswers": 30,
    "automatic": 60,
    "forged": 70,
    "enormous": 15,
}
HONEST = ("honest", "answers")
MOST_BYTES = 4 * 2**20
MOST_BYTES_OF_A_LETTER = 10 * 2**20
LANGUAGES = 15
KEYS = {"verdict", "reason", "comment", "rcpt", "mail_from", "answered", "note"}
# Where the point of a letter is a line end that is none.
ODD_ENDS = re.compile(r"bare-|smuggled-|binary-|gzip-|utf-16")


def small() -> list[Sample]:
    """Every letter that is not filled up."""
    return [s for c in categories() for n, e in entries(c).items() if "fill" not in e for s in (sample(c, n),)]


def test_there_are_enough_of_every_kind() -> None:
    """At least 400 letters: so many of each category, and of each command among those that count."""
    counts = {category: len(entries(category)) for category in categories()}
    assert counts.keys() == LEAST.keys()
    assert not {category: n for category, n in counts.items() if n < LEAST[category]}
    assert sum(counts.values()) >= 400
    commands = Counter(entry["verdict"] for category in HONEST for entry in entries(category).values())
    assert commands.keys() == VERDICTS.keys()
    assert min(commands.values()) >= 4
    kinds = Counter(entry["kind"] for category in ("answers", "notanswers") for entry in entries(category).values())
    assert kinds.keys() == ASKED.keys()


def test_they_speak_many_languages() -> None:
    """Attributions and out-of-office notes come in at least fifteen languages each."""
    for category, start in (
        ("honest", "gmail-web-"),
        ("honest", "outlook-"),
        ("automatic", "exchange-oof-"),
        ("automatic", "subject-alone-"),
    ):
        assert sum(name.startswith(start) for name in entries(category)) >= LANGUAGES, start


@pytest.mark.parametrize("category", sorted(LEAST))
def test_every_letter_has_its_entry(category: str) -> None:
    """And every entry its letter; nothing else lies about."""
    files = {path.name for path in (MAIL / category).iterdir()}
    assert files == {f"{name}.eml" for name in entries(category)}


@pytest.mark.parametrize("category", sorted(LEAST))
def test_names_and_entries_say_what_they_are(category: str) -> None:
    """A name is a few plain words, its own in the whole corpus; an entry has the known keys, and says why."""
    others = {name for other in categories() if other != category for name in entries(other)}
    for name, entry in entries(category).items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,9}", name), name
        assert name not in others, name
        assert entry.keys() - {"edits", "fill", "kind", "answer"} == KEYS, name
        assert ("kind" in entry) == (category in ("answers", "notanswers")), name
        assert len(entry["note"]) >= 5, name


def test_every_verdict_is_possible() -> None:
    """Commands give the reason `command`, refusals a known other one; edits and comments stand with commands alone."""
    for category in categories():
        for name, entry in entries(category).items():
            reasons = [entry["reason"]] if isinstance(entry["reason"], str) else entry["reason"]
            assert reasons, name
            assert set(reasons) <= set(REASONS), name
            assert len(set(reasons)) == len(reasons), name
            if entry["verdict"] == REFUSED:
                assert COMMAND not in reasons, name
                assert entry["comment"] is None, name
            else:
                assert entry["verdict"] in VERDICTS, name
                assert reasons == [COMMAND], name
            assert ("edits" in entry) == (entry["verdict"] == "edit"), name


def test_only_what_is_safe_is_answered() -> None:
    """A command is answered; a refusal by its reason, and where its reasons differ the corpus leaves it open."""
    for category in categories():
        for name, entry in entries(category).items():
            reasons = {entry["reason"]} if isinstance(entry["reason"], str) else set(entry["reason"])
            known = {reason == COMMAND or reason in ANSWERED for reason in reasons}
            assert entry["answered"] in ({None, False} if len(known) > 1 else known | {None}), name


@pytest.mark.parametrize(
    ("category", "reasons"),
    [
        ("honest", {COMMAND}),
        ("answers", {COMMAND}),
        ("notcommands", {*GRAMMAR, "malformed", "bulk"}),
        ("notanswers", {*GRAMMAR, *UNFIT}),
        ("automatic", {*MACHINES, "no_token"}),
    ],
)
def test_each_category_holds_what_its_name_says(category: str, reasons: set[str]) -> None:
    """Honest letters count; the words of the others decide nothing; machines are known as machines."""
    for name, entry in entries(category).items():
        given = {entry["reason"]} if isinstance(entry["reason"], str) else set(entry["reason"])
        assert given & reasons, name
    if category not in HONEST:
        assert {entry["verdict"] for entry in entries(category).values()} == {REFUSED}


def test_forged_letters_never_count() -> None:
    """Not one of them is expected to decide anything."""
    assert {entry["verdict"] for entry in entries("forged").values()} == {REFUSED}


def test_lines_end_as_on_the_wire() -> None:
    """CRLF, except where the line end is the point."""
    odd = [s.id for s in small() if re.search(rb"(?<!\r)\n|\r(?!\n)", s.raw) and not ODD_ENDS.search(s.name)]
    assert not odd


def test_no_two_letters_are_the_same() -> None:
    """Neither by their bytes and envelope nor, among the honest, by their Message-ID: each could be the only one."""
    assert not [key for key, n in Counter((s.raw, s.rcpt) for s in small()).items() if n > 1]
    ids = Counter(m[1] for s in samples(*HONEST) if (m := re.search(rb"(?im)^message-id:\s*(<[^>]+>)", s.raw)))
    assert not [key for key, n in ids.items() if n > 1]


def test_honest_letters_carry_a_key_that_is_known() -> None:
    """In the envelope, or in the headers where there is no envelope."""
    for letter in samples(*HONEST):
        found = {token for token in PEOPLE for place in (*letter.rcpt, letter.raw.decode("latin-1")) if token in place}
        assert found or letter.name == "delivered-to-in-capitals", letter.id
        assert (letter.mail_from is None) == (not letter.rcpt), letter.id


def test_the_tree_stays_small_and_the_letters_do_not() -> None:
    """What is huge is filled up as it is read: some above the limit of 10 MiB, some of megabytes below it."""
    assert sum(path.stat().st_size for path in MAIL.rglob("*")) < MOST_BYTES
    sizes = {s.name: len(s.raw) for s in samples("enormous")}
    for name, size in sizes.items():
        told = entries("enormous")[name]["reason"]
        if told == "too_large":
            assert size > MOST_BYTES_OF_A_LETTER, name
        if told == COMMAND:
            assert size < MOST_BYTES_OF_A_LETTER, name
    assert sizes["honest-two-megabytes-with-picture"] > 2 * 2**20
