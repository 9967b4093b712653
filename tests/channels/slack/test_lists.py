"""The command and the home tab: one's queue."""

from __future__ import annotations

from tests.channels.slack.conftest import Office, opened
from tests.fakes.slack import buttons, links, visible_text


async def test_the_command_lists_what_waits_for_its_author_alone(office: Office) -> None:
    """Ten of twelve with their links, the count, and nobody else sees it."""
    for number in range(12):
        office.house.submit(title=f"Refund {number} <!channel> https://evil.example")
    ack = await office.slack.slash("U0ANA", "/sayso")
    assert ack.ok
    answer = office.slack.ephemerals("U0ANA")[-1]
    text = visible_text(answer)
    assert "12 requests wait for you" in text
    assert "and 2 more" in text
    pages = [block["accessory"]["url"] for block in answer.blocks if "accessory" in block]
    assert pages == [f"https://sayso.example/requests/req_{n}" for n in range(1, 11)]
    assert set(links(answer)) <= set(pages)
    assert "Refund 0" in text


async def test_the_command_with_an_empty_queue(by_http: Office) -> None:
    """Nothing waits, and that is said."""
    await by_http.slack.slash("U0ANA", "/sayso")
    assert "Nothing waits for you" in visible_text(by_http.slack.ephemerals("U0ANA")[-1])


async def test_t08_the_command_of_a_stranger(by_http: Office) -> None:
    """Whoever the house does not know learns nothing but how to be known; it is recorded."""
    by_http.house.submit()
    await by_http.slack.slash("U0NOBODY", "/sayso")
    text = visible_text(by_http.slack.ephemerals("U0NOBODY")[-1])
    assert "U0NOBODY" in text
    assert "Refund" not in text
    assert by_http.house.reasons == ["unknown_person"]


async def test_the_command_when_the_look_up_hangs(by_http: Office) -> None:
    """A slow Slack makes a refusal, in time, rather than an error of Slack's own."""
    by_http.slack.faults.hang("users.info", 5.0, times=None)
    ack = await by_http.slack.slash("U0ANA", "/sayso")
    assert ack.ok
    assert "could not be asked who you are" in visible_text(by_http.slack.ephemerals("U0ANA")[-1])


async def test_the_home_tab_is_the_queue(office: Office) -> None:
    """It is published when it is opened, and anew after one's own decision."""
    message = await office.card(title="Refund <b>")
    await office.slack.open_home("U0ANA")
    await office.slack.wait_for(lambda: office.slack.home("U0ANA"))
    home = office.slack.home("U0ANA")
    assert home is not None
    assert "1 request waits for you" in visible_text(home)
    assert "Refund <b>" in visible_text(home)
    assert buttons(home)["open"]["url"] == "https://sayso.example/requests/req_1"
    await office.slack.click("U0ANA", message, "approve")
    await office.slack.wait_for(lambda: "Nothing waits" in visible_text(home))


async def test_a_home_tab_holds_what_slack_takes(by_http: Office) -> None:
    """Of a hundred requests the soonest are shown and the rest are counted, within 100 blocks."""
    for _ in range(100):
        by_http.house.submit(escalation_level=1, title="x" * 400)
    await by_http.slack.open_home("U0ANA")
    await by_http.slack.wait_for(lambda: by_http.slack.home("U0ANA"))
    home = by_http.slack.home("U0ANA")
    assert home is not None
    assert "and 55 more" in visible_text(home)
    assert "escalated" in visible_text(home)


async def test_the_home_tab_of_a_stranger_says_how_to_be_known() -> None:
    """It shows nothing of anybody's queue."""
    async with opened("socket") as office:
        office.house.submit()
        await office.slack.open_home("U0NOBODY")
        await office.slack.wait_for(lambda: office.slack.home("U0NOBODY"))
        home = office.slack.home("U0NOBODY")
        assert home is not None
        assert "does not know you" in visible_text(home)


async def test_a_home_tab_that_slack_refuses_is_only_logged(by_http: Office) -> None:
    """The next opening repairs it."""
    by_http.slack.faults.refuse("views.publish", "internal_error", times=3)
    assert (await by_http.slack.open_home("U0ANA")).ok
    await by_http.slack.wait_for(lambda: by_http.slack.calls_of("views.publish"))
    assert by_http.slack.home("U0ANA") is None
