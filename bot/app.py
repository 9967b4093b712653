"""The composition root: the only file that names concrete classes. Builds the house, opens it, closes it in order."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from msgspec import to_builtins
from starlette.applications import Starlette

from bot.accounts import email_account, identity_provider, push_account, tracing
from bot.clock import SystemClock, entropy
from bot.core.errors import SendFailed
from bot.core.model import Person, Request
from bot.core.policy import Policy
from bot.core.ports import Channel, Store
from bot.core.token import PAGE, Marks
from bot.counts import Counts
from bot.courier import Courier
from bot.desk import Access, Desk, Ledger, Replicas, Rounds
from bot.desk.beside import Beside
from bot.ending import CLOSES_WITHIN, LEAVES_WITHIN, Ending, unless_silent
from bot.figures import figures, house_figures, insight_figures, probes, trust_figures
from bot.insight import Follower, Reading
from bot.process import build_figures
from bot.replay import open_replayer
from bot.routing import load, warnings
from bot.rules import Rules
from bot.scheduler import Scheduler
from bot.serving import serve
from bot.settings import Settings, SettingsError
from bot.sharing import replica_figures, replica_probes, terms
from bot.trail import open_notary, open_reports, trail_figures, trail_probes
from bot.web.app import create_app
from bot.web.house import Figure, House, Probe, page_url
from bot.web.inbox import routes
from bot.web.view import request_view
from channels import load as load_channel
from store import open_store
from store.scrubbing import rewrite

_log = logging.getLogger(__name__)
_CLAIMS_FINISH_WITHIN = 15.0


class Bot:
    """The whole program, built and not yet open. `start` opens it, `serve` listens, `stop` closes it in order."""

    def __init__(self, settings: Settings, policy: Policy, store: Store, ending: Ending | None = None) -> None:
        self.settings = settings
        self._tracing = tracing(settings)
        self.store = store = self._tracing.store(store) if self._tracing else store
        self.ending = ending or Ending()
        clock = SystemClock()
        self.ledger = Ledger(store, clock, entropy)
        self.rules = Rules(settings.config, policy, store=store, clock=clock)
        self.channels: dict[str, Channel] = {}
        self.access = Access(self.ledger)
        self.desk = Desk(self.ledger, Rounds(self.ledger, self.channels), self.rules.current, self._link)
        self.replayer: Any = open_replayer(
            secrets=settings.webhook_secrets,
            allow_private=lambda: self.rules.current().allow_private,
            carried=self._tracing.going if self._tracing else dict,
        )
        if self._tracing:
            self.replayer = self._tracing.replayer(self.replayer)
        self.courier = Courier(
            self.desk,
            clock,
            self.channels,
            self.replayer,
            herald=self.replayer,
            agent_url=self._agent_url,
            describe=self._describe,
        )
        self.ledger.courier = self.courier
        self.ledger.begin = self.desk.begin
        self.notary = open_notary(settings, store, clock, self.replayer)
        self.follower = Follower(store, clock, self.rules.current, holds=lambda: self.ledger.holds("insight"))
        beside = Beside(self.ledger, self.courier.take)
        duties = (self.desk.practise, self.desk.look_at_trust, beside.look)
        self.scheduler = Scheduler(self.rules.look, self.desk.wake, self.courier.release, *duties)
        self.replicas = self._replicas()
        self._counts = Counts(store, clock)
        self.slack: Any = None
        if settings.slack_on:
            self._add_slack()
        self._pages = Marks(settings.secrets, PAGE)
        self.email: Any = None
        if settings.email_on:
            self._add_email()
        self.push: Any = None
        if settings.push_on:
            self._add_push()
        self.web = self._web(clock)
        if self._tracing:
            self.channels |= {name: self._tracing.channel(name, own) for name, own in self.channels.items()}

    def _replicas(self) -> Replicas:
        return Replicas(
            self.ledger,
            self.courier,
            self.desk.lost,
            name=f"{socket.gethostname()}:{os.getpid()}",
            rules=lambda: terms(self.rules.current(), self.settings.secrets),
            lease=self.settings.lease,
        )

    def _link(self, request_id: str) -> str:
        return page_url(self.settings.public_url, request_id)

    def _agent_url(self, agent: str) -> str | None:
        spec = self.rules.current().agents.get(agent)
        return spec.webhook if spec else None

    def _describe(self, request: Request) -> dict[str, Any]:
        document: dict[str, Any] = to_builtins(request_view(request, (), self.settings.public_url))
        return document

    def _add_slack(self) -> None:
        slack = load_channel("slack")
        section = self.rules.current().channels.get("slack", {})
        self.slack = slack.open(
            bot_token=self.settings.slack_bot_token,
            signing_secret=self.settings.slack_signing_secret,
            app_token=self.settings.slack_app_token,
            api_url=self.settings.slack_api_url,
            reviews=self.desk,
            clock=self.ledger.clock,
            secrets=self.settings.secrets,
            post_to=section.get("post_to", "dm"),
        )
        self.channels["slack"] = self.slack

    def _add_email(self) -> None:
        self.email = load_channel("email").open(
            email_account(self.settings),
            letters=self.desk,
            clock=self.ledger.clock,
            secrets=self.settings.secrets,
            section=lambda: self.rules.current().channels.get("email", {}),
        )
        self.channels["email"] = self.email

    def _add_push(self) -> None:
        self.push = load_channel("push").open(
            push_account(self.settings),
            pushes=self.desk,
            clock=self.ledger.clock,
            secrets=self.settings.secrets,
            section=lambda: self.rules.current().channels.get("push", {}),
            allow_private=lambda: self.rules.current().allow_private,
            public_url=self.settings.public_url,
        )
        self.channels["push"] = self.push

    def _addressed(self, request_id: str, mark: str) -> str | None:
        """For whom the link to a request's page was made that bears this mark."""
        holds = self._pages.holds
        return next((person for person in self.rules.current().people if holds(mark, request_id, person)), None)

    def _web(self, clock: SystemClock) -> Starlette:
        self.house = House(
            desk=self.desk,
            store=self.store,
            access=self.access,
            clock=clock,
            public_url=self.settings.public_url,
            policy=self.rules.current,
            slack=self.slack.handle if self.slack is not None and self.settings.slack_app_token is None else None,
            probes=self._probes,
            figures=self._figures,
            warnings=self._warnings,
            push=self.push,
            oidc=identity_provider(self.settings, clock),
            reports=open_reports(self.settings, self.store, self.rules.current, clock),
            measured=Reading(self.store, clock).figures,
            addressed=self._addressed,
            rewrite=lambda: rewrite(self.store, self.settings.database_url),
        )
        can_send = self.slack is not None or self.email is not None
        return create_app(self.house, routes(self.house, self._send_link if can_send else None))

    async def _send_link(self, person_id: str, browser: str | None) -> None:
        """A one-time sign-in link to the person alone: by mail, or where that fails by direct message in Slack."""
        person = self.rules.current().people.get(person_id)
        if person is None:
            return
        ways = [way for way, here in ((self.email, person.email), (self.slack, person.slack)) if way and here]
        if not ways:
            return
        token = await self.access.new_link(person.id, by="inbox", browser=browser)
        for way in ways:
            if await self._sent_link(way, person, f"{self.settings.public_url}/sign-in/{token}"):
                return

    async def _sent_link(self, way: Any, person: Person, url: str) -> bool:
        try:
            await way.tell(person, "Sign in to Sayso, once, within half an hour:", url)
        except SendFailed as problem:
            _log.warning("the sign-in link for %s was not sent by %s: %s", person.id, way.name, problem)
            return False
        return True

    async def _probes(self) -> Sequence[Probe]:
        leaving = self.ending.asked.is_set()
        found, others = await asyncio.gather(
            probes(self._counts, self.scheduler, self.rules, self.channels, leaving=leaving),
            replica_probes(self.store, self._counts.alive, self.replicas),
        )
        return found if leaving else [*found, *others, *trail_probes(self.notary)]

    async def _figures(self) -> Sequence[Figure]:
        asked = await asyncio.gather(
            figures(self._counts, self.courier, self.rules, self.desk.live, self.email),
            house_figures(self._counts, self.scheduler, self.channels, leaving=self.ending.asked.is_set()),
            replica_figures(self.store, self._counts.alive),
        )
        own = (build_figures(self.settings.database_url), trail_figures(self.notary), trust_figures(self.desk.trust))
        return [one for part in (*asked, *own, insight_figures(self.follower.standing)) for one in part]

    def _warnings(self) -> Sequence[str]:
        return warnings(self.rules.current())

    async def start(self) -> None:
        """Put the rules on record, connect the channels, take up what was left, and begin to tick."""
        await self.replicas.join()
        await self.rules.begin()
        if not self.store.shared:
            await self.courier.recall()
        for channel in self.channels.values():
            await channel.start()
        if self.store.shared:
            await self.replicas.begin()
        else:
            await self.courier.start()
        self.notary.start()
        self.follower.start()
        self.scheduler.start()

    def _close(self) -> None:
        self.house.closing.set()
        self.desk.live.end()

    async def stop(self) -> None:
        """Stop ticking, listening and sending; let claims finish or become unknown; close the store last."""
        self.scheduler.stop()
        self._counts.close()
        async with AsyncExitStack() as closing:
            # The last of these comes first, and each though another fails.
            if self._tracing:
                closing.push_async_callback(self._tracing.close)
            closing.push_async_callback(unless_silent, self.store.close, CLOSES_WITHIN)
            closing.push_async_callback(unless_silent, self.replicas.end, LEAVES_WITHIN)
            closing.push_async_callback(self.replayer.close)
            for channel in self.channels.values():
                closing.push_async_callback(channel.stop)
            # A click that comes while claims finish is committed and acted on at the next start.
            closing.push_async_callback(self._finish)
            await self.notary.stop()
            await self.follower.stop()

    async def _finish(self) -> None:
        """Let claims finish, as long as there is time and nobody is in a hurry."""
        finishing = asyncio.ensure_future(self.courier.stop(_CLAIMS_FINISH_WITHIN - self.settings.drain))
        hurried = asyncio.ensure_future(self.ending.hurried.wait())
        await asyncio.wait({finishing, hurried}, return_when=asyncio.FIRST_COMPLETED)
        if not finishing.done():
            self.courier.hurry()
        hurried.cancel()
        await finishing

    async def serve(self, opened: Callable[[], None], listener: socket.socket) -> None:
        """Answer HTTP on the listener until told to stop (SIGTERM, SIGINT); ``opened`` is called once it does."""
        self.ending.listen()
        web = self._tracing.web(self.web) if self._tracing else self.web
        await serve(web, listener, opened=opened, closing=self._close, ending=self.ending, drain=self.settings.drain)


def check_together(settings: Settings, policy: Policy) -> None:
    """What only the environment and the rules together can get wrong."""
    hooks = any(spec.execute.webhook for spec in policy.actions.values())
    hooks = hooks or any(agent.webhook for agent in policy.agents.values())
    if hooks and not settings.webhook_secrets:
        line = "SAYSO_WEBHOOK_SECRET: missing, and routing.yaml sends webhooks; .env.example shows how to make one."
        raise SettingsError((line,))


async def build(settings: Settings, ending: Ending | None = None) -> Bot:
    """The bot on its rules and its store, migrated. Raises what is wrong with either, in lines."""
    policy = load(settings.config)
    check_together(settings, policy)
    store = await open_store(settings.database_url, exclusive=True)
    return Bot(settings, policy, store, ending)
