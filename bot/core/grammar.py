r"""What a reviewer may write back, in a thread or a mail, and nothing else is a decision (threat T19).

The first line that is not empty is the command, whole and in any case; the lines after it are the comment::

    approve
    approve: reason
    reject
    reject: reason
    edit name=value, name=value
    ask: question
    escalate
    answer: text
    choose option
    handled

``approve: reason`` is a command only where the house asks for a reason (`bot.core.policy.Attention.reason_for`): else
what stands behind the colon may be a condition, and nobody meant that to count.

The last three approve, each what is asked in its own way: a question is answered in words, or by one of its options;
of a choice an option is picked; an exception is handled, with or without an answer. An answer begins on the command's
line and goes on in those below. Whether the words fit what is asked is `bot.core.replying.answer_to`'s to say.

A value (or a name) that holds a comma, begins with a quotation mark, or begins or ends with a space, is put in
double quotes, where ``\"`` is a quotation mark and ``\\`` a backslash: ``edit note="a, b", "odd=name"=5``.
Curly double quotes, which keyboards like to make of straight ones in each language's own way (“a”, „a“, ”a”, «a», »a«),
are read as straight ones around a whole value.
A bare value ends at the next comma, so ``amount=1,000`` is refused and never read as 1.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Verb

COMMANDS = (
    "approve, reject, reject: reason, edit name=value, ask: question, escalate; "
    "where it is asked, answer: text, choose option or handled"
)
"""The whole grammar in one line, for answers to people."""

WORDS = ("approve", "reject", "edit", "ask", "escalate", "answer", "choose", "handled")
"""What commands begin with."""
STARTS_LIKE_ONE = re.compile(rf"({'|'.join(WORDS)})\b", re.IGNORECASE)
"""What a line that was meant as a command begins with, whether it is one or not."""
OPTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""An option's id, as submissions may name one."""

_WITH_TEXT = re.compile(r"(reject|ask|answer)\s*:(.*)", re.IGNORECASE | re.DOTALL)
_EXPLAINED = re.compile(r"(approve|reject|ask|answer)\s*:(.*)", re.IGNORECASE | re.DOTALL)
_EDIT = re.compile(r"edit\s+(.*)", re.IGNORECASE | re.DOTALL)
_CHOOSE = re.compile(r"choose\s+(\S+)", re.IGNORECASE)

_QUOTES = {'"': '"', "“": "”", "„": "“”", "”": "”", "«": "»", "»": "«»"}
"""What may end a quotation, by what begins it: English, German and Polish, Swedish, French and Russian, Danish."""
_GUILLEMETS = "«»"
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPE = re.compile(r'\\(["\\])')


class Form(StrEnum):
    """In which words an approval came: what is asked must be answered in its own."""

    PLAIN = "plain"
    ANSWER = "answer"
    CHOOSE = "choose"
    HANDLED = "handled"


class Command(Struct, frozen=True, kw_only=True):
    """A command that was understood. ``edits`` are pairs of (argument name, value as text), each name once.

    ``answer`` is the text of ``answer:``, or the option of ``choose`` as it was written.
    """

    verb: Verb
    comment: str | None = None
    edits: tuple[tuple[str, str], ...] = ()
    form: Form = Form.PLAIN
    answer: str | None = None


_PLAIN = {
    "approve": Command(verb=Verb.APPROVE),
    "reject": Command(verb=Verb.REJECT),
    "escalate": Command(verb=Verb.ESCALATE),
    "handled": Command(verb=Verb.APPROVE, form=Form.HANDLED),
}


class NotUnderstood(Struct, frozen=True):
    """Why a text is no command: a stable name, and a sentence for whoever wrote it."""

    reason: str
    detail: str


_NO_REASON = NotUnderstood("reason_missing", "Why do you approve it? Write approve: and your reason.")
_NO_QUESTION = NotUnderstood("question_missing", "What should the agent be asked? Write ask: and the question.")
_NO_ANSWER = NotUnderstood(
    "answer_missing", "What is the answer? Write answer: and your words, or choose and an option."
)
_NO_OPTION = NotUnderstood("option_missing", "Which option? Write choose and the option alone, as in: choose b.")
_NO_EDIT = NotUnderstood(
    "edit_malformed",
    'Write edit name=value, name=value. A value with a comma goes in double quotes: edit note="a, b".',
)
_WANTING = {"ask": _NO_QUESTION, "edit": _NO_EDIT, "answer": _NO_ANSWER, "choose": _NO_OPTION}


def parse(text: str, *, reasons: bool = False) -> Command | NotUnderstood:
    """The command that a text gives, or why it gives none; ``reasons``: an approval has to say why. Pure."""
    lines = text.replace("\r\n", "\n").split("\n")
    at = next((index for index, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return NotUnderstood("empty", f"There was no text. Write one of: {COMMANDS}.")
    first = lines[at].strip()
    rest = "\n".join(lines[at + 1 :]).strip() or None
    plain = _PLAIN.get(first.casefold())
    if plain is not None:
        return replace(plain, comment=rest)
    worded = (_EXPLAINED if reasons else _WITH_TEXT).fullmatch(first)
    if worded:
        return _with_text(worded[1].casefold(), worded[2].strip(), rest)
    edit = _EDIT.fullmatch(first)
    if edit:
        return _edit(edit[1], rest)
    chosen = _CHOOSE.fullmatch(first)
    if chosen and OPTION.fullmatch(chosen[1]):
        return Command(verb=Verb.APPROVE, comment=rest, form=Form.CHOOSE, answer=chosen[1])
    return _no_command(first)


def _with_text(word: str, said: str, rest: str | None) -> Command | NotUnderstood:
    comment = "\n".join(part for part in (said, rest) if part) or None
    if word == "approve":
        return Command(verb=Verb.APPROVE, comment=comment) if comment else _NO_REASON
    if word == "reject":
        return Command(verb=Verb.REJECT, comment=comment)
    if word == "answer":
        # What stands below alone may be a mail program's footer, and that answers nothing.
        return Command(verb=Verb.APPROVE, form=Form.ANSWER, answer=comment) if said else _NO_ANSWER
    if comment is None:
        return _NO_QUESTION
    return Command(verb=Verb.ASK, comment=comment)


def _no_command(first: str) -> NotUnderstood:
    word = STARTS_LIKE_ONE.match(first)
    if word is None:
        return NotUnderstood("unknown_command", f"That is no command. Write one of: {COMMANDS}.")
    return _WANTING.get(word[0].casefold()) or NotUnderstood(
        "more_than_the_command",
        f"The first line must be the command alone. Write one of: {COMMANDS}; a comment goes on the next line.",
    )


def _edit(source: str, rest: str | None) -> Command | NotUnderstood:
    edits: dict[str, str] = {}
    while True:
        pair = _pair(source.lstrip())
        if isinstance(pair, NotUnderstood):
            return pair
        name, value, after = pair
        if name in edits:
            return NotUnderstood("named_twice", f"{name} is given twice. Name each argument once.")
        edits[name] = value
        if after is None:
            return Command(verb=Verb.APPROVE_WITH_EDITS, comment=rest, edits=tuple(edits.items()))
        source = after


def _pair(source: str) -> tuple[str, str, str | None] | NotUnderstood:
    """One ``name=value`` and what stands after its comma (None where nothing does)."""
    found = _token(source, "=")
    if isinstance(found, NotUnderstood):
        return found
    name, after = found
    if after is None or not name:
        return _NO_EDIT
    value = _token(after.lstrip(), ",")
    return value if isinstance(value, NotUnderstood) else (name, *value)


def _token(source: str, end: str) -> tuple[str, str | None] | NotUnderstood:
    """A bare or quoted piece up to ``end``, and what stands after that (None: there was no ``end``)."""
    if source[:1] not in _QUOTES:
        piece, met, after = source.partition(end)
        return piece.strip(), after if met else None
    quoted = _QUOTED.match(_straight(source))
    if quoted is None:
        return NotUnderstood("quote_not_closed", 'A quotation mark is not closed. Inside quotes, write \\" for one.')
    after_quote = source[quoted.end() :].lstrip()
    if after_quote and not after_quote.startswith(end):
        return NotUnderstood("text_after_quote", f"After a closing quotation mark there must be {end!r} or nothing.")
    piece = _ESCAPE.sub(r"\1", quoted[1])
    # French keyboards set a blank that does not break on the inner side of each.
    return piece.strip() if source[0] in _GUILLEMETS else piece, after_quote[1:] if after_quote else None


def _straight(source: str) -> str:
    """The source with the curly pair around its first piece made straight; its length stays the same."""
    if source[0] == '"':
        return source
    close = next((at for at, char in enumerate(source) if at and char in _QUOTES[source[0]]), -1)
    return source if close < 0 else f'"{source[1:close]}"{source[close + 1 :]}'
