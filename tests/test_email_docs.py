"""docs/email.md tells every reason by its name, and its samples are ones that work."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from bot.core.errors import (
    AlreadyDecided,
    AlreadyVoted,
    ChainEnded,
    Expired,
    Invalid,
    NeedsInfo,
    NotAssigned,
    NotFullyShown,
    SelfReview,
    Stale,
)
from bot.core.grammar import NotUnderstood, parse
from bot.core.model import Replies
from bot.core.numbered import parse_numbered
from bot.core.replying import AnswerOtherwise, NoSuchOption
from bot.core.token import Marks
from bot.routing import parse as policy_of
from bot.settings import VARIABLES, read_env, settings_of
from channels.email.answers import NeedsPage, RepliesOff
from channels.email.inbound.values import Reason
from tests.channels.email.corpus import COMMAND, REASONS

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "email.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_]+)` \|.*\| (yes|no)\b[^|]*\|$", DOCS, re.MULTILINE)
GRAMMARS = [path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "core").glob("*.py")]
NOT_UNDERSTOOD = sorted({name for text in GRAMMARS for name in re.findall(r'NotUnderstood\(\s*"([a-z_]+)"', text)})
BY_THE_HOUSE = (AlreadyDecided, AlreadyVoted, ChainEnded, Expired, Invalid, NeedsInfo, NotAssigned, SelfReview, Stale)
REFUSED = [kind.code for kind in (NotFullyShown, NeedsPage, RepliesOff, AnswerOtherwise, NoSuchOption, *BY_THE_HOUSE)]
SECRETS = {"SAYSO_SECRET": "s" * 32}


def blocks(page: str, kind: str) -> list[str]:
    """The fenced blocks of one kind, wherever they are indented."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for named, block in found if named == kind]


ACCOUNTS = [
    block
    for page in ("docs/email.md", "README.md")
    for block in blocks((ROOT / page).read_text(encoding="utf-8"), "sh")
    if "SMTP_URL=" in block
]
ANSWERS = blocks(DOCS, "")


@pytest.mark.parametrize("reason", sorted({*REASONS, *map(str, Reason), *NOT_UNDERSTOOD, *REFUSED} - {COMMAND}))
def test_every_reason_is_told_once(reason: str) -> None:
    """With what it means, and whether anybody hears of it."""
    assert [name for name, _ in ROWS].count(reason) == 1


def test_reasons_stand_in_the_order_of_judgement() -> None:
    """The first that holds is given, so the table is read from above."""
    judged = [reason for reason in REASONS if reason != COMMAND]
    before_the_text = judged[: judged.index("empty")]
    assert [name for name, _ in ROWS if name in before_the_text] == before_the_text


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES if variable.group == "Email"])
def test_every_variable_has_its_row(name: str) -> None:
    """In the table of the variables."""
    assert re.search(rf"^\| `{name}` \|", DOCS, re.MULTILINE)


@pytest.mark.parametrize("block", ACCOUNTS)
def test_the_accounts_shown_are_taken(tmp_path: Path, block: str) -> None:
    """Each is a whole set-up: letters go out, and answers would arrive."""
    (tmp_path / ".env").write_text(block, encoding="utf-8")
    settings = settings_of(read_env(SECRETS, tmp_path / ".env"))
    assert settings.email_on
    assert settings.email_reply_to is not None
    assert settings.imap is not None or settings.email_listen is not None


def test_the_accounts_of_three_ways_are_shown() -> None:
    """A provider's mailbox, one's own server, a listener, and the readme's."""
    assert len(ACCOUNTS) == 4


def test_the_answers_shown_are_commands() -> None:
    """What a reviewer is told to write is understood, alone and by number."""
    alone = next(block for block in ANSWERS if block.startswith("approve\n"))
    numbered = next(block for block in ANSWERS if block.startswith("approve 1, 3"))
    for line in alone.splitlines():
        assert not isinstance(parse(line), NotUnderstood), line
    told = parse_numbered(numbered, range(1, 6))
    assert not isinstance(told, NotUnderstood)
    assert [number for number, _ in told] == [1, 3, 2, 4, 5]
    for line in next(block for block in ANSWERS if block.startswith("choose 6")).splitlines():
        assert not isinstance(parse_numbered(line, range(1, 9)), NotUnderstood), line


def test_the_rules_shown_are_read() -> None:
    """The sample of routing.yaml says what a reply may decide."""
    (sample,) = blocks(DOCS, "yaml")
    people = "people: {ana: {email: ana@example.com}}\nchains: {finance: [{notify: ana}]}\n"
    rest = f"version: 1\n{people}default: {{then: block}}\n"
    read = policy_of(rest + sample, "routing.yaml")
    assert (read.replies, read.rules[0].replies) == (Replies.APPROVE, Replies.REJECT_ONLY)


def test_postfix_takes_what_we_hand_out() -> None:
    """The pattern for its table of recipients holds for an address with a token, and for no other there."""
    found = re.search(r"^ *(/\S+/) +OK$", DOCS, re.MULTILINE)
    assert found is not None
    pattern = re.compile(found[1].strip("/"))
    address = Marks(["s" * 32], "email.reply").make("dlv_1.r1") + "@replies.example.com"
    assert pattern.search(address)
    assert not pattern.search(address + ".example.org")
    assert not pattern.search("postmaster@replies.example.com")
