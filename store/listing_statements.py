"""What the store says about requests as they are listed: newest first, page by page."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.question import Question
from store.queue_statements import whole_requests
from store.tables import assignments, requests

PRACTICE = '%"practice":"%'
"""The route of a declared practice, as JSON; in a text of somebody's the quotes would be escaped."""


def listing(dialect: Dialect) -> Question:
    """A page of requests, narrowed as `store.shapes.listing_of` says."""
    r, a, bind = requests.c, assignments.c, sa.bindparam
    held = sa.exists().where(a.person == bind("reviewer"), a.created_at == r.created_at, a.request == r.id)
    pieces: dict[str, Any] = {name: r[name] == bind(name) for name in ("agent", "action", "batch")}
    pieces |= {
        "reviewer": held,
        "states:": lambda count: r.state.in_([bind(f"state_{index}") for index in range(count)]),
        "open": sa.text("requests.open = 1"),
        "escalated": sa.text("escalation_level > 0"),
        "level": sa.text("escalation_level = 0"),
        "since": r.created_at >= bind("since"),
        "until": r.created_at < bind("until"),
        "real": r.route.not_like(PRACTICE),
        "after": sa.tuple_(r.created_at, r.id) < sa.tuple_(bind("cursor_at"), bind("cursor_id")),
    }
    newest = whole_requests().order_by(r.created_at.desc(), r.id.desc()).limit(bind("limit"))
    return Question(newest, pieces, dialect)
