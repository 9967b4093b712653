"""The switches that stop and start replays at once; every claim reads them in its own transaction."""

from __future__ import annotations

from bot.core.model import Event, Request
from bot.core.ports import Tx
from bot.desk.ledger import Ledger

Whose = tuple[str | None, str]
"""By whose switches a replay is held besides the one for all: an agent's (None: no agent's) and an action's."""


def whose(request: Request, *, by_agent: bool) -> Whose:
    """The switches that hold its run, which its agent makes or the bot: its agent's and its action's.

    What a person wants rolled back is not held by the agent's: stopping an agent would else keep its harm in place.
    What the agent would run itself is, for a stopped agent is handed nothing.
    """
    route = request.route
    wanted = request.content.takes_back is not None and (route.asked or route.joined) is not None
    return None if wanted and not by_agent else request.agent, request.content.action


async def pause(
    ledger: Ledger, *, on: bool, by: str, via: str, agent: str | None = None, action: str | None = None
) -> bool:
    """Stop or start all replays, or those of one ``agent`` or one ``action``; whether that changed anything.

    What is already running is not torn down. Each is a switch of its own: what two of them stop takes both to run.
    """

    def work(tx: Tx) -> bool:
        stands = tx.stopped()
        known = agent in stands.agents if agent else action in stands.actions if action else stands.everything
        if known is on:
            return False
        kind = "replays.paused" if on else "replays.resumed"
        named = {name: value for name, value in (("agent", agent), ("action", action)) if value}
        event = Event(type=kind, at=ledger.clock.now(), actor=by, via=via, data=named)
        tx.pause(on=on, event=event, agent=agent, action=action)
        return True

    return await ledger.store.write(work)
