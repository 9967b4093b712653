"""What a press on a notification comes to. Judged anew: much may have changed since the notification went out."""

from __future__ import annotations

from bot.core.errors import Expired, Forbidden, NotFound, SaysoError, Stale, Unauthorized
from bot.core.model import Person, PushWay, Request
from bot.core.ports import Clock
from bot.core.ports.push import Pushes
from bot.core.token import BadToken
from channels.push.buttons import Buttons, NeedsPage, Press, mark_of
from channels.push.settings import NAME


class SomebodyElses(Forbidden):
    """This notification was for somebody else: open the request and decide for yourself."""

    code = "somebody_elses"


class Acts:
    """Decides what the buttons of notifications say."""

    def __init__(self, pushes: Pushes, buttons: Buttons, clock: Clock) -> None:
        """The house judges; this looks only at what is special about a notification."""
        self._pushes = pushes
        self._buttons = buttons
        self._clock = clock

    async def act(self, token: str, *, person: str | None) -> Request:
        """Decide; the request as it stands then. ``person`` is who is signed in, as the inbox knows.

        Raises a `SaysoError` whose ``detail`` can be said to whoever pressed. The same press again is one decision.
        """
        try:
            press = self._buttons.read(token)
        except BadToken as refusal:
            # Anybody can post anything: what nobody signed in sends, and we never made, would only fill the trail.
            if person is not None:
                await self._record(refusal, None, person)
            raise
        try:
            request = await self._looked_at(press, person)
        except SaysoError as refusal:
            await self._record(refusal, press.request, person or press.person)
            raise
        if _counts(press, request):
            return request
        return await self._pushes.decide(press.ballot)

    async def _looked_at(self, press: Press, person: str | None) -> Request:
        """The request, where this press may decide it as far as a notification goes."""
        if person is None and press.way is PushWay.WEB:
            raise Unauthorized("You are not signed in in this browser: open the request, sign in and decide there.")
        if person not in (None, press.person):
            raise SomebodyElses
        if not _takes(self._pushes.person(press.person), press):
            raise Forbidden("Notifications do not come to you this way any more: open the request and decide there.")
        request, card = await self._pushes.request(press.request), await self._pushes.card(press.request)
        if request is None or card is None:
            raise NotFound
        if _counts(press, request):
            return request
        if any(made.id == press.decision for made in request.decisions):
            # It was taken back, or somebody edited what it was for: whoever presses again must not read that it counts.
            raise Stale(revision=request.revision, digest=request.digest)
        if self._clock.now() >= press.until:
            raise Expired("The request expired before this decision.")
        # What has ended, or changed, is for the house to refuse: it says how it ended, and by whom.
        current = request.state.open and press.revision == request.revision and press.digest == request.digest
        if current and not self._buttons.plain(card, request) and card.buttons:
            raise NeedsPage
        return request

    async def _record(self, refusal: SaysoError, request: str | None, person: str) -> None:
        await self._pushes.refused(request_id=request, actor=f"person:{person}", via=NAME, reason=refusal.code)


def _counts(press: Press, request: Request) -> bool:
    """Whether this very press is a vote that counts as the request stands."""
    return any(made.id == press.decision for made in request.votes)


def _takes(person: Person | None, press: Press) -> bool:
    """Whether somebody still takes them where the button stood; browsers are asked who is signed in instead."""
    if person is None or (person.push and press.way not in person.push):
        return False
    if press.way is not PushWay.NTFY:
        return True
    topic = press.nonce.partition(":")[2]
    return person.ntfy is not None and topic in ("", mark_of(person.ntfy))
