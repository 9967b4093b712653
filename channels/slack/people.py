"""Who acted, and whether that is somebody who may act here at all: threat T8.

The signature says that Slack sent it; this says who it was. Fails closed: where Slack cannot be asked, nobody passes.
Whether the person is asked to review *this* request is the house's to say, at the moment of the decision.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.errors import Forbidden, Unavailable
from bot.core.model import Person
from bot.core.ports import Clock, Reviews
from channels.slack.api import CallFailed, Identity, SlackApi
from channels.slack.settings import FRESH_FOR, LOOK_UP_WITHIN

_MOST_REMEMBERED = 5_000


class ForeignWorkspace(Forbidden):
    """You act from another Slack workspace, and only people of this one may decide."""

    code = "foreign_workspace"


class UnknownPerson(Forbidden):
    """Sayso does not know you."""

    code = "unknown_person"


class NotAMember(Forbidden):
    """Only full members of this workspace may decide, and Slack does not list you as one."""

    code = "not_a_member"


class NotVerified(Unavailable):
    """Slack could not be asked who you are, so nothing was changed. Try again in a moment."""

    code = "not_verified"


class Actor(Struct, frozen=True, kw_only=True):
    """Who Slack says acted: user, and the workspaces named with the act (empty strings: none was named)."""

    user: str
    teams: tuple[str, ...]
    org_wide: bool = False


class People:
    """Tells whose hand it was."""

    def __init__(self, api: SlackApi, reviews: Reviews, clock: Clock) -> None:
        """Asks Slack through ``api``; the house's people come from ``reviews``."""
        self._api = api
        self._reviews = reviews
        self._clock = clock
        self._known: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self.identity: Identity | None = None

    async def person(self, actor: Actor) -> Person:
        """The person who acted. Raises `Forbidden` or `Unavailable`, each with a sentence for them."""
        team = await self._team()
        if actor.org_wide or not actor.teams or any(named != team for named in actor.teams):
            raise ForeignWorkspace
        person = self._reviews.person_by_slack(actor.user)
        if person is None:
            raise UnknownPerson(
                f"Sayso does not know you. Ask whoever runs it to add `slack: {actor.user}` to you in routing.yaml."
            )
        user = await self._user(actor.user)
        if user.get("is_stranger") or user.get("team_id") != team:
            raise ForeignWorkspace
        flags = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
        if user.get("id") != actor.user or any(user.get(flag) for flag in flags):
            raise NotAMember
        return person

    async def _team(self) -> str:
        if self.identity is None:
            try:
                self.identity = await self._api.identity()
            except CallFailed:
                raise NotVerified from None
        return self.identity.team

    async def _user(self, user: str) -> dict[str, Any]:
        now = self._clock.now()
        known = self._known.get(user)
        if known and 0 <= (now - known[0]).total_seconds() < FRESH_FOR:
            return known[1]
        try:
            answer = await self._api.read("users.info", within=LOOK_UP_WITHIN, user=user)
        except CallFailed as failed:
            if failed.code in ("user_not_found", "user_not_visible"):
                raise NotAMember from None
            raise NotVerified from None
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        found: dict[str, Any] = answer["user"]
        self._known[user] = (now, found)
        return found
