"""Joiners, non-joiners and emoji selectors, left alone where a script or an emoji needs them.

`bot.core.scrutiny.visible` shows each of them by its number, which keeps two values from looking alike. `prose` is for
what is only read (a reason, a comment, evidence), never for what runs: there they stay where they are ordinary, so
that Persian, the scripts of India, and emoji of several people can be read.

Sources: RFC 5892, appendix A.1 and A.2 (CONTEXTJ, which UAX #31 follows), as the library idna has it; UTS #51, with
Extended_Pictographic of emoji-data.txt in Unicode 17.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from idna.core import valid_contextj

from bot.core.scrutiny import hidden_in, visible

_JOINER = re.compile("[\u200c\u200d\ufe0f]")
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(r"[@_/\\]|[:=.．。｡][\w\u200c\u200d]")
"""In a word that may be a host, an address, a path or a name they stay visible: those are followed, not only read."""
_MOST = 4000
"""In one text; what holds more is nothing that somebody wrote, and shown by its numbers (threat T22)."""
_BEFORE = re.compile(r"\w\W{0,4}\Z")
_AFTER = re.compile(r"\W{0,4}\w")
"""The nearest letter, and the marks between; no letter carries more (`bot.core.scrutiny`)."""
_NEAR = 5
_SIGN = (
    "[©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⏏⏩-⏳⏸-⏺Ⓜ▪▫▶◀◻-◾☀-☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸-☺♀♂♈-♓♟♠♣♥♦♨♻♾♿⚒-⚗⚙⚛⚜⚠⚡⚧⚪⚫⚰⚱⚽⚾⛄⛅⛈⛎⛏⛑⛓⛔⛩⛪⛰-⛵⛷-⛺⛽✂✅✈-✍✏✒✔✖✝✡✨✳✴❄❇"
    "❌❎❓-❕❗❣❤➕-➗➡➰➿⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201-\U0001f20f\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250-\U0001f25f"
    "\U0001f300-\U0001f321\U0001f324-\U0001f393\U0001f396\U0001f397\U0001f399-\U0001f39b\U0001f39e-\U0001f3f0"
    "\U0001f3f3-\U0001f3f5\U0001f3f7-\U0001f3fa\U0001f400-\U0001f4fd\U0001f4ff-\U0001f53d\U0001f549-\U0001f54e"
    "\U0001f550-\U0001f567\U0001f56f\U0001f570\U0001f573-\U0001f57a\U0001f587\U0001f58a-\U0001f58d\U0001f590\U0001f595"
    "\U0001f596\U0001f5a4\U0001f5a5\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3"
    "\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa-\U0001f64f\U0001f680-\U0001f6c5"
    "\U0001f6cb-\U0001f6d2\U0001f6d5-\U0001f6e5\U0001f6e9\U0001f6eb-\U0001f6f0\U0001f6f3-\U0001f6ff\U0001f7dc-\U0001f7f0"
    "\U0001f90c-\U0001f93a\U0001f93c-\U0001f945\U0001f947-\U0001f9ff\U0001fa6e-\U0001faff]"
)
_EMOJI = re.compile(f"{_SIGN}[\ufe0f\U0001f3fb-\U0001f3ff]?(?:\u200d{_SIGN}[\ufe0f\U0001f3fb-\U0001f3ff]?)*")
_KEYCAP = re.compile("[0-9#*]\ufe0f\u20e3")


def prose(text: str) -> str:
    """`visible`, but a joiner, a non-joiner and an emoji's selector stay as they are where they are ordinary.

    For what is only read. Two texts that differ in them alone may look alike here, so nothing that runs is shown so.
    """
    if text.isascii() or not 0 < len(_JOINER.findall(text)) <= _MOST:
        return visible(text)
    used = set(text)
    free = (c for c in map(chr, range(0x4E00, 0xA000)) if c not in used)
    # Each stands in for one of them while the rest is made visible: signs that are shown as they are, and not in it.
    stand_ins = dict(zip("\u200c\u200d\ufe0f", free, strict=False))
    letters = list(text)
    for at in _ordinary(text):
        letters[at] = stand_ins.get(text[at], text[at])
    return visible("".join(letters)).translate({ord(sign): joiner for joiner, sign in stand_ins.items()})


def _ordinary(text: str) -> Iterator[int]:
    """Where such characters are ordinary."""
    unknown = hidden_in(text) - {"\u200c", "\u200d", "\ufe0f"}
    for word in _WORD.finditer(text):
        if not _JOINER.search(word[0]) or _ADDRESS.search(word[0]):
            continue
        drawn = frozenset(_in_emoji(word[0], unknown))
        for found in _JOINER.finditer(word[0]):
            if found.start() in drawn or _in_script(word[0], found.start()):
                yield word.start() + found.start()


def _in_emoji(word: str, unknown: frozenset[str]) -> Iterator[int]:
    """``unknown``: what is shown by its number, as a sign is that Python's Unicode does not know yet."""
    for run in chain(_EMOJI.finditer(word), _KEYCAP.finditer(word)):
        if unknown.isdisjoint(run[0]):
            yield from (run.start() + one.start() for one in _JOINER.finditer(run[0]))


def _in_script(word: str, at: int) -> bool:
    before, after = _BEFORE.search(word[max(0, at - _NEAR) : at]), _AFTER.match(word, at + 1)
    return before is not None and _joins(before[0], word[at], after[0] if after else "")


@lru_cache(maxsize=4096)
def _joins(before: str, joiner: str, after: str) -> bool:
    """Whether it does something between these, of which the first begins with a letter.

    The rule asks for no letter under a virama; below a Latin one or a digit it would do nothing.
    """
    return unicodedata.category(before[0]) == "Lo" and valid_contextj(before + joiner + after, len(before))
