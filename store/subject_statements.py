"""Statements about subjects: the keys that lines are sealed with, and the rows that an erasure writes over."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.tables import (
    accounts,
    belongings,
    decisions,
    deliveries,
    effects,
    executions,
    idempotency,
    rejections,
    requests,
    revisions,
    subjects,
)


class SubjectStatements:
    """Compiled once a dialect, as `store.statements.Statements`."""

    def __init__(self, dialect: Dialect, insert: Any) -> None:
        """``insert`` is the dialect's own."""
        bind, s, b = sa.bindparam, subjects.c, belongings.c

        def p(construct: sa.sql.ClauseElement) -> Prepared:
            return Prepared(construct, dialect)

        joined = sa.select(s.id, s.key, s.subject).select_from(subjects.join(belongings, s.id == b.seal))
        self.seal_of = p(joined.where(b.request == bind("request")))
        live = sa.select(s.id, s.key).where(s.subject == bind("subject"), s.key != "")
        self.live = p(live.order_by(s.created_at).limit(1))
        self.keys = p(sa.select(s.id, s.key).where(s.key != ""))
        self.add_subject = Prepared(insert(subjects).inline(), dialect, [c.name for c in subjects.columns])
        self.belong = Prepared(insert(belongings).inline(), dialect, [c.name for c in belongings.columns])
        owned = sa.select(b.request).select_from(belongings.join(subjects, s.id == b.seal))
        self.owned = p(owned.where(s.subject == bind("subject"), s.key != "").order_by(b.request))
        destroyed = sa.update(subjects).where(s.subject == bind("subject_"), s.key != "")
        self.destroy = p(destroyed.values(key="", erased_at=bind("at")))
        self.contents = p(
            sa.select(revisions.c.number, revisions.c.content).where(revisions.c.request == bind("request"))
        )
        self.bare_content = p(
            sa.update(revisions)
            .where(revisions.c.request == bind("request_"), revisions.c.number == bind("number_"))
            .values(content=bind("content"))
        )
        self.decided = p(sa.select(decisions.c.id, decisions.c.body).where(decisions.c.request == bind("request")))
        self.bare_decision = p(sa.update(decisions).where(decisions.c.id == bind("id_")).values(body=bind("body")))
        self.ran = p(sa.select(executions.c.id, executions.c.body).where(executions.c.request == bind("request")))
        self.bare_execution = p(sa.update(executions).where(executions.c.id == bind("id_")).values(body=bind("body")))
        self.bare_delivery = p(sa.update(deliveries).where(deliveries.c.id == bind("id_")).values(body=bind("body")))
        said: dict[str, Any] = {name: bind(name) for name in ("title", "answer", "route", "advice")}
        self.bare_request = p(sa.update(requests).where(requests.c.id == bind("id_")).values(**said))
        self.letters = p(sa.select(effects.c.id, effects.c.note).where(effects.c.kind == "letter"))
        self.owed = p(sa.select(effects.c.id).where(effects.c.id == bind("id")))
        mine: sa.BindParameter[Any] = bind("request_")
        self.forgotten = (
            p(sa.update(idempotency).where(idempotency.c.request == mine).values(body_hash="")),
            p(sa.update(accounts).where(accounts.c.request == mine).values(key="", amount=0)),
            p(sa.delete(rejections).where(rejections.c.request == mine)),
            p(sa.delete(effects).where(effects.c.request == mine, effects.c.kind == "letter")),
        )
