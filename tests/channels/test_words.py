"""How a request ended is said alike, wherever somebody reads it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core.card import ended
from bot.core.model import Kind, State
from bot.web.inbox.record import state_text
from channels.email.letters.parts import what
from channels.slack.words import status_of
from tests.channels.house import House

OVER = [state for state in State if not state.open]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", OVER)
def test_every_channel_calls_an_end_the_same(kind: Kind, state: State) -> None:
    """In Slack, in a letter and in the inbox, where a sign, a tone or "by rule" may stand beside it."""
    house = House()
    request = replace(house.submit(), kind=kind, state=state)
    card = replace(house.card_of(request), kind=kind, state=state)
    said = ended(kind, state)
    assert status_of(card).split(" ", 1)[1] == said
    assert what(card)[0] == said
    assert state_text(request).removesuffix(" by rule") == said


def test_what_is_no_approval_is_never_called_approved_or_rejected() -> None:
    """An answer, a pick and a settled exception have words of their own, and so has declining them."""
    for kind in (kind for kind in Kind if kind is not Kind.APPROVAL):
        words = {ended(kind, state) for state in (State.APPROVED, State.APPROVED_WITH_EDITS, State.REJECTED)}
        assert len(words) == 2
        assert not words & {ended(Kind.APPROVAL, state) for state in OVER}
