"""Erasing a subject (threat T23): what its requests said is forgotten for good, what was decided of them stays told."""

from __future__ import annotations

from msgspec import Struct

from bot.core import errors, lifecycle
from bot.core.model import DeliveryState, Event, Request
from bot.core.ports import Change, Effect, EffectKind, Tx
from bot.desk.ledger import Deed, Ledger
from bot.desk.part import Part
from bot.desk.undoing import may_be_stopped, stopped

_NAMED = 10
"""Requests that a refusal names; an admin cancels those, and asks again."""


class Erased(Struct, frozen=True):
    """What an erasure did: what stands for the subject from now on, and how many requests and cancelled ones."""

    subject: str
    requests: int
    cancelled: int


class Erasing(Part):
    """The desk's part about subjects."""

    async def forget(self, subject: str, *, by: str, via: str, cancel: bool) -> Erased:
        """See `erase`."""
        return await erase(self._ledger, subject, by=by, via=via, cancel=cancel)


async def erase(ledger: Ledger, subject: str, *, by: str, via: str, cancel: bool) -> Erased:
    """Erase all requests of a subject, in one transaction; their cards are then drawn anew.

    ``cancel``: what still waits for a decision, or was approved and has not begun to run, is cancelled first. Raises
    `NotFound` where nothing is there, and `Conflict` with the ids of what is open, or running.
    """
    done: list[tuple[Erased, list[str]]] = []

    def work(tx: Tx) -> Deed:
        owned = [request for request in map(tx.request, tx.owned(subject)) if request is not None]
        if not owned:
            raise errors.NotFound("No request carries this subject's data, or all that did are erased.")
        waits = [request for request in owned if _unfinished(request)]
        running = [request for request in waits if not (request.state.open or may_be_stopped(request))]
        stays = running if cancel else waits
        if stays:
            ids = [request.id for request in stays]
            more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
            how = "wait until they have ended" if running else "decide them, or cancel them with it (--cancel)"
            raise errors.Conflict(f"Not ended yet: {', '.join(ids[:_NAMED])}{more}; {how}.", requests=ids[:_NAMED])
        for request in waits:
            _cancel(ledger, tx, request, by, via)
        count = tx.erase(subject, at=ledger.clock.now(), actor=by, via=via)
        effects: list[Effect] = []
        for request in owned:
            # What hangs in a chat is drawn anew, so that it says what the house knows now.
            redrawn = _redrawn(ledger, tx, request)
            tx.record(Change(event=_event(ledger, "cards.erased", request, by, via), effects=redrawn))
            effects += redrawn
        done[:] = [(Erased(tx.subject_hash(subject), count, len(waits)), [request.id for request in owned])]
        return Deed(None, tuple(effects))

    await ledger.commit(work)
    erased, touched = done[0]
    for request_id in touched:
        if ledger.live.watching or ledger.waiting.awaited(request_id):
            await ledger.retell(request_id)
    return erased


def _unfinished(request: Request) -> bool:
    run = request.execution
    return request.state.open or (run is not None and not run.state.ended)


def _cancel(ledger: Ledger, tx: Tx, request: Request, by: str, via: str) -> None:
    event, now = _event(ledger, "request.cancelled", request, by, via), ledger.clock.now()
    if may_be_stopped(request):
        execution = stopped(request, now)
        tx.record(Change(event=event, execution_before=request.execution, execution=execution, of=request))
    else:
        tx.record(Change(event=event, before=request, after=lifecycle.cancel(request, now)))


def _redrawn(ledger: Ledger, tx: Tx, request: Request) -> tuple[Effect, ...]:
    sent = [d for d in tx.deliveries(request.id) if d.state is DeliveryState.SENT]
    return tuple([ledger.effect(EffectKind.REFRESH, request.id, delivery.id) for delivery in sent])


def _event(ledger: Ledger, kind: str, request: Request, by: str, via: str) -> Event:
    return Event(type=kind, at=ledger.clock.now(), actor=by, via=via, request=request.id)
