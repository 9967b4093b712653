"""Authentication-Results (RFC 8601), read strictly: what cannot be read as the grammar has it is nothing at all.

The header holds text of strangers (addresses, reasons), so a reading that searched it for ``dkim=pass`` would find
whatever a sender put there.
"""

from __future__ import annotations

import re

from msgspec import Struct

_LONGEST = 16 * 1024
_PIECE = re.compile(
    r"(?P<space>[ \t]++)|(?P<quoted>\"(?:[^\"\\\x00-\x1f]|\\[ -~])*+\")|(?P<mark>[;=()])"
    r"|(?P<word>[^\s;=()\"\\\x00-\x1f]++)"
)
_IN_COMMENT = re.compile(r"[^()\\]++|\\.|[()]")
_KEYWORD = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,60}[a-z0-9])?(?:/[0-9]{1,4})?", re.IGNORECASE)
_RESULT = re.compile(r"[a-z0-9-]{1,40}", re.IGNORECASE)
_PROPERTY = re.compile(r"[a-z0-9-]{1,40}(?:\.[a-z0-9_-]{1,60})?", re.IGNORECASE)


_BESIDE = ("envelope-from", "helo")
"""What Amazon writes between the results, as if they were some, of the sender's own choosing."""


class Result(Struct, frozen=True):
    """What one method said (``dkim``, ``pass``), with its properties; all names in lower case."""

    method: str
    result: str
    properties: dict[str, str]


class Results(Struct, frozen=True):
    """One header: who wrote it (lower case), and what each method said; None where that could not be read."""

    authserv_id: str
    results: tuple[Result, ...] | None


def results_of(value: str) -> Results | None:
    """The header's content; None where it cannot even be read who wrote it."""
    pieces = _pieces(value) if len(value) <= _LONGEST else None
    if pieces is None:
        return None
    clauses = _clauses(pieces)
    named = [piece for piece in clauses[0] if piece != " "]
    version = len(named) == 1 or (len(named) == 2 and named[1] == "1")  # noqa: PLR2004  # the id, and a version
    if not version or "=" in named or " " not in (clauses[0][1:2] or [" "]):
        return None
    name = _bare(named[0])
    # Outside of ASCII there are letters that become one of ours in lower case, and whoever strips forgeries knows none.
    return Results(name.lower() if name.isascii() else name, _results(clauses[1:]))


def _pieces(value: str) -> list[str] | None:
    """Words, quoted strings and marks; each comment and each run of blanks is one blank. None: not readable."""
    pieces: list[str] = []
    at = 0
    while at < len(value):
        found = _PIECE.match(value, at)
        if found is None or found[0] == ")":
            return None
        if found[0] == "(":
            end = _comment_end(value, found.end())
            if end is None:
                return None
            at = end
        else:
            at = found.end()
        blank = found.lastgroup == "space" or found[0] == "("
        if not (blank and pieces and pieces[-1] == " "):
            pieces.append(" " if blank else found[0])
    return pieces


def _comment_end(value: str, at: int) -> int | None:
    """Behind the end of a comment, others in it included."""
    depth = 1
    while depth:
        found = _IN_COMMENT.match(value, at)
        if found is None:
            return None
        depth += (found[0] == "(") - (found[0] == ")")
        at = found.end()
    return at


def _clauses(pieces: list[str]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for piece in pieces:
        if piece == ";":
            clauses.append([])
        elif piece != " " or clauses[-1]:
            clauses[-1].append(piece)
    return clauses


def _results(clauses: list[list[str]]) -> tuple[Result, ...] | None:
    """What stands beside the results is passed over, and then no DKIM result counts: a stranger's word is near."""
    found: list[Result] = []
    beside = False
    for number, clause in enumerate(clauses):
        if [piece for piece in clause if piece != " "] == []:
            # Some servers write a semicolon at the end; an empty clause in between is no grammar.
            if number + 1 < len(clauses):
                return None
            continue
        if [piece.lower() for piece in clause if piece != " "] == ["none"]:
            continue
        if clause[0].lower() in _BESIDE and _pairs(clause) is not None:
            beside = True
            continue
        result = _result(clause)
        if result is None:
            return None
        found.append(result)
    return tuple(result for result in found if not beside or result.method != "dkim")


def _result(clause: list[str]) -> Result | None:
    pairs = _pairs(clause)
    if not pairs:
        return None
    (method, result), *properties = pairs
    if not _KEYWORD.fullmatch(method) or not _RESULT.fullmatch(result):
        return None
    known: dict[str, str] = {}
    for name, said in properties:
        key = name.lower()
        if not _PROPERTY.fullmatch(name) or (key in known and known[key] != said):
            return None
        known[key] = _bare(said)
    return Result(method.partition("/")[0].lower(), result.lower(), known)


def _pairs(clause: list[str]) -> list[tuple[str, str]] | None:
    """``name=value`` after ``name=value``, blanks between. A value may be quoted, or hold a quoted local part."""
    pairs: list[tuple[str, str]] = []
    pieces = clause if clause[-1] == " " else [*clause, " "]
    at = 0
    while at < len(pieces):
        name = pieces[at]
        at += 1 + (pieces[at + 1] == " ")
        if at >= len(pieces) or pieces[at] != "=":
            return None
        at += 1 + (pieces[at + 1] == " " and at + 2 < len(pieces))
        value = ""
        while at < len(pieces) and pieces[at] != " ":
            value += pieces[at]
            at += 1
        if not value or value.startswith("="):
            return None
        pairs.append((name, value))
        at += 1
    return pairs


def _bare(value: str) -> str:
    """A quoted string's content; anything else as it stands."""
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value
