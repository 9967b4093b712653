"""One's queue: what ``/sayso`` answers, and the home tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.errors import SaysoError
from channels.slack import draw
from channels.slack.answers import Answer
from channels.slack.people import Actor
from channels.slack.presses import VIA, act_of
from channels.slack.surface import LATE, Act, Surface, TooSlow


class Lists:
    """Answers the command and the opening of the home tab."""

    def __init__(self, surface: Surface) -> None:
        """Everything it needs of Slack and of the house comes through the surface."""
        self._surface = surface

    async def command(self, body: Mapping[str, Any]) -> Answer:
        """What waits for whoever typed the command; only they see it."""
        act = act_of(body)
        try:
            return await self._surface.in_time(act, lambda: self._listed(act))
        except TooSlow:
            return Answer.saying(draw.said(LATE))

    async def _listed(self, act: Act) -> Answer:
        try:
            person = await self._surface.person(act)
            cards = await self._surface.reviews.queue(person.id)
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=None, say=False)
            return Answer.saying(draw.said(refusal.detail))
        blocks = draw.queue("slash.json.j2", cards, draw.IN_SLASH)
        return Answer.saying({"text": draw.fallback(draw.headline(len(cards))), "blocks": blocks})

    async def home_opened(self, body: Mapping[str, Any]) -> Answer:
        """Publish the queue on the home tab that was opened; it is published after the answer to Slack."""
        event = body["event"]
        if event.get("tab", "home") == "home" and event.get("user"):
            teams = tuple(str(team) for team in (body.get("team_id"),) if team)
            act = Act(actor=Actor(user=str(event["user"]), teams=teams))
            self._surface.later(self._publish(act))
        return Answer.done()

    async def _publish(self, act: Act) -> None:
        try:
            person = await self._surface.person(act)
            await self._surface.refresh_home(person, act.actor.user)
        except SaysoError as refusal:
            await self._surface.publish_home(act.actor.user, draw.said(refusal.detail)["blocks"])
