"""What the web is given by the composition root: the desk, the store to read, the keys, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.core.insight.asking import Question
from bot.core.insight.figures import Figures
from bot.core.insight.reckoning import figures_of
from bot.core.policy import Policy
from bot.core.ports import Clock, Store
from bot.core.ports.reports import Reporting
from bot.desk import Access, Desk


class Probe(NamedTuple):
    """Whether one part is ready, and in one line why (not); without one that is not ``vital`` the bot works on."""

    name: str
    ok: bool
    detail: str
    vital: bool = True


class Figure(NamedTuple):
    """One sample for ``/metrics``: ``sayso_requests{state="pending"} 3`` is name, help, value and labels.

    ``suffix`` ends the names of the samples of a histogram, which are one figure.
    """

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = {}
    kind: str = "gauge"
    suffix: str = ""


SlackHandler = Callable[[Mapping[str, str], bytes, datetime], Awaitable[tuple[int, Mapping[str, str], bytes]]]
"""(headers with lower-case names, raw body, now) -> (status, headers, body)."""


async def no_probes() -> Sequence[Probe]:
    """Nothing to ask."""
    return ()


async def no_figures() -> Sequence[Figure]:
    """Nothing to count."""
    return ()


def no_warnings() -> Sequence[str]:
    """Nothing to warn of."""
    return ()


async def nothing_measured(question: Question) -> Figures:
    """The figures of a house in which nothing was measured."""
    return figures_of(question.rounded(), (), (), as_of=question.until)


async def nothing_to_rewrite() -> bool:
    """There is no file to be written anew."""
    return False


def addressed_to_nobody(_request_id: str, _mark: str) -> str | None:
    """No link was made for anybody."""
    return None


LOST = "lost"
"""The name of the route that shows a browser that there is nothing at its address."""

FAILED = "failed"
"""The name of the route that shows a browser that something went wrong inside."""


def page_url(public_url: str, request_id: str) -> str:
    """The address of a request's own page in the inbox; the API's ``url`` and every card's link."""
    return f"{public_url}/requests/{request_id}"


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything behind the web's doors.

    ``store`` is for reads alone. ``public_url`` has no slash at its end. ``policy`` answers the policy in force now.
    ``slack`` is None where Slack does not come in by HTTP. ``probes`` and ``figures`` are asked at each ``/readyz``
    and ``/metrics``. Once ``closing`` is set, every call that waits is answered at once with what is so. ``addressed``
    answers (request id, mark of a mail's link) with the id of the person for whom that link was made, or None; it says
    nothing of whether there is such a request. ``push``, ``oidc`` and ``reports`` are as the inbox has them
    (`bot.web.inbox.house`), None where they are off; ``warnings`` are of the policy in force. ``rewrite`` takes what
    was erased out of the database's own files, and says whether nothing of it is left there; raises `SaysoError`.
    ``measured`` answers questions about figures (`bot.core.insight`), whole hours, with how far behind they are.
    """

    desk: Desk
    store: Store
    access: Access
    clock: Clock
    public_url: str
    policy: Callable[[], Policy]
    slack: SlackHandler | None = None
    probes: Callable[[], Awaitable[Sequence[Probe]]] = field(default=no_probes)
    figures: Callable[[], Awaitable[Sequence[Figure]]] = field(default=no_figures)
    addressed: Callable[[str, str], str | None] = field(default=addressed_to_nobody)
    push: Any = None
    oidc: Any = None
    reports: Reporting | None = None
    warnings: Callable[[], Sequence[str]] = field(default=no_warnings)
    rewrite: Callable[[], Awaitable[bool]] = field(default=nothing_to_rewrite)
    measured: Callable[[Question], Awaitable[Figures]] = field(default=nothing_measured)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
