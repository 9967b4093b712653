"""Who is reached through what, what follows a decision, and how much of it anybody gets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.errors import SendFailed
from bot.core.model import Kind, PushWay, State
from bot.core.ports import Letter, Place
from channels.push.services import ServicesWay
from channels.push.settings import Service
from tests.channels.push.house import LOW, Phone, opened, rejection


async def test_a_person_is_reached_by_every_way_of_theirs_at_once(phone: Phone) -> None:
    """Two browsers and a topic: one request, three screens, one delivery."""
    first, second = await phone.browser("ben"), await phone.browser("ben")
    request, delivery = await phone.asked("ben")
    assert request.id in first.shown
    assert request.id in second.shown
    assert ("ben-7gh2", request.id) in phone.ntfy.shown
    assert delivery.handle == {"tag": request.id, "ways": "web ntfy", "revision": 1, "open": 1}


async def test_people_choose_their_ways(phone: Phone) -> None:
    """``push: [web]``: the topic stays silent; a way that does not reach them is no place."""
    await phone.browser("ben")
    phone.house.change("ben", push=(PushWay.WEB,))
    await phone.asked("ben")
    assert phone.ntfy.published == []
    phone.house.change("ben", push=(PushWay.APPRISE,))
    assert phone.channel.place(phone.house.people["ben"]) is None


async def test_a_shared_place_is_the_last_resort() -> None:
    """Whoever has no way of their own is asked where everybody is: once for all of them, with a link and no buttons."""
    async with opened(services=(None, "ben")) as phone:
        people = phone.house.people
        assert phone.channel.place(people["ana"]) == Place("(shared)", None)
        assert phone.channel.place(people["ben"]) == Place("ben", "ben")
        phone.house.change("ana", push=(PushWay.NTFY,))
        assert phone.channel.place(people["ana"]) is None
        request, _ = await phone.asked("lea")
        (taken,) = phone.services.taken
        assert (taken["path"], taken["as"], taken["title"]) == ("/all", "sayso", "billing-assistant asks: refund.issue")
        assert taken["message"].endswith(f"\n\nhttps://sayso.example/requests/{request.id}")


async def test_one_way_is_enough(phone: Phone) -> None:
    """What another way did not take is not tried again: the person knows."""
    await phone.browser("ben")
    phone.ntfy.break_down(503)
    _, delivery = await phone.asked("ben")
    assert (delivery.handle or {})["ways"] == "web"


async def test_several_failures_are_one_that_is_tried_again_where_one_may_pass(phone: Phone) -> None:
    """A refusal for good beside an outage: the outage passes."""
    await phone.browser("ben")
    phone.web.break_down(413)
    phone.ntfy.break_down(429, Retry_After="30")
    with pytest.raises(SendFailed) as failed:
        await phone.asked("ben")
    assert (failed.value.temporary, failed.value.retry_after) == (True, 30.0)
    assert "413" in failed.value.detail
    assert "429" in failed.value.detail


async def test_a_decision_anywhere_takes_it_off_every_screen(phone: Phone) -> None:
    """Closed in the browser, deleted at ntfy, and nothing further is said."""
    browser = await phone.browser("ben")
    request, _ = await phone.asked("ben")
    await phone.house.decide(rejection(phone, request.id))
    await phone.house.settle()
    assert browser.shown == {}
    assert phone.ntfy.shown == {}
    assert [payload["kind"] for payload in browser.history] == ["ask", "close"]
    assert len(phone.ntfy.published) == 1


async def test_an_old_ntfy_server_keeps_the_message_and_nobody_is_bothered() -> None:
    """Before 2.16 nothing could be taken away; the buttons of what stays are refused."""
    async with opened(old=True) as phone:
        phone.house.change("ben", ntfy="ben-7gh2")
        request, _ = await phone.asked("ben")
        await phone.house.decide(rejection(phone, request.id))
        await phone.house.settle()
        held = phone.ntfy.published[0]["actions"][0]["url"].rpartition("/")[2]
        assert "already rejected by ana" in (await phone.press(held, None) or "")
        assert await phone.channel.fault() is None


async def test_a_close_that_failed_is_tried_again(phone: Phone) -> None:
    """A screen that asks for what is over would be pressed."""
    browser = await phone.browser("ana")
    request, delivery = await phone.asked()
    phone.house.channel = None
    await phone.house.decide(rejection(phone, request.id))
    card = phone.house.card_of(phone.house.requests[request.id])
    phone.web.break_down(503)
    with pytest.raises(SendFailed) as failed:
        await phone.channel.update(card, delivery)
    assert failed.value.temporary
    phone.web.mend()
    handle = await phone.channel.update(card, delivery)
    assert browser.shown == {}
    assert (handle or {})["open"] == 0


async def test_a_new_revision_is_asked_in_the_place_of_the_old(phone: Phone) -> None:
    """One notification, of the revision that counts; what did not change is said once."""
    browser = await phone.browser("ana")
    request, delivery = await phone.asked()
    phone.house.revise(request.id, {"order": "1", "amount": 5.0})
    before = browser.shown[request.id]
    handle = await phone.channel.update(phone.house.card_of(phone.house.requests[request.id]), delivery)
    assert len(browser.shown) == 1
    assert browser.shown[request.id]["kind"] == "ask"
    assert before != browser.shown[request.id]
    assert (handle or {})["revision"] == 2


async def test_what_is_over_is_told_as_over(phone: Phone) -> None:
    """A notice of something that has ended (an emergency) asks for nothing."""
    browser = await phone.browser("ana")
    request = phone.house.submit(state=State.APPROVED, kind=Kind.APPROVAL)
    delivery = await phone.house.send(request)
    shown = browser.shown[request.id]
    assert (shown["kind"], shown["title"], shown["body"]) == ("note", "billing-assistant: refund.issue", "Approved")
    assert (delivery.handle or {})["open"] == 0


async def test_a_reminder_keeps_the_buttons(phone: Phone) -> None:
    """It takes the notification's place, so whoever is reminded can decide there and then."""
    browser = await phone.browser("ana")
    request, delivery = await phone.asked()
    await phone.channel.remind(phone.house.card_of(request), delivery, "Still waiting.\nDecide soon.")
    shown = browser.shown[request.id]
    assert shown["kind"] == "note"
    assert shown["body"].startswith("Still waiting.")
    assert [action["action"] for action in shown["actions"]] == ["approve", "reject"]


async def test_several_at_once_are_one_notification_that_goes_with_the_last(phone: Phone) -> None:
    """It says how many and opens the inbox; it stands until nothing of it is left to decide."""
    browser = await phone.browser("ana")
    requests = [phone.house.submit(**LOW) for _ in range(3)]
    await phone.house.send_all(requests)
    (shown,) = browser.shown.values()
    assert (shown["title"], shown["url"], shown["actions"]) == (
        "3 requests wait for you", "https://sayso.example/inbox", [],
    )  # fmt: skip
    for left, request in zip((1, 1, 0), requests, strict=True):
        await phone.house.decide(rejection(phone, request.id))
        await phone.house.settle()
        assert len(browser.shown) == left


async def test_a_flood_is_a_few_notifications_and_one_for_the_rest(phone: Phone) -> None:
    """Forty requests in a minute: five are shown, one stands for the rest; a minute later it begins anew."""
    browser = await phone.browser("ana")
    requests = [(await phone.asked())[0] for _ in range(40)]
    assert len(browser.history) == 6
    assert browser.shown["inbox"]["title"] == "More requests wait for you"
    phone.house.clock.ahead = timedelta(seconds=61)
    later, _ = await phone.asked()
    assert later.id in browser.shown
    for request in (*requests, later):
        await phone.house.decide(rejection(phone, request.id))
        await phone.house.settle()
    assert browser.shown == {}


async def test_p12_a_clock_that_is_set_back_silences_nobody(phone: Phone) -> None:
    """After a flood the clock goes back by an hour: the minute is over, not an hour and a minute away."""
    browser = await phone.browser("ana")
    for _ in range(10):
        await phone.asked()
    phone.house.clock.ahead = timedelta(hours=-1)
    later, _ = await phone.asked()
    assert later.id in browser.shown


async def test_a_failure_takes_no_turn(phone: Phone) -> None:
    """Ten tries in vain, and the eleventh is shown."""
    browser = await phone.browser("ana")
    phone.web.break_down()
    for _ in range(10):
        with pytest.raises(SendFailed):
            await phone.asked()
    phone.web.mend()
    request, _ = await phone.asked()
    assert request.id in browser.shown


async def test_words_say_that_there_are_some_and_where(phone: Phone) -> None:
    """A letter's lines are not for a lock screen; a word of the house is."""
    browser = await phone.browser("ana")
    letter = Letter(
        person="ana", subject="secret one", lines=("secret two",), link="https://sayso.example/x", thread="t"
    )
    await phone.channel.write(letter, "word-1")
    assert "secret" not in str(browser.history)
    assert browser.shown["word-1"]["url"] == "https://sayso.example/x"
    await phone.channel.tell(phone.house.people["ana"], "Push works.", "https://sayso.example/account")
    assert browser.shown["sayso"]["body"] == "Push works."


async def test_by_when_is_said_in_the_readers_own_time(phone: Phone) -> None:
    """Ben sits in Lisbon; who has no zone that we know reads UTC."""
    phone.house.change("ben", timezone="Asia/Tokyo")
    await phone.asked("ben")
    phone.house.change("ben", timezone="Mars/Olympus")
    await phone.asked("ben")
    first, second = (message["message"] for message in phone.ntfy.published)
    assert first.splitlines()[0] == "Approval · reversible"
    assert first.endswith("(Asia/Tokyo)")
    assert second.endswith("(UTC)")


async def test_who_left_is_reached_no_more(phone: Phone) -> None:
    """The request is for others then; it is not tried for ever."""
    request, delivery = await phone.asked("ben")
    del phone.house.people["ben"]
    for act in (
        phone.channel.send(phone.house.card_of(request), delivery),
        phone.channel.remind(phone.house.card_of(request), delivery, "x"),
    ):
        with pytest.raises(SendFailed) as failed:
            await act
        assert not failed.value.temporary


async def test_an_ntfy_token_that_is_refused_is_a_fault(phone: Phone) -> None:
    """It is permanent, and names its variable; the topic, which is a secret, stands nowhere."""
    phone.ntfy.token = "tk_right"
    with pytest.raises(SendFailed) as failed:
        await phone.asked("ben")
    assert not failed.value.temporary
    told = failed.value.detail + (await phone.channel.fault() or "")
    assert "NTFY_TOKEN" in told
    assert "ben-7gh2" not in told


async def test_a_service_of_this_machine_is_never_loaded() -> None:
    """Settings refuse it already; the channel does, too, and says which by its number."""
    async with opened() as phone:
        address = phone.services.address()
    way = ServicesWay((Service(address, "ana"), Service("syslog://hunter2"), Service("nonsense://hunter2")))
    await way.start()
    assert "number 2, 3" in (way.fault() or "")
    assert "hunter2" not in (way.fault() or "")
    assert not way.reaches(None)
    await way.stop()


async def test_a_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be stopped, but nobody waits for it; Apprise may give up first."""
    monkeypatch.setattr("channels.push.services._WITHIN", 0.2)
    async with opened(services=("ana",)) as phone:
        phone.services.stalled = True
        with pytest.raises(SendFailed, match=r"did not (answer|take)") as failed:
            await phone.asked()
        assert failed.value.temporary
