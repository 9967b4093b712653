"""Requests of every make for the core's tests; no store, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.digest import digest_of
from bot.core.model import Decision, Kind, Request, Revision, Risk, Route, Stage, State, Step, Then, Track, Verb
from bot.core.ports import Ballot

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def step(*people: str, wait: timedelta | None = None, via: Any = (), **more: Any) -> Step:
    """One step that asks these people."""
    return Step(notify=people, people=people, wait=wait, via=tuple(via), **more)


def stage(*steps: Step, name: str = "finance", approvals: int = 1, **more: Any) -> Stage:
    """One stage, its chain called like it."""
    return Stage(name=name, chain=name, steps=steps, approvals=approvals, **more)


def route(*stages: Stage, **more: Any) -> Route:
    """A route through these stages."""
    return Route(then=more.pop("then", Then.STAGES), rule=more.pop("rule", "r"), why="held", stages=stages, **more)


def content(number: int = 1, arguments: dict[str, Any] | None = None, **more: Any) -> Revision:
    """A revision with the digest that is right for it."""
    given = {"amount": 240.0} if arguments is None else arguments
    bound: dict[str, Any] = {"action": "refund.issue", "arguments": given, "target": "https://b.example/refunds"}
    digest = digest_of(request="req_1", revision=number, agent="billing", **bound)
    author = more.pop("author", "agent:billing")
    return Revision(request="req_1", number=number, digest=digest, author=author, created_at=NOW, **bound, **more)


def request(*stages: Stage, at: datetime = NOW, expires: timedelta = 24 * HOUR, **more: Any) -> Request:
    """A request that has just begun on a route through these stages."""
    way = more.pop("way", None) or route(*stages)
    fresh = Request(
        id="req_1",
        state=State.PENDING,
        kind=Kind.APPROVAL,
        agent="billing",
        action="refund.issue",
        title="Refund",
        risk=Risk.IRREVERSIBLE,
        route=way,
        content=content(),
        created_at=at,
        expires_at=at + expires,
        **more,
    )
    return lifecycle.begin(fresh, at)


def decision(about: Request, by: str = "ana", verb: Verb = Verb.APPROVE, at: datetime = NOW, **more: Any) -> Decision:
    """A decision on a request as it stands, placed as the desk places it."""
    known: dict[str, Any] = {"revision": about.revision, "digest": about.digest, **lifecycle.place_of(about, by)}
    made: dict[str, Any] = {"id": f"dec_{len(about.decisions) + 1}", "request": about.id, "channel": "slack"}
    return Decision(decision=verb, by=by, at=at, **(made | known | more))


def track(about: Request) -> Track:
    """The stage that the request stands in, where it is one."""
    assert about.track is not None
    return about.track


def at_step(about: Request, step: int, **more: Any) -> Request:
    """The request with its one stage at this step."""
    return replace(about, tracks=(replace(track(about), step=step, **more),))


def ballot(about: Request, by: str = "ana", verb: Verb = Verb.APPROVE, **more: Any) -> Ballot:
    """A ballot on a request as it stands."""
    shown: dict[str, Any] = {"revision": about.revision, "digest": about.digest}
    return Ballot(request=about.id, decision=verb, by=by, channel="slack", **(shown | more))
