"""A card that was owed to a request which has ended by now: not sent, unless it had been already."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bot.core.model import Delivery, Request
from bot.core.ports import Channel, Effect
from bot.courier.shift import Shift
from bot.desk import Desk


async def ended(
    desk: Desk,
    shift: Shift,
    channel: Channel | None,
    *,
    effect: Effect,
    request: Request,
    delivery: Delivery,
    within: float,
) -> None:
    """Skip it, or bring it up to date where a process posted it and died before it could say so.

    Such a card would offer its buttons for ever. ``within``: seconds that the update may take. Raises
    `bot.core.errors.SendFailed`.
    """
    standing = await channel.stands(delivery) if channel is not None else None
    if channel is None or standing is None:
        await shift.insist(lambda: desk.skipped(effect, delivery, "the request had ended"))
        return
    async with asyncio.timeout(within):
        handle = await channel.update(desk.card_of(request), replace(delivery, handle=standing)) or standing
    await shift.insist(lambda: desk.sent(effect, delivery, request, handle))
