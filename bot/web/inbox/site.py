"""What every page is made from."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import SaysoError
from bot.web.inbox.guard import Visitor
from bot.web.inbox.house import House, SendLink
from bot.web.inbox.pages import Pages

VIA = "inbox"
"""The channel's name in decisions and in the audit trail."""


class Site(Struct, frozen=True):
    """The house, the templates, and how a sign-in link reaches a person (None: not by itself)."""

    house: House
    pages: Pages
    send_link: SendLink | None

    def refusal(
        self,
        error: SaysoError,
        visitor: Visitor | None,
        back: str = "/inbox",
        typed: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """A page of its own for what was refused, in plain words. ``typed``: the texts of the form, given back."""
        return self.pages.show(
            "refusal.html", now=self.house.clock.now(), visitor=visitor, status=error.status, error=error, back=back,
            typed=typed,
        )  # fmt: skip

    async def record(self, visitor: Visitor, http: Http, reason: str) -> None:
        """Write down that a signed-in person was refused before the desk was asked."""
        await self.house.desk.refused(
            request_id=http.path_params.get("id"), actor=visitor.actor, via=VIA, reason=reason
        )
