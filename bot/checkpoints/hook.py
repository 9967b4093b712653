"""A webhook that takes checkpoints."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.checkpoints.place import WITHIN, PlaceFailed
from bot.core.checkpoint import EVENT, Signed, document, name_of
from bot.core.keyring import Attested
from bot.core.ports import Herald, OutcomeKind


class HookPlace:
    """A webhook (Standard Webhooks), whose ``webhook-id`` stays the same when a checkpoint is sent again."""

    def __init__(self, url: str, herald: Herald) -> None:
        """``herald`` signs and sends, to the addresses that any webhook of the house may go to."""
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        self._url = url
        self._herald = herald

    async def put(self, signed: Signed) -> None:
        """See `Place.put`."""
        outcome = await self._herald.post_event(
            self._url,
            event_id=f"ckp_{name_of(signed)}",
            event_type=EVENT,
            at=signed.checkpoint.at,
            data=document(signed),
            within=WITHIN,
        )
        if outcome.kind is not OutcomeKind.EXECUTED:
            raise PlaceFailed(outcome.error or outcome.kind.value)

    async def read(self) -> tuple[Attested, ...]:
        """See `Place.read`."""
        return ()
