"""What the store says about somebody's newest decisions, for the guards of attention."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from bot.core.model import Verb
from store.prepared import Prepared
from store.tables import decisions, requests

NEWEST = 500
"""Decisions of one person that are looked at, however many there are about other actions: what it costs is bounded."""


class ActStatements:
    """The statements about somebody's newest decisions, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        d, bind = decisions.c, sa.bindparam
        own = sa.select(d.n, d.request, d.verb, d.at, d.body).where(d.person == bind("person"))
        newest = own.order_by(d.n.desc()).limit(sa.literal_column(str(NEWEST), sa.BigInteger())).subquery()
        looked, edited = (sa.literal_column(f"'{v}'", sa.Text()) for v in (Verb.ESCALATE, Verb.APPROVE_WITH_EDITS))
        body = sa.case((newest.c.verb == edited, newest.c.body), else_=sa.null())
        joined = newest.join(requests, requests.c.id == newest.c.request)
        about = sa.select(newest.c.at, newest.c.verb, body).select_from(joined)
        wanted = about.where(requests.c.action == bind("action"), newest.c.verb != looked)
        self.acts_on = Prepared(wanted.order_by(newest.c.n.desc()).limit(bind("most")), dialect)
        votes = sa.select(d.at).where(d.person == bind("person"), d.vote == sa.literal_column("1", sa.BigInteger()))
        self.votes_of = Prepared(votes.order_by(d.n.desc()).limit(bind("most")), dialect)
