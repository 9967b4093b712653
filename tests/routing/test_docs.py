"""The reference for admins says what the reader takes, and every example in it does what its own tests say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.model import (
    Kind,
    OnExpiry,
    OnIrreversible,
    OnUndeliverable,
    Opinion,
    PersonRole,
    PushWay,
    Replies,
    Risk,
    Submission,
    Then,
)
from bot.core.policy import Bounds, TrialOutcome, route
from bot.routing import (
    actions,
    attention,
    chains,
    evaluating,
    expectations,
    explain,
    limits,
    parse,
    people,
    reader,
    rules,
    run_tests,
    safeguards,
    schedules,
    sensitive,
    stages,
    titles,
    trust,
    warnings,
)
from tests.routing import key_table
from tests.routing.cases import NOW

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
DOCS = PAGE.read_text(encoding="utf-8")
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted((PAGE.parent / "routing").glob("*.md"))}
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
BLOCKS = YAML.findall(DOCS)
EXAMPLES = [
    pytest.param(block, id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, block in enumerate(YAML.findall(text), start=1)
]
KEYS = (
    *reader.SECTIONS,
    *people.CHANNELS,
    *people.PERSON_KEYS,
    *people.AGENT_KEYS,
    *(f"email.{key}" for key in people.MAIL_KEYS),
    *(f"push.{key}" for key in people.PUSH_KEYS),
    *people.BUTTONS,
    *people.OUTCOMES,
    *schedules.SCHEDULE_KEYS,
    *schedules.OVERRIDE_KEYS,
    *schedules.CALENDAR_KEYS,
    *schedules.AWAY_KEYS,
    *chains.CHAIN_KEYS,
    *chains.STEP_KEYS,
    *chains.END_KEYS,
    *rules.RULE_KEYS,
    *rules.ADVICE_KEYS,
    *limits.LIMIT_KEYS,
    *trust.TRUST_KEYS,
    *stages.STAGE_KEYS,
    stages.PARALLEL,
    *safeguards.CHECK_KEYS,
    *safeguards.GLASS_KEYS,
    *safeguards.EXCEPTION_KEYS,
    *safeguards.FLOOD_KEYS,
    *attention.ATTENTION_KEYS,
    *attention.COOL_DOWN_KEYS,
    *attention.PRACTICE_KEYS,
    *attention.REQUEST_KEYS,
    *(f"email.{key}" for key in rules.MAIL_KEYS),
    *actions.ACTION_KEYS,
    *actions.EXECUTE_KEYS,
    sensitive.KEYWORD,
    *expectations.TEST_KEYS,
    *expectations.GIVEN_KEYS,
    *expectations.EXPECT_KEYS,
    *expectations.LINE_KEYS,
    *evaluating.NAMES,
    *titles.FILTERS,
)
AT_NIGHT = datetime(2027, 12, 26, 2, 30, tzinfo=UTC)
"""On a Sunday, among holidays."""
WORDS = (*Kind, *OnExpiry, *OnIrreversible, *OnUndeliverable, *Opinion, *PersonRole, *PushWay, *Replies, *Risk, *Then)


def example(words: str) -> str:
    """The one example that holds these words."""
    (found,) = [block for text in PAGES.values() for block in YAML.findall(text) if words in block]
    return str(found)


@pytest.mark.parametrize("key", sorted(set(KEYS)))
def test_every_key_is_documented(key: str) -> None:
    """A key that the reader knows stands in docs/routing.md, in code."""
    assert re.search(rf"[`.\s{{]{re.escape(key)}\b", DOCS)


@pytest.mark.parametrize("word", sorted(set(WORDS)))
def test_every_word_of_a_list_is_documented(word: str) -> None:
    """So does every word that a key takes, there or beside the examples."""
    assert re.search(rf"[`\"]{word}[`\"]", DOCS + "".join(PAGES.values()))


def test_the_table_of_all_keys_is_whole() -> None:
    """It is the one that the schema gives; after a change: python -m tests.routing.key_table."""
    assert key_table.kept(DOCS) == key_table.table()


def test_the_samples_of_the_reference_load_together() -> None:
    """The sections shown one by one are one good file, and its test holds."""
    whole = "version: 1\n" + "".join(block for block in BLOCKS if "version" not in block)
    assert [result.wrong for result in run_tests(parse(whole, PAGE.name), NOW)] == [()]
    (smallest,) = [block for block in BLOCKS if "version" in block]
    assert parse(smallest, PAGE.name).rules == ()


@pytest.mark.parametrize("block", EXAMPLES)
def test_every_example_does_what_it_says(block: str) -> None:
    """Each worked example is a whole file with tests of its own, and they hold at any time of day, on any day."""
    policy = parse(block, "routing.yaml")
    assert policy.tests
    for now in (NOW, AT_NIGHT):
        assert [result.wrong for result in run_tests(policy, now) if not result.passed] == []
    assert [told for told in warnings(policy, NOW) if "can never be approved" in told] == []


def test_the_readme_shows_rules_that_nobody_is_warned_of() -> None:
    """What a reader copies first loads, and `sayso check` has nothing to say against it."""
    [block] = YAML.findall((PAGE.parents[1] / "README.md").read_text(encoding="utf-8"))
    assert list(warnings(parse(block, "README.md"), NOW)) == []


def test_there_is_an_example_of_every_key_of_a_review() -> None:
    """Whatever says who is asked when, and what bounds a rule, is shown at work somewhere."""
    shown = "".join(block for text in PAGES.values() for block in YAML.findall(text))
    new = (*chains.CHAIN_KEYS, *chains.STEP_KEYS, *stages.STAGE_KEYS, *schedules.SCHEDULE_KEYS, *safeguards.GLASS_KEYS)
    safe = (*safeguards.CHECK_KEYS, *safeguards.FLOOD_KEYS, *limits.LIMIT_KEYS, *rules.ADVICE_KEYS)
    missing = [key for key in {*new, *safe} - {"digest"} if not re.search(rf"\b{key}:", shown)]
    assert missing == []


def test_the_links_of_the_examples_lead_somewhere() -> None:
    """Pages, and headings in them."""
    pages = {PAGE.parent / "routing" / name: text for name, text in PAGES.items()} | {PAGE: DOCS}
    for page, text in pages.items():
        for target, anchor in re.findall(r"\]\(([^)#\s:]*)(?:#([^)\s]+))?\)", text):
            leads = (page.parent / target).resolve() if target else page
            assert leads.exists(), f"{page.name} links to {target}"
            if anchor and leads.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", leads.read_text(encoding="utf-8"), re.MULTILINE)
                anchors = {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-").casefold() for heading in headings}
                assert anchor in anchors, f"{page.name} links to {target}#{anchor}"


def test_what_explain_says_of_channels_stands_there() -> None:
    """The line that the page on time quotes is the one that is printed."""
    policy = parse(example("urgent:"), "routing.yaml")
    text = explain(policy, Submission(action="refund.issue"), "agent", NOW).text()
    (line,) = [line for line in text.splitlines() if "+0s" in line]
    assert f"```\n{line}\n```" in PAGES["time.md"]


def test_the_second_look_is_asked_where_an_account_is_full() -> None:
    """What no test in a file can show: the example of limits, over its limit."""
    policy = parse(example("limit: {sum"), "routing.yaml")
    full = Bounds(closed={"small refunds": (TrialOutcome.LIMITED, "it is full")})
    answer = route(policy, policy.tests[0].given, agent="agent", now=NOW, bounds=full).route
    assert (answer.then, answer.rule, [stage.name for stage in answer.stages]) == (
        Then.STAGES,
        "small refunds",
        ["second"],
    )


def test_an_opinion_adds_the_stage_that_the_example_says() -> None:
    """Nor this: the example of second opinions, once one was given."""
    policy = parse(example("advice: {from: checker"), "routing.yaml")
    for opinion in Opinion:
        said = Bounds(advice={"checker": opinion})
        answer = route(policy, policy.tests[0].given, agent="agent", now=NOW, bounds=said).route
        wanted = ["finance"] if opinion is Opinion.AGREE else ["finance", "legal"]
        assert [stage.name for stage in answer.stages] == wanted


def test_the_same_again_goes_to_a_person() -> None:
    """Nor this: the example of the cool-down, after a rejection."""
    policy = parse(example("cooldown: 30d"), "routing.yaml")
    answer = route(policy, policy.tests[0].given, agent="agent", now=NOW, bounds=Bounds(refused="req_1")).route
    assert (answer.then, answer.refused) == (Then.STAGES, "req_1")
