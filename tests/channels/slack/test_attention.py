"""An approval that has to say why, and practices that are announced, in Slack."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Request, Risk, State
from tests.channels.slack.conftest import Office
from tests.channels.slack.test_replies import answer
from tests.fakes.slack import visible_text


def explained(office: Office, **changes: object) -> Request:
    """A request whose approval has to say why."""
    request = office.house.submit(**changes)  # type: ignore[arg-type]  # as `submit` takes them
    kept = replace(request, route=replace(request.route, needs_reason=True))
    office.house.requests[request.id] = kept
    return kept


async def test_approve_asks_for_the_reason_first(office: Office) -> None:
    """The button opens a small form, nothing is decided by it alone, and what was typed goes with the approval."""
    message = await office.card(explained(office))
    assert (await office.slack.click("U0ANA", message, "approve")).ok
    view = await office.slack.wait_for_modal("U0ANA", "approve")
    assert office.house.ballots == []
    blocks = {block.get("block_id"): block for block in view.blocks}
    assert blocks["comment"].get("optional", False) is False
    assert (await office.slack.submit("U0ANA", view, {"comment": "the ticket shows it"})).ok
    assert office.house.requests["req_1"].state is State.APPROVED
    assert office.house.ballots[0].comment == "the ticket shows it"


async def test_in_a_thread_the_reason_stands_behind_the_word(by_http: Office) -> None:
    """Where one is asked for, as in an edit's form; elsewhere the same line may be a condition, and is no command."""
    message = await by_http.card(explained(by_http, risk=Risk.REVERSIBLE))
    await by_http.slack.click("U0ANA", message, "edit")
    edit = await by_http.slack.wait_for_modal("U0ANA", "edit")
    (comment,) = [block for block in edit.blocks if block.get("block_id") == "comment"]
    assert (comment.get("optional", False), comment["label"]["text"]) == (False, "Why do you approve it?")
    await by_http.slack.reply_in_thread("U0ANA", message, "approve: the ticket shows it")
    assert "Understood, Ana Silva: approved." in await answer(by_http, message)
    assert by_http.house.requests["req_1"].decisions[-1].comment == "the ticket shows it"
    plain = by_http.house.submit()
    other = await by_http.card(plain)
    await by_http.slack.reply_in_thread("U0ANA", other, "approve: if Ben agrees")
    assert "Not understood" in await answer(by_http, other)
    assert by_http.house.requests[plain.id].state is State.PENDING


async def test_the_home_tab_says_that_there_are_practices(by_http: Office) -> None:
    """In the words in which the team was told."""
    by_http.house.practises = "Told at the <meeting> of 2 March."
    await by_http.slack.open_home("U0ANA")
    await by_http.slack.wait_for(lambda: by_http.slack.home("U0ANA"))
    home = by_http.slack.home("U0ANA")
    assert home is not None
    assert "This team practises" in visible_text(home)
    assert "Told at the <meeting> of 2 March." in visible_text(home)
