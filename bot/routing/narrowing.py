"""For which actions a condition can hold at all, read off its text, so that a thousand rules are not all evaluated.

In CEL ``false && x`` is false whatever x is, an error too. So where one of the terms that a condition joins by ``&&``
compares the action with names, the condition does not hold for any other action. Whatever is not plainly that, says
nothing.
"""

from __future__ import annotations

import re

_TEXT = r"""(?:"[^"\\\n]*"|'[^'\\\n]*')"""
_IS = re.compile(rf"action\s*==\s*({_TEXT})|({_TEXT})\s*==\s*action")
_IN = re.compile(rf"action\s+in\s*\[\s*({_TEXT}(?:\s*,\s*{_TEXT})*)\s*\]")
_ONE = re.compile(_TEXT)
_STRANGE = re.compile(r"'''|\"\"\"|\\")
"""Long strings and escapes: nothing is read off a text that holds one, nor off one with comments, or raw strings."""

_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_PLAIN = frozenset({"has", "size", "matches", "startsWith", "endsWith", "contains", "int", "double", "in"})


def builds_nothing(source: str) -> bool:
    """Whether the condition only looks and compares, so that evaluating it leaves nothing behind but its answer.

    What the engine makes as it evaluates stays with the facts where these are shared by many conditions (a list that a
    macro maps, each of its stages), until they are dropped: 200 KB of arguments have become 290 MB in one condition.
    """
    if "+" in source:
        return False
    return all(call in _PLAIN or call.startswith("get") for call in _CALL.findall(source))


def actions_that(source: str) -> frozenset[str] | None:
    """The only actions for which the condition can hold; None where that does not show."""
    if _STRANGE.search(source):
        return None
    terms = _terms(source)
    found = [names for names in map(_named, terms or ()) if names is not None]
    return frozenset.intersection(*found) if found else None


def _named(term: str) -> frozenset[str] | None:
    term = term.strip()
    same = _IS.fullmatch(term)
    if same is not None:
        return frozenset({(same[1] or same[2])[1:-1]})
    among = _IN.fullmatch(term)
    return None if among is None else frozenset(text[1:-1] for text in _ONE.findall(among[1]))


def _terms(source: str) -> list[str] | None:
    """What is joined by ``&&`` outside of brackets and text; None where something else joins there."""
    terms: list[str] = []
    depth = start = at = 0
    while at < len(source):
        quoted = _ONE.match(source, at)
        if quoted is not None:
            if source[at - 1 : at].isalnum():
                return None
            at = quoted.end()
            continue
        sign = source[at]
        if sign in "\"'" or source.startswith("//", at):
            return None
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and (sign == "?" or source.startswith("||", at)):
            return None
        if depth == 0 and source.startswith("&&", at):
            terms.append(source[start:at])
            at = start = at + 2
            continue
        at += 1
    return [*terms, source[start:]]
