"""How the house runs, for those who run it and those who look into it: admins, who may act, and auditors, who read."""

from __future__ import annotations

from bot.web.inbox.admin import examples, keys, overview, people, report, routing, trail, trouble, trust
from bot.web.inbox.admin.door import Changing, Reading, acting, asking, reading
from bot.web.inbox.admin.overview import ADMIN
from bot.web.inbox.admin.routing import rule_link

PAGES: tuple[tuple[str, Reading], ...] = (
    (ADMIN, reading(overview.show)),
    (routing.ROUTING, reading(routing.rules)),
    ("/admin/routing/actions", reading(routing.actions)),
    ("/admin/routing/duty", reading(routing.duty)),
    (people.PEOPLE, reading(people.show)),
    ("/admin/deliveries", reading(trouble.deliveries)),
    (trouble.EXECUTIONS, reading(trouble.executions)),
    (keys.KEYS, reading(keys.show)),
    ("/admin/audit", reading(trail.show)),
    (trust.TRUST, reading(trust.show)),
    (report.REPORT, reading(report.show)),
    (examples.EXAMPLES, reading(examples.show)),
)
"""Where each page stands."""

FORMS: tuple[tuple[str, Changing], ...] = (
    ("/admin/replays", acting(overview.switch)),
    ("/admin/people/sessions", acting(people.end)),
    ("/admin/executions/{id}", acting(trouble.settle)),
    (keys.KEYS, acting(keys.create)),
    ("/admin/keys/{key}/revoke", acting(keys.revoke)),
    ("/admin/trust/{grant}/end", acting(trust.end)),
    ("/admin/audit/export", asking(trail.export)),
    (report.REPORT, asking(report.take)),
    ("/admin/examples/export", acting(examples.take)),
)
"""Where each form is sent."""

_AT = frozenset(path for path, _ in PAGES)
WITHOUT_PAGE = tuple(path for path, _ in FORMS if path not in _AT)
"""Where a form is sent and no page stands: what a reload of its answer asks for."""


def nearest(path: str) -> str:
    """The page of the house that an address below it belongs to."""
    while path not in _AT and path != ADMIN:
        path = path.rpartition("/")[0]
        if not path.startswith(ADMIN):
            return ADMIN
    return path


__all__ = ["ADMIN", "FORMS", "PAGES", "WITHOUT_PAGE", "nearest", "rule_link"]
