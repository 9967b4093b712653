"""The last hop: what was approved is checked once more, then handed to its webhook or its function, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.core.digest import digest_of
from bot.core.outgoing import EXECUTE, payload
from bot.core.ports import Order, Outcome
from bot.replay.function import FunctionRunner
from bot.replay.result import failed
from bot.replay.signing import Signer

if TYPE_CHECKING:
    from bot.replay.webhook import WebhookClient


class TargetReplayer:
    """Runs approved actions against the targets that the configuration names; the ports `Replayer` and `Herald`."""

    def __init__(
        self,
        signer: Signer,
        functions: FunctionRunner,
        *,
        listed: Callable[[], tuple[str, ...]],
        carried: Callable[[], Mapping[str, str]],
    ) -> None:
        """The two ways an action can run here; the third, the agent itself, never comes this way.

        See `bot.replay.webhook.WebhookClient` for ``listed`` and ``carried``.
        """
        self._signer = signer
        self._listed = listed
        self._carried = carried
        self._functions = functions
        self._client: WebhookClient | None = None

    async def _webhooks(self) -> WebhookClient:
        """What sends. Its library is 110 ms and 10 MB, which wait until there is something to send.

        It is loaded in a thread, so that nobody else waits for it.
        """
        if self._client is None:
            module = await asyncio.to_thread(import_module, "bot.replay.webhook")
            if self._client is None:
                self._client = module.WebhookClient(signer=self._signer, listed=self._listed, carried=self._carried)
        return self._client

    async def run(self, order: Order) -> Outcome:
        """Make one attempt; never raises for what the target does. Cancelled midway, the attempt is ``unknown``."""
        if not _as_approved(order):
            return failed("digest_mismatch", "what would run is not what was approved, so nothing ran")
        how = order.how
        if how.webhook is not None:
            webhooks = await self._webhooks()
            return await webhooks.post(
                how.webhook,
                message_id=order.execution,
                kind=EXECUTE,
                at=order.at,
                data=payload(order),
                within=how.timeout,
            )
        if how.python is not None:
            return await self._functions.run(
                how.python, arguments=order.arguments, execution=order.execution, within=how.timeout
            )
        return failed("no_target", "this action is run by its agent, which reports the outcome")

    async def post_event(
        self, url: str, *, event_id: str, event_type: str, at: datetime, data: dict[str, Any], within: timedelta
    ) -> Outcome:
        """Tell an agent's own webhook about its request, through the same guard and with the same signature.

        What goes wrong is only logged, so it is told without the answer's words (threat T23).
        """
        webhooks = await self._webhooks()
        return await webhooks.post(
            url, message_id=event_id, kind=event_type, at=at, data=data, within=within, quoting=False
        )

    async def close(self) -> None:
        """Close every connection. Attempts still running are the caller's to await or cancel first."""
        if self._client is not None:
            await self._client.close()


def open_replayer(
    *,
    secrets: tuple[str, ...],
    allow_private: Callable[[], tuple[str, ...]],
    carried: Callable[[], Mapping[str, str]] = dict,
) -> TargetReplayer:
    """A replayer for one event loop.

    ``secrets`` sign webhooks (``whsec_…``, two while rotating; without any, no webhook is sent). ``allow_private`` is
    asked at every connection, so a reloaded file holds at once. ``carried`` are headers that webhooks carry along.
    Raises ``ValueError`` on a secret that is none.
    """
    return TargetReplayer(Signer(secrets), FunctionRunner(), listed=allow_private, carried=carried)


def _as_approved(order: Order) -> bool:
    try:
        actual = digest_of(
            request=order.request,
            revision=order.revision,
            agent=order.agent,
            action=order.action,
            arguments=order.arguments,
            target=order.how.target,
        )
    except (ValueError, RecursionError):  # NaN or an unsafe integer: it cannot be what anybody approved
        return False
    return actual == order.digest
