"""Questions whose texts depend on what narrows them: each is put together of pieces that have names.

The pieces are constructs, compiled together at a question's first use; or they were compiled before, each by itself,
and are set one after the other as text (`store.kept`), so that a listing need not load SQLAlchemy. A piece holds
nothing of whoever asks: every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from store.prepared import Prepared

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine.interfaces import Dialect

COUNTED = ":"
"""Between a piece's name and how many values it takes, as in ``states:2``."""

COUNTS = range(1, 13)
"""Of how many values a piece is kept as text; of more it is compiled."""

_MARK = "mark = mark"
_AND, _WHERE = " AND ", " \nWHERE "
_TEXTS = 256


class Question:
    """A select and what may narrow it, by name."""

    def __init__(self, select: sa.Select[Any], pieces: Mapping[str, Any], dialect: Dialect) -> None:
        """``pieces``: conditions; of those whose name ends in `COUNTED`, what makes one for so many values."""
        self._select = select
        self._pieces = pieces
        self._dialect = dialect
        self.of = lru_cache(maxsize=_TEXTS)(self._of)

    def _of(self, names: tuple[str, ...]) -> Prepared:
        """The question narrowed by these pieces, in this order."""
        return Prepared(self._select.where(*[self._piece(name) for name in names]), self._dialect)

    def _piece(self, name: str) -> sa.ColumnElement[bool]:
        import sqlalchemy as sa  # noqa: PLC0415  # whoever makes one of these has loaded it

        plain, mark, count = name.partition(COUNTED)
        piece = self._pieces[plain + mark](int(count)) if mark else self._pieces[name]
        # In brackets, where it needs any beside another, though it stands alone: one text, however it was made.
        grouped: sa.ColumnElement[bool] = piece.self_group(against=sa.sql.operators.and_)
        return grouped

    def told(self) -> dict[str, Any]:
        """What `KeptQuestion` is made of."""
        import sqlalchemy as sa  # noqa: PLC0415  # as above

        mark = sa.text(_MARK)
        sql, order, given = Prepared(self._select.where(mark), self._dialect).made()
        head, tail = sql.split(_WHERE + _MARK)
        taken = head.count("?")
        names = [name for name in self._pieces if not name.endswith(COUNTED)]
        names += [f"{name}{count}" for name in self._pieces if name.endswith(COUNTED) for count in COUNTS]
        pieces: dict[str, Any] = {}
        for name in names:
            narrowed = Prepared(self._select.where(mark, self._piece(name), mark), self._dialect)
            whole, every, always = narrowed.made()
            inner = whole.split(_MARK)[1].removeprefix(_AND).removesuffix(_AND)
            own = every[taken : len(every) - len(order) + taken]
            pieces[name] = _told(inner, own, always)
        return {"head": _told(head, order[:taken], given), "tail": _told(tail, order[taken:], given), "pieces": pieces}


def _told(sql: str, order: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    # What is always the same is named anew by each compilation, and by its value here: pieces stand side by side.
    order = tuple(f"={given[name]!r}" if name in given else name for name in order)
    always = {f"={value!r}": value for value in given.values()}
    return {"sql": sql, "order": order, "given": {name: always[name] for name in order if name in always}}


class KeptQuestion:
    """A `Question` of texts that were compiled before."""

    def __init__(self, told: Mapping[str, Any], whole: Callable[[], Question]) -> None:
        """``told`` is what `Question.told` said; ``whole`` is asked for what is not in it."""
        self._head, self._tail, self._pieces = told["head"], told["tail"], told["pieces"]
        self._whole = whole
        self.of = lru_cache(maxsize=_TEXTS)(self._of)

    def _of(self, names: tuple[str, ...]) -> Prepared:
        pieces = [self._pieces.get(name) for name in names]
        if None in pieces:
            return self._whole().of(names)
        narrowed = _WHERE + _AND.join(piece["sql"] for piece in pieces) if pieces else ""
        every = (self._head, *pieces, self._tail)
        order = tuple(name for one in every for name in one["order"])
        given = {name: value for one in every for name, value in one["given"].items()}
        return Prepared.kept(self._head["sql"] + narrowed + self._tail["sql"], order, given)
