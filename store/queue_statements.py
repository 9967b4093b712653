"""What the store says about what is open: pages by deadline, counts, groups of alike; and about what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store import patterns, rows
from store.prepared import Prepared
from store.question import Question
from store.shapes import EQUAL
from store.tables import assignments, deliveries, executions, requests, revisions, seen

MOST_ALIKE = 200

_IS_OPEN = "requests.open = 1"
"""As the partial indexes say it; a parameter would hide it from the planner."""

_CURRENT = sa.and_(revisions.c.request == requests.c.id, revisions.c.number == requests.c.revision)
_WORDS = ("id", "action", "agent", "batch")
_HIDES = '%"hidden":["%'
"""A route that hides something, as JSON; in a text of somebody's the quotes would be escaped."""


def whole_requests() -> sa.Select[Any]:
    """Requests as `rows.request_of` reads them: with their current revision and newest execution."""
    return _whole(requests.join(revisions, _CURRENT).outerjoin(executions, executions.c.id == requests.c.execution))


def _whole(joined: sa.FromClause) -> sa.Select[Any]:
    wanted = [requests.c[name] for name in rows.REQUEST_COLUMNS]
    return sa.select(*wanted, revisions.c.content, executions.c.body).select_from(joined)


class QueueStatements:
    """The statements about the queue, for one kind of database."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own, which knows ``ON CONFLICT``."""
        self._dialect = dialect
        r, e, y, bind = requests.c, executions.c, deliveries.c, sa.bindparam
        self._questions()
        put = insert(assignments).inline()
        key = ("person", "created_at", "request")
        put = put.on_conflict_do_update(index_elements=key, set_={"waiting": put.excluded.waiting})
        self.assign = Prepared(put, dialect, [*key, "waiting"])
        moved = sa.func.coalesce(bind("deadline", type_=sa.BigInteger()), r.deadline)
        self.move_deadline = self._prepare(sa.update(requests).where(r.id == bind("id_")).values(deadline=moved))
        self.deadline = self._prepare(sa.select(r.deadline).where(r.id == bind("id")))
        self.open_names = self._prepare(sa.select(r.agent, r.action).where(sa.text(_IS_OPEN)).distinct())
        self.waiting = self._prepare(_waiting())
        newest = sa.and_(r.id == e.request, r.execution == e.id)
        troubled = _whole(executions.join(requests, newest).join(revisions, _CURRENT))
        troubled = troubled.where(sa.text("executions.state IN ('failed', 'unknown')"))
        self.troubled = self._prepare(troubled.order_by(e.n.desc()).limit(bind("limit")))
        undelivered = sa.select(y.body).where(sa.text("deliveries.state = 'failed'"))
        self.undelivered = self._prepare(undelivered.order_by(y.n.desc()).limit(bind("limit")))

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _questions(self) -> None:
        """What is open, narrowed as `store.shapes.queue_of` says. A search alone reads the contents."""
        r, a, bind, dialect = requests.c, assignments.c, sa.bindparam, self._dialect
        by_deadline = whole_requests().order_by(r.deadline, r.id).limit(bind("limit"))
        last = sa.tuple_(bind("after_at"), bind("after_id"))
        after = sa.tuple_(r.deadline, r.id) > last
        self.page = Question(by_deadline, {**_narrowing("agent", "action"), "after": after}, dialect)
        narrowing, searched = _narrowing("action"), requests.join(revisions, _CURRENT)
        many = sa.select(sa.func.count())
        self.count = Question(many.select_from(requests), narrowing, dialect)
        self.count_found = Question(many.select_from(searched), narrowing, dialect)
        mine = many.where(a.person == bind("waits_for"), sa.text("assignments.waiting = 1"))
        self.count_mine = self._prepare(mine)
        count, soonest = sa.func.count(), sa.func.min(r.deadline)
        grouped = sa.select(r.agent, r.action, count, soonest).group_by(r.agent, r.action)
        grouped = grouped.order_by(count.desc(), soonest, r.agent, r.action)
        grouped = grouped.limit(sa.literal_column(str(MOST_ALIKE)))
        self.alike = Question(grouped.select_from(requests), narrowing, dialect)
        self.alike_found = Question(grouped.select_from(searched), narrowing, dialect)


def _waiting() -> sa.CompoundSelect[Any]:
    """Whom each open request waits for and since when, and once more for nobody."""
    r, a = requests.c, assignments.c
    nobody = sa.literal_column("''", sa.Text()).label("person")
    everything = sa.select(nobody, r.created_at).where(sa.text(_IS_OPEN))
    held = assignments.join(requests, a.request == r.id)
    people = sa.select(a.person, r.created_at).select_from(held)
    people = people.where(sa.text("assignments.waiting = 1"), sa.text(_IS_OPEN))
    narrowed = [
        sa.or_(sa.bindparam(name, type_=sa.Text()).is_(None), r[name].concat(nobody.element) == sa.bindparam(name))
        for name in ("agent", "action")
    ]
    return sa.union_all(everything.where(*narrowed), people.where(*narrowed))


def _narrowing(*hidden: str) -> dict[str, Any]:
    """``hidden``: columns whose indexes are not to be used, for they would lead through what ended, or to a sort."""
    r, a, e, bind = requests.c, assignments.c, seen.c, sa.bindparam
    nothing = sa.literal_column("''", sa.Text())
    equal = {name: r[name].concat(nothing) if name in hidden else r[name] for name in EQUAL}
    waits = sa.exists().where(a.person == bind("waits_for"), a.request == r.id, sa.text("assignments.waiting = 1"))
    opened = sa.exists().where(e.person == bind("unread_by"), e.request == r.id, e.revision == r.revision)
    return {
        "open": sa.text(_IS_OPEN),
        **{name: column == bind(name) for name, column in equal.items()},
        # Not as its partial index says it, which would lead through every request that ever was escalated.
        "escalated": r.escalation_level >= 1,
        "level": r.escalation_level < 1,
        "waits_for": waits,
        "asked:": _asked,
        "unread_by": ~opened,
        "text": _found(),
    }


def _asked(count: int) -> sa.ColumnElement[bool]:
    r, a = requests.c, assignments.c
    people = a.person.in_([sa.bindparam(f"asked_{index}") for index in range(count)])
    return sa.exists().where(people, a.created_at == r.created_at, a.request == r.id)


def _found() -> sa.ColumnElement[bool]:
    r = requests.c
    found = [patterns.holds(r[name], "text") for name in _WORDS]
    # T23: a search that finds what is hidden tells it, a character at a time. So neither the contents
    # nor the title of a request that hides anything are looked into: a title may repeat the value.
    contents = [patterns.holds(revisions.c.content, name) for name in ("text", "quoted")]
    contents.append(patterns.holds(r.title, "text"))
    found.append(sa.and_(r.route.not_like(_HIDES, escape=patterns.ESCAPE), sa.or_(*contents)))
    return sa.or_(*found)
