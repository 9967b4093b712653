"""What goes out over time: one thread a request, each change told once, outcomes as wished, many in one letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import Delivery, ExecutionState, Person, Request, Risk, State, Verb
from bot.core.ports import Ballot, Letter, Unreachable
from tests.channels.email.post import Post, opened
from tests.fakes.email import Stage

ANA = Person(id="ana", name="Ana Silva", email="ana@corp.example")


async def sent(post: Post, **changes: Any) -> Delivery:
    """A request's letter to Ana."""
    return await post.house.send(post.house.submit(**{"risk": Risk.REVERSIBLE, **changes}))


async def update(post: Post, delivery: Delivery) -> Delivery:
    """Bring it up to date, as the courier does; the delivery with its new handle."""
    handle = await post.channel.update(post.house.card_of(post.house.requests[delivery.request]), delivery)
    return replace(delivery, handle=handle or delivery.handle)


async def decide(post: Post, delivery: Delivery, by: str, verb: Verb = Verb.APPROVE, **more: Any) -> Request:
    """Somebody decides, wherever."""
    request = post.house.requests[delivery.request]
    shown: dict[str, Any] = {"revision": request.revision, "digest": request.digest, "channel": "inbox"}
    channel, post.house.channel = post.house.channel, None
    after = await post.house.decide(Ballot(request=request.id, decision=verb, by=by, **shown, **more))
    post.house.channel = channel
    return after


async def test_p08_the_same_letter_sent_again_is_the_same_letter(post: Post) -> None:
    """After a crash between sending and recording, a repeat has the Message-ID and the reply address of the first."""
    request = post.house.submit()
    delivery = await post.house.send(request)
    await post.channel.send(post.house.card_of(request), replace(delivery, handle=None))
    first, second = post.letters_to(delivery)
    for name in ("Message-ID", "Reply-To", "Subject"):
        assert first.parsed[name] == second.parsed[name]
    assert len(post.house.keys) == 1


async def test_a_letters_key_is_kept_before_the_letter_is_sent(post: Post) -> None:
    """A letter that may have gone out can be answered, whatever became of the conversation about it."""
    post.smtp.cut(Stage.CONTENT)
    with pytest.raises(SendFailed) as failed:
        await post.house.send(post.house.submit())
    assert failed.value.temporary
    (key,) = post.house.keys.values()
    assert key.person == "ana"


async def test_two_recipients_have_an_address_each(post: Post) -> None:
    """No token stands in a letter to somebody else."""
    request = post.house.submit()
    ana, ben = await post.house.send(request, "ana"), await post.house.send(request, "ben")
    tokens = {str(post.letters_to(d)[0].parsed["Reply-To"]) for d in (ana, ben)}
    assert len(tokens) == 2
    links = {line for d in (ana, ben) for line in post.text(post.letters_to(d)[0]).split() if "?to=" in line}
    assert len(links) == 2


async def test_a_new_revision_is_a_letter_with_an_address_of_its_own(post: Post) -> None:
    """In the same thread, and what is answered to it is about what it shows."""
    delivery = await sent(post)
    post.house.revise(delivery.request, {"order": "1", "amount": 7.0, "currency": "EUR"})
    delivery = await update(post, delivery)
    first, second = post.letters_to(delivery)
    assert "7.0" in post.text(second)
    assert first.parsed["Reply-To"] != second.parsed["Reply-To"]
    assert second.parsed["In-Reply-To"] == first.parsed["Message-ID"]
    assert second.parsed["Subject"] == f"Re: {first.parsed['Subject']}"
    assert "made this change yourself" not in post.text(second)
    await post.answer(delivery, "approve")
    assert post.house.ballots[-1].revision == 2
    assert post.house.requests[delivery.request].state is State.APPROVED


async def test_each_change_is_told_once(post: Post) -> None:
    """Brought up to date again and again, nothing new is nothing to say."""
    delivery = await sent(post)
    await decide(post, delivery, "ben")
    for _ in range(3):
        delivery = await update(post, delivery)
    post.house.execute(delivery.request, ExecutionState.EXECUTING)
    delivery = await update(post, delivery)
    post.house.execute(delivery.request, ExecutionState.EXECUTED, result={"refund": "R-1"})
    for _ in range(3):
        delivery = await update(post, delivery)
    _, decided, ran = post.letters_to(delivery)
    assert "Approved by Ben <Okri>" in post.text(decided)
    assert "R-1" in post.text(ran)


async def test_letters_of_one_second_are_letters_of_their_own(post: Post) -> None:
    """A mail server keeps one of two with one Message-ID: an outcome right behind a reminder must not be lost."""
    delivery = await sent(post)
    await post.channel.remind(post.house.card_of(post.house.requests[delivery.request]), delivery, "Still waiting.")
    await decide(post, delivery, "ben")
    delivery = await update(post, delivery)
    post.house.execute(delivery.request, ExecutionState.EXECUTED)
    await update(post, delivery)
    ids = [str(mail.parsed["Message-ID"]) for mail in post.letters_to(delivery)]
    assert len(set(ids)) == len(ids) == 4


async def test_p08_a_reminder_sent_again_is_the_same_letter(post: Post) -> None:
    """It may have gone out before the line was cut; the next reminder is another."""
    delivery = await sent(post)
    card = post.house.card_of(post.house.requests[delivery.request])
    post.smtp.cut(Stage.CONTENT, times=1)
    with pytest.raises(SendFailed):
        await post.channel.remind(card, delivery, "Still waiting.")
    for seconds in (90, 180):
        post.house.clock.ahead = timedelta(seconds=seconds)
        await post.channel.remind(card, delivery, "Still waiting.")
    ids = [str(mail.parsed["Message-ID"]) for mail in post.letters_to(delivery)[1:]]
    assert (ids[0], len(set(ids))) == (ids[1], 2)


async def test_p08_an_outcome_sent_again_is_the_same_letter(post: Post) -> None:
    """However much later: the bot died before it could say that it was sent."""
    delivery = await sent(post)
    await decide(post, delivery, "ben")
    await update(post, delivery)
    post.house.clock.ahead = timedelta(seconds=90)
    await update(post, delivery)
    _, first, second = post.letters_to(delivery)
    assert first.parsed["Message-ID"] == second.parsed["Message-ID"]


async def test_a_digest_that_tells_of_the_run_is_another_than_that_of_the_decision(post: Post) -> None:
    """Each has a name of its own, or a mail server would take the second for a repeat."""
    delivery = await sent(post)
    await decide(post, delivery, "ben")
    post.smtp.mails.clear()
    (handle,) = await post.channel.digest([], [(post.house.card_of(post.house.requests[delivery.request]), delivery)])
    post.house.execute(delivery.request, ExecutionState.UNKNOWN)
    told = replace(delivery, handle=handle)
    await post.channel.digest([], [(post.house.card_of(post.house.requests[delivery.request]), told)])
    first, second = post.smtp.mails
    assert first.parsed["Message-ID"] != second.parsed["Message-ID"]


async def test_whoever_decided_is_told_of_the_run_alone(post: Post) -> None:
    """Her own decision is no news to her; that it failed is."""
    delivery = await sent(post)
    await decide(post, delivery, "ana")
    delivery = await update(post, delivery)
    assert len(post.letters_to(delivery)) == 1
    post.house.execute(delivery.request, ExecutionState.FAILED, error="no such order")
    delivery = await update(post, delivery)
    assert "no such order" in post.text(post.letters_to(delivery)[1])


async def test_an_escalation_is_told_to_those_asked_before(post: Post) -> None:
    """In their thread, with who is asked now."""
    delivery = await sent(post)
    await decide(post, delivery, "ben", Verb.ESCALATE)
    delivery = await update(post, delivery)
    assert "Lea" in post.text(post.letters_to(delivery)[1])
    assert len(post.letters_to(await update(post, delivery))) == 2


async def test_outcomes_can_be_left_out() -> None:
    """`outcomes: off`: what others decided is in the inbox alone."""
    async with opened(section={"outcomes": "off"}) as post:
        delivery = await sent(post)
        await decide(post, delivery, "ben")
        post.house.execute(delivery.request, ExecutionState.EXECUTED)
        await update(post, delivery)
        assert len(post.letters_to(delivery)) == 1


async def test_what_is_gathered_is_told_by_the_file_as_it_is_now() -> None:
    """A step's word comes before a person's; outcomes wait only where `outcomes: digest` says so."""
    hour = timedelta(hours=1)
    section: dict[str, Any] = {}
    async with opened(section=section) as post:
        gathers = post.channel.gathers
        assert gathers(ANA, None, ended=False) is None
        assert gathers(replace(ANA, digest=hour), None, ended=False) == hour
        assert gathers(replace(ANA, digest=hour), timedelta(minutes=5), ended=False) == timedelta(minutes=5)
        assert gathers(replace(ANA, digest=hour), None, ended=True) is None
        section["outcomes"] = "digest"
        assert gathers(replace(ANA, digest=2 * hour), None, ended=True) == 2 * hour
        assert gathers(ANA, None, ended=True) == hour


async def test_p08_an_unreachable_address_is_left_alone(post: Post) -> None:
    """Nothing is sent there, and the failure is permanent, so that the chain moves on."""
    at = post.house.clock.now()
    post.house.lost["email", "ana@corp.example"] = Unreachable(
        channel="email", to="ana@corp.example", error="550 no such user", at=at
    )
    with pytest.raises(SendFailed) as failed:
        await post.house.send(post.house.submit())
    assert not failed.value.temporary
    assert failed.value.unreachable
    assert "550 no such user" in failed.value.detail
    assert not post.smtp.mails


async def test_p08_an_address_that_no_header_can_hold_fails_for_good(post: Post) -> None:
    """routing.yaml may name one; the chain moves on at once, not after an hour of tries."""
    post.house.people["ana"] = replace(ANA, email="jörg@corp.example")
    with pytest.raises(SendFailed, match="cannot be written to") as failed:
        await post.house.send(post.house.submit())
    assert (failed.value.temporary, failed.value.unreachable) == (False, True)


async def test_an_old_address_reads_nothing_more(post: Post) -> None:
    """Somebody's address was changed in routing.yaml: no later letter of the thread goes to the old one."""
    delivery = await sent(post)
    post.house.people["ana"] = replace(post.house.people["ana"], email="ana@new.example")
    post.house.revise(delivery.request, {"order": "1", "amount": 7.0, "currency": "EUR"})
    with pytest.raises(SendFailed) as failed:
        await update(post, delivery)
    assert not failed.value.temporary
    assert not failed.value.unreachable
    assert len(post.letters_to(delivery)) == 1


async def test_a_person_who_left_gets_no_letter(post: Post) -> None:
    """Out of routing.yaml is out of reach."""
    delivery = await sent(post)
    del post.house.people["ana"]
    with pytest.raises(SendFailed) as failed:
        await post.channel.write(
            Letter(person="ana", subject="x", lines=("y",), link="https://sayso.example", thread="dlv_1.r1"), "eff_1"
        )
    assert not failed.value.temporary
    assert len(post.letters_to(delivery)) == 1


async def test_a_sign_in_link_goes_to_the_registered_address(post: Post) -> None:
    """With the link as its only link, and no way to answer."""
    await post.channel.tell(ANA, "Sign in, once:", "https://sayso.example/sign-in/secret")
    (mail,) = post.smtp.mails
    assert mail.recipients == ("ana@corp.example",)
    assert mail.parsed["Reply-To"] is None
    assert "https://sayso.example/sign-in/secret" in post.text(mail)


async def test_a_server_that_is_down_is_a_fault_in_a_line(post: Post) -> None:
    """Which `/readyz` and `sayso up` show."""
    assert await post.channel.fault() is None
    await post.smtp.stop()
    with pytest.raises(SendFailed):
        await post.house.send(post.house.submit())
    fault = str(await post.channel.fault())
    assert "smtp://" in fault
    assert fault.endswith("(see SMTP_URL)")
