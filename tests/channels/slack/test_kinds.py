"""Questions, choices and exceptions: a button that opens a form, and an answer that decides; in both modes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.model import Kind, Option, State, Verb
from channels.slack.answering import answer_modal
from tests.channels.house import House
from tests.channels.slack.conftest import Office
from tests.channels.slack.hostile import HOSTILE
from tests.fakes.slack import View, buttons, links, mentions, visible_text
from tests.fakes.slack.limits import check_view

OPTIONS = (
    Option("a", "Refund in full", {"order": "10428", "amount": 240.0}),
    Option("b", "Refund <half>", {"order": "10428", "amount": 120.0}),
)
NAMES = [(Kind.QUESTION, "Answer"), (Kind.CHOICE, "Choose"), (Kind.EXCEPTION, "Handled")]


async def form(office: Office, button: str = "approve", callback: str = "answer", **changes: Any) -> View:
    """Send a card, press a button of it as Ana, and return the form that opens."""
    message = await office.card(**changes)
    assert (await office.slack.click("U0ANA", message, button)).ok
    return await office.slack.wait_for_modal("U0ANA", callback)


def element(view: View) -> dict[str, Any]:
    """The input of the form."""
    found: dict[str, Any] = next(b["element"] for b in view.blocks if b.get("block_id") == "answer")
    return found


@pytest.mark.parametrize(("kind", "word"), NAMES)
async def test_each_kind_has_its_own_words(by_http: Office, kind: Kind, word: str) -> None:
    """The first button says what it does, Reject reads Decline, and there is no Edit; the action ids stay."""
    message = await by_http.card(kind=kind, options=OPTIONS)
    shown = buttons(message)
    assert list(shown) == ["approve", "reject", "ask", "escalate", "open"]
    assert (shown["approve"]["text"]["text"], shown["reject"]["text"]["text"]) == (word, "Decline")
    assert str(kind) in visible_text(message).casefold()


async def test_a_question_is_answered_in_text(office: Office) -> None:
    """A press decides nothing; the form repeats what is asked, and the text that is sent stands on the card."""
    view = await form(office, kind=Kind.QUESTION, title="Which account?", reason="Dana has <two>:\n" + "x" * 2_000)
    assert "The agent says (unchecked): Dana has <two>:⏎\n" + "x" * 2_000 in visible_text(view)
    assert office.house.ballots == []
    assert element(view)["type"] == "plain_text_input"
    ack = await office.slack.submit("U0ANA", view, {"answer": "The <second> one"})
    assert ack.ok
    assert not view.is_open
    ballot = office.house.ballots[0]
    assert (ballot.decision, ballot.answer, ballot.fully_shown) == (Verb.APPROVE, "The <second> one", True)
    assert office.house.requests["req_1"].answer == "The <second> one"
    await office.house.settle()
    text = visible_text(office.message(office.house.deliveries[0]))
    assert text.count("The <second> one") == 1
    assert "✔ Answered" in text


async def test_a_question_with_options_is_answered_by_option(by_http: Office) -> None:
    """The option's id is the answer; its title stands on the card."""
    view = await form(by_http, kind=Kind.QUESTION, options=(Option("yes", "Yes, go on"), Option("no", "No")))
    assert [o["value"] for o in element(view)["options"]] == ["yes", "no"]
    assert (await by_http.slack.submit("U0ANA", view, {"answer": "yes"})).ok
    assert by_http.house.requests["req_1"].answer == "yes"
    await by_http.house.settle()
    assert "yes: Yes, go on" in visible_text(by_http.message(by_http.house.deliveries[0]))


async def test_a_choice_shows_what_each_option_would_run_and_runs_the_one_picked(office: Office) -> None:
    """All that an option holds stands in the form; picking it makes the next revision, which is approved."""
    view = await form(office, kind=Kind.CHOICE, options=OPTIONS)
    text = visible_text(view)
    assert all(piece in text for piece in ("Option a", "240.0", "Option b", "120.0", "Refund <half>"))
    assert element(view)["type"] == "radio_buttons"
    assert (await office.slack.submit("U0ANA", view, {"answer": "b"})).ok
    request = office.house.requests["req_1"]
    assert (request.state, request.content.arguments["amount"], request.content.chosen) == (State.APPROVED, 120.0, "b")
    await office.house.settle()
    assert "b: Refund <half>" in visible_text(office.message(office.house.deliveries[0]))


async def test_a_choice_that_was_made_before_is_offered_as_it_stands(by_http: Office) -> None:
    """Where somebody before picked an option, the form begins with it, and confirming it is one press."""
    request = by_http.house.submit(kind=Kind.CHOICE, options=OPTIONS)
    by_http.house.requests["req_1"] = replace(request, content=replace(request.content, chosen="b"))
    message = await by_http.card(by_http.house.requests["req_1"])
    await by_http.slack.click("U0ANA", message, "approve")
    view = await by_http.slack.wait_for_modal("U0ANA", "answer")
    assert element(view)["initial_option"]["value"] == "b"
    assert (await by_http.slack.submit("U0ANA", view)).ok
    assert by_http.house.ballots[0].answer == "b"


async def test_more_options_than_radio_buttons_are_a_menu(by_http: Office) -> None:
    """Slack shows ten of those at most."""
    options = tuple(Option(f"o{n}", f"Option {n}", {"n": n}) for n in range(12))
    view = await form(by_http, kind=Kind.CHOICE, options=options)
    assert element(view)["type"] == "static_select"
    assert (await by_http.slack.submit("U0ANA", view, {"answer": "o11"})).ok
    assert by_http.house.requests["req_1"].content.arguments == {"n": 11}


@pytest.mark.parametrize("said", ["", "Called the customer"])
async def test_an_exception_is_handled_with_or_without_a_word(by_http: Office, said: str) -> None:
    """Nothing need be written; what is goes to the agent."""
    view = await form(by_http, kind=Kind.EXCEPTION)
    assert (await by_http.slack.submit("U0ANA", view, {"answer": said})).ok
    assert by_http.house.ballots[0].answer == (said or None)
    assert by_http.house.requests["req_1"].state is State.APPROVED


async def test_declining_says_so(by_http: Office) -> None:
    """The form and the card call it declining."""
    view = await form(by_http, "reject", "reject", kind=Kind.QUESTION)
    assert (view.spec["title"]["text"], view.spec["submit"]["text"]) == ("Decline", "Decline")
    assert (await by_http.slack.submit("U0ANA", view, {"comment": "not mine to say"})).ok
    await by_http.house.settle()
    assert "✘ Declined" in visible_text(by_http.message(by_http.house.deliveries[0]))


async def test_an_empty_answer_is_said_beside_its_field(by_http: Office) -> None:
    """Spaces are no answer; the form stays."""
    view = await form(by_http, kind=Kind.QUESTION)
    ack = await by_http.slack.submit("U0ANA", view, {"answer": "   "})
    assert ack.errors == {"answer": "Write the answer."}
    assert by_http.house.ballots == []


async def test_an_option_that_there_is_not_is_said_beside_the_field(by_http: Office) -> None:
    """The house refuses an id that a forged form sends."""
    view = await form(by_http, kind=Kind.CHOICE, options=OPTIONS)
    forged = {"text": {"type": "plain_text", "text": "c"}, "value": "c"}
    element(view)["options"].append(forged)
    ack = await by_http.slack.submit("U0ANA", view, {"answer": "c"})
    assert ack.errors == {"answer": "pick one of the options"}
    assert by_http.house.requests["req_1"].state is State.PENDING


async def test_t05_options_that_changed_since_are_not_picked_from(by_http: Office) -> None:
    """A form of the revision before decides nothing, whatever is picked in it."""
    view = await form(by_http, kind=Kind.CHOICE, options=OPTIONS)
    by_http.house.revise("req_1", {"order": "1", "amount": 9_000})
    await by_http.slack.submit("U0ANA", view, {"answer": "b"})
    assert "has changed since you saw it" in visible_text(view)
    assert by_http.house.requests["req_1"].state is State.PENDING


async def test_t08_whoever_is_not_asked_gets_no_form(by_http: Office) -> None:
    """Refused at the press, aloud and recorded."""
    message = await by_http.card(kind=Kind.QUESTION)
    await by_http.slack.click("U0LEA", message, "approve")
    assert "not asked to review" in await by_http.told("U0LEA")
    assert by_http.slack.modals("U0LEA") == []
    assert by_http.house.reasons == ["not_assigned"]


async def test_p10_a_store_that_cannot_write_keeps_the_form(by_http: Office) -> None:
    """What was typed is not lost: it is said beside the field, and can be sent again."""
    view = await form(by_http, kind=Kind.QUESTION)
    by_http.house.broken = Unavailable()
    ack = await by_http.slack.submit("U0ANA", view, {"answer": "yes"})
    assert "nothing was changed" in ack.errors["answer"]
    by_http.house.broken = None
    assert (await by_http.slack.submit("U0ANA", view, {"answer": "yes"})).ok
    assert by_http.house.requests["req_1"].state is State.APPROVED


@pytest.mark.parametrize(
    "options",
    [
        tuple(Option(f"o{n}", "t", {"body": "x" * 2_000}) for n in range(8)),
        (Option("a", "t", {"body": "x" * 4_000}), Option("b", "t")),
        (Option("a" * 200, "t"), Option("b", "t")),
        (Option("a", "one"), Option("a", "the same id")),
    ],
    ids=["all of them", "one of them", "an id", "ids"],
)
def test_t02_a_form_that_cannot_show_every_option_cannot_be_sent(options: tuple[Option, ...]) -> None:
    """It says so and links to the page; there is nothing to pick in it."""
    house = House()
    request = house.submit(kind=Kind.CHOICE, options=options)
    card = house.card_of(request)
    view = check_view(json.loads(json.dumps(answer_modal(card, request, "token"))), "modal")
    assert "submit" not in view
    assert not any(block["type"] == "input" for block in view["blocks"])
    assert "none can be picked here" in visible_text(view)
    assert links(view) == [card.url]


def test_t03_hostile_options_make_no_link_mention_or_block() -> None:
    """500 strings as id, title, argument and title of the request: the form is valid, and holds nothing of theirs."""
    house = House()
    for text in HOSTILE:
        options = (Option(text[:140] or "x", text, {text: text}), Option("b", "plain"))
        for kind in (Kind.CHOICE, Kind.QUESTION):
            request = house.submit(kind=kind, options=options, title=f"Pick {text}", reason=text)
            card = house.card_of(request)
            view = check_view(json.loads(json.dumps(answer_modal(card, request, "token"))), "modal")
            assert set(links(view)) <= {card.url}, text
            assert mentions(view) == [], text
            assert {b["type"] for b in view["blocks"]} <= {"section", "rich_text", "input", "actions"}, text


async def test_lists_say_what_is_no_approval(by_http: Office) -> None:
    """The command and the home tab name the kind."""
    for kind, _ in NAMES:
        by_http.house.submit(kind=kind, options=OPTIONS, action="support.ask")
    by_http.house.submit()
    await by_http.slack.slash("U0ANA", "/sayso")
    await by_http.slack.open_home("U0ANA")
    await by_http.slack.wait_for(lambda: by_http.slack.home("U0ANA"))
    home = by_http.slack.home("U0ANA")
    assert home is not None
    for text in (visible_text(by_http.slack.ephemerals("U0ANA")[-1]), visible_text(home)):
        assert all(f"{word} · support.ask" in text for word in ("Question", "Choice", "Exception"))
        assert "\nrefund.issue · asked by" in text


@pytest.mark.parametrize(
    ("kind", "text"), [(Kind.APPROVAL, "answer: yes"), (Kind.APPROVAL, "handled"), (Kind.QUESTION, "approve")]
)
async def test_t19_words_of_another_kind_decide_nothing(by_http: Office, kind: Kind, text: str) -> None:
    """An answer approves no action, and an approval answers no question; the thread says what to write."""
    message = await by_http.card(kind=kind)
    await by_http.slack.reply_in_thread("U0ANA", message, text)
    await by_http.slack.wait_for(lambda: len(by_http.slack.messages(thread_ts=message.ts)) > 2)
    assert "Nothing was decided" in visible_text(by_http.slack.messages(thread_ts=message.ts)[-1])
    assert by_http.house.ballots == []
