"""The reference for admins says what the reader takes, and its samples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.core.model import OnIrreversible, Replies
from bot.routing import actions, chains, conditions, parse, people, reader, rules, run_tests, stages, titles, values
from tests.routing.cases import NOW

DOCS = (Path(__file__).parents[2] / "docs" / "routing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
KEYS = (
    *reader.SECTIONS,
    *people.CHANNELS,
    *people.PERSON_KEYS,
    *(f"email.{key}" for key in people.MAIL_KEYS),
    *people.OUTCOMES,
    *chains.STEP_KEYS,
    *rules.RULE_KEYS,
    *stages.STAGE_KEYS,
    *(f"email.{key}" for key in rules.MAIL_KEYS),
    *Replies,
    *OnIrreversible,
    *actions.ACTION_KEYS,
    *actions.EXECUTE_KEYS,
    *conditions.NAMES,
    *titles.FILTERS,
    *values.LATER,
)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_documented(key: str) -> None:
    """A key that the reader knows stands in docs/routing.md, in code."""
    assert re.search(rf"[`.\s]{re.escape(key)}\b", DOCS)


def test_the_samples_of_the_reference_load_together() -> None:
    """The sections shown one by one are one good file, and its test holds."""
    sections = "".join(block for block in BLOCKS if "version" not in block)
    whole = (
        "version: 1\n"
        + sections.replace("people:\n", "people:\n  lea: {email: lea@example.com}\n", 1)
        .replace("chains:\n", "chains:\n  legal: [{notify: [lea, ana]}]\n", 1)
    )  # fmt: skip
    found = parse(whole, "docs/routing.md")
    assert [result.passed for result in run_tests(found, NOW)] == [True]
    smallest = next(block for block in BLOCKS if "version" in block)
    assert parse(smallest, "docs/routing.md").rules == ()
