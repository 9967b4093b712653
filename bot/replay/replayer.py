"""The last hop: what was approved is checked once more, then handed to its webhook or its function, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.core.digest import digest_of
from bot.core.outgoing import EXECUTE, payload
from bot.core.ports import Order, Outcome
from bot.replay.function import FunctionRunner
from bot.replay.signing import Signer
from bot.replay.webhook import WebhookClient, failed


class TargetReplayer:
    """Runs approved actions against the targets that the configuration names; the ports `Replayer` and `Herald`."""

    def __init__(self, webhooks: WebhookClient, functions: FunctionRunner) -> None:
        """The two ways an action can run here; the third, the agent itself, never comes this way."""
        self._webhooks = webhooks
        self._functions = functions

    async def run(self, order: Order) -> Outcome:
        """Make one attempt; never raises for what the target does. Cancelled midway, the attempt is ``unknown``."""
        if not _as_approved(order):
            return failed("digest_mismatch", "what would run is not what was approved, so nothing ran")
        how = order.how
        if how.webhook is not None:
            return await self._webhooks.post(
                how.webhook,
                message_id=order.execution,
                kind=EXECUTE,
                data=payload(order),
                within=how.timeout,
            )
        if how.python is not None:
            return await self._functions.run(
                how.python, arguments=order.arguments, execution=order.execution, within=how.timeout
            )
        return failed("no_target", "this action is run by its agent, which reports the outcome")

    async def post_event(
        self, url: str, *, event_id: str, event_type: str, data: dict[str, Any], within: timedelta
    ) -> Outcome:
        """Tell an agent's own webhook about its request, through the same guard and with the same signature."""
        return await self._webhooks.post(url, message_id=event_id, kind=event_type, data=data, within=within)

    async def close(self) -> None:
        """Close every connection. Attempts still running are the caller's to await or cancel first."""
        await self._webhooks.close()


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
    webhooks = WebhookClient(signer=Signer(secrets), listed=allow_private, carried=carried)
    return TargetReplayer(webhooks, FunctionRunner())


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
