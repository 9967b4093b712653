"""SQLite's statements as text, as they were last compiled: a start on SQLite need not load SQLAlchemy.

That is 110 ms of a start and 12 MB for good. A question that may be narrowed (a page, a search) is kept in pieces
(`store.question`); where one of more values is asked than are kept, SQLAlchemy is loaded and compiles it.

``sqlite.json`` says of which sources it was made (`store.keeping` writes it anew). Where the sources are others it
is left alone, so that nothing is ever said to a database that is not in the statements. What the core lends them (the
words of states and verbs) is not among the sources: a test holds the texts to that.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw, Struct
from msgspec.json import decode

from store.prepared import Prepared
from store.question import KeptQuestion

if TYPE_CHECKING:
    from store.statements import Statements

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
FILE = _HERE / "sqlite.json"
_SOURCES = (
    *("*statements.py", "*tables.py", "*rows.py"),
    *("columns.py", "patterns.py", "prepared.py", "question.py", "shapes.py"),
)


class _Dialect(Struct, frozen=True):
    name: str


class _File(Struct, frozen=True):
    """What `store.keeping` writes: the texts stay one text until somebody asks for one of them."""

    sources: str
    statements: dict[str, Raw]


class Kept:
    """Stands for `Statements`, or for one of its parts: what is not kept is asked of these themselves, made then."""

    def __init__(self, texts: Mapping[str, Raw], whole: Callable[[], Any]) -> None:
        self._texts = texts
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        """Asked once for each name: what is found stays."""
        if name.startswith("__"):
            raise AttributeError(name)
        kept = self._texts.get(name)
        found = getattr(self._whole(), name) if kept is None else _said(kept, lambda: getattr(self._whole(), name))
        setattr(self, name, found)
        return found


def _said(kept: Raw, whole: Callable[[], Any]) -> Any:
    if memoryview(kept)[0] == ord("["):
        return tuple(_said(one, whole) for one in decode(kept, type=list[Raw]))
    parts = decode(kept, type=dict[str, Raw])
    if "sql" in parts:
        told = decode(kept)
        return Prepared.kept(told["sql"], tuple(told["order"]), told["given"])
    if "pieces" in parts:
        return KeptQuestion(decode(kept), whole)
    if all(name.isdigit() for name in parts):
        return {int(name): _said(one, whole) for name, one in parts.items()}
    return Kept(parts, whole)


@cache
def sqlite_statements() -> Statements:
    """All that the store says to SQLite."""
    texts = None
    try:
        kept = decode(FILE.read_bytes(), type=_File)
        texts = kept.statements if kept.sources == sources() else None
    except (OSError, ValueError) as fault:
        log.debug("the texts of the statements cannot be read: %s", fault)
    if texts is None:
        return _compiled()
    found = Kept(texts, _compiled)
    found.dialect = _Dialect("sqlite")  # type: ignore[attr-defined]  # all that anybody asks of it is its name
    return cast("Statements", found)


def _compiled() -> Statements:
    from store.statements import statements_for  # noqa: PLC0415  # brings SQLAlchemy along

    return statements_for("sqlite")


def sources() -> str:
    """The hash of everything in this package that the texts are made of. Raises ``OSError``."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in _SOURCES for path in _HERE.glob(pattern)}):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
