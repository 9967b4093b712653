"""Where a character of a scalar's value stands in the file, whatever the scalar's style."""

from __future__ import annotations

from bot.routing.nodes import Place, Scalar

_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}
"""How many characters a double-quoted escape takes, where it is not two."""
_WHITE_ESCAPES = frozenset("nt \t_NLPr\n")
"""Escapes that stand for white space, or (a line end) for nothing."""


def place_in(text: str, node: Scalar, line: int, column: int) -> Place:
    """Line and column in the file of (line, column) in the node's value; all count from 1."""
    if node.style == "|":
        return _in_literal(text, node, line, column)
    lines = node.text.split("\n")
    offset = min(sum(len(before) + 1 for before in lines[: line - 1]) + column - 1, len(node.text))
    index = _index(text, node, offset)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _in_literal(text: str, node: Scalar, line: int, column: int) -> Place:
    """A literal block keeps its lines: only the indentation was taken away."""
    number = node.place[0] + line
    lines, shown = text.split("\n"), node.text.split("\n")
    raw = lines[number - 1] if number <= len(lines) else ""
    value = shown[line - 1] if line <= len(shown) else ""
    return number, max(len(raw) - len(value), 0) + column


def _index(text: str, node: Scalar, offset: int) -> int:
    """The index in the file of the value's character at ``offset``.

    Folding changes white space alone, so the characters that are not white are counted off side by side.
    """
    before = node.text[:offset]
    wanted = sum(not c.isspace() for c in before)
    trailing = len(before) - len(before.rstrip())
    at, end = _body(text, node)
    after = at
    while at < end:
        width, white = _unit(text, at, node.style)
        if not white:
            if wanted == 0 and offset < len(node.text) and not node.text[offset].isspace():
                return at
            wanted -= 1
            if wanted < 0:
                break
            after = at + width
        at += width
    return min(after + trailing, end)


def _body(text: str, node: Scalar) -> tuple[int, int]:
    """Where the source of the value begins and ends, without quotes or a block's header."""
    if node.style == ">":
        return text.find("\n", node.index) + 1, node.end
    edge = 1 if node.style else 0
    return node.index + edge, node.end - edge


def _unit(text: str, at: int, style: str) -> tuple[int, bool]:
    """How many characters of source one character of the value takes here, and whether it is white."""
    if style == '"' and text[at] == "\\":
        escaped = text[at + 1 : at + 2]
        return _ESCAPE_LENGTHS.get(escaped, 2), escaped in _WHITE_ESCAPES
    return (2 if style == "'" and text.startswith("''", at) else 1), text[at].isspace()
