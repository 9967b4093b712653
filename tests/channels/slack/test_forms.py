"""Modals: built from the schema, read back typed, errors beside the field; in both modes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import Unavailable
from bot.core.forms import Field, FieldKind
from bot.core.model import State, Verb
from channels.slack.forms import editable_here
from tests.channels.slack.conftest import Office, opened
from tests.fakes.slack import View, visible_text


async def open_form(office: Office, button: str, user: str = "U0ANA", **changes: Any) -> View:
    """Send a card, press a button on it and return the modal."""
    message = await office.card(**changes)
    assert (await office.slack.click(user, message, button)).ok
    return await office.slack.wait_for_modal(user, button)


def inputs(view: View) -> dict[str, dict[str, Any]]:
    """The modal's elements by block."""
    return {block["block_id"]: block["element"] for block in view.blocks if block["type"] == "input"}


async def test_the_edit_form_has_one_typed_input_per_argument(office: Office) -> None:
    """Numbers are numbers with their bounds, choices are choices, what is there is filled in."""
    view = await open_form(office, "edit")
    found = inputs(view)
    assert list(found) == ["arg:order", "arg:amount", "arg:currency", "comment"]
    assert all(element["action_id"] == "value" for element in found.values())
    amount = found["arg:amount"]
    assert (amount["type"], amount["initial_value"], amount["min_value"]) == ("number_input", "240.0", "0")
    currency = found["arg:currency"]
    assert (currency["type"], currency["initial_option"]["value"]) == ("static_select", "0")
    assert [option["text"]["text"] for option in currency["options"]] == ["USD", "EUR", "(empty)"]


async def test_an_edit_decides_with_the_arguments_whole(office: Office) -> None:
    """What was changed is changed, typed; what was not is as it was to the bit; the card shows the difference."""
    view = await open_form(office, "edit")
    values = {"arg:amount": "100", "arg:currency": "1", "comment": "half of it"}
    ack = await office.slack.submit("U0ANA", view, values)
    assert ack.ok
    assert not view.is_open
    assert office.house.ballots[0].arguments == {"order": "10428", "amount": 100, "currency": "EUR"}
    request = office.house.requests["req_1"]
    assert request.state is State.APPROVED_WITH_EDITS
    await office.house.settle()
    text = visible_text(office.message(office.house.deliveries[0]))
    assert "/amount: 240.0 → 100" in text
    assert '/currency: "USD" → "EUR"' in text
    assert "half of it" in text


async def test_the_houses_own_faults_stand_beside_the_field(office: Office) -> None:
    """A value that the house refuses is said at its input, and the form stays for another try."""
    view = await open_form(office, "edit", arguments={"order": "1", "amount": {"not": "a number"}})
    ack = await office.slack.submit("U0ANA", view, {"arg:amount": "-5"})
    assert ack.errors == {"arg:amount": "amount must be at least 0"}
    assert view.is_open
    assert (await office.slack.submit("U0ANA", view, {"arg:amount": "5"})).ok
    assert office.house.requests["req_1"].state is State.APPROVED_WITH_EDITS


async def test_what_cannot_be_read_stands_beside_its_field(office: Office) -> None:
    """JSON that is none, and emoji that came back as their names, are refused by their own fields."""
    view = await open_form(office, "edit", arguments={"order": "1", "amount": 5, "note": "Hi 🎉 :ok:", "tags": ["a"]})
    ack = await office.slack.submit("U0ANA", view, {"arg:tags": "[oops", "arg:note": "Hi :tada: :ok:"})
    assert list(ack.errors) == ["arg:tags", "arg:note"]
    assert "must be JSON" in ack.errors["arg:tags"]
    assert "names in the place of emoji" in ack.errors["arg:note"]
    assert office.house.ballots == []
    assert (await office.slack.submit("U0ANA", view, {"arg:tags": '["b"]', "arg:note": "Bye 🎉 :ok: 10:30:45"})).ok
    assert office.house.requests["req_1"].content.arguments["note"] == "Bye 🎉 :ok: 10:30:45"


async def test_a_form_without_a_change_is_no_edit(office: Office) -> None:
    """Pressing the button without changing anything is asked about, not guessed at."""
    view = await open_form(office, "edit")
    ack = await office.slack.submit("U0ANA", view, {"arg:order": "10428 "})
    assert list(ack.errors) == ["comment"]
    assert "Nothing is changed" in ack.errors["comment"]
    assert office.house.ballots == []


async def test_booleans_and_emptied_fields(by_http: Office) -> None:
    """A boolean comes back as one; an optional number that is emptied is taken away."""
    by_http.house.schema = {"properties": {"notify": {"type": "boolean"}, "days": {"type": "integer"}}}
    view = await open_form(by_http, "edit", arguments={"notify": False, "days": 3})
    assert inputs(view)["arg:days"]["is_decimal_allowed"] is False
    ack = await by_http.slack.submit("U0ANA", view, {"arg:notify": "true", "arg:days": ""})
    assert ack.ok
    assert by_http.house.ballots[0].arguments == {"notify": True}


async def test_a_required_field_that_is_emptied_is_said_beside_it(by_http: Office) -> None:
    """A client that lets it through does not get past us."""
    by_http.house.schema = {"required": ["tags"], "properties": {"tags": {"type": "array"}}}
    view = await open_form(by_http, "edit", arguments={"tags": [1]})
    ack = await by_http.slack.submit("U0ANA", view, {"arg:tags": "   "})
    assert ack.errors == {"arg:tags": "tags must be filled in"}


async def test_numbers_that_slack_does_not_know_are_typed_as_text(by_http: Office) -> None:
    """1e+300 and values outside their own bounds open a form all the same."""
    by_http.house.schema = {"properties": {"x": {"type": "number"}, "y": {"type": "number", "maximum": 5}}}
    view = await open_form(by_http, "edit", arguments={"x": 1e300, "y": 9.5})
    assert inputs(view)["arg:x"]["type"] == "plain_text_input"
    assert "max_value" not in inputs(view)["arg:y"]
    assert (await by_http.slack.submit("U0ANA", view, {"arg:y": "4"})).ok
    assert by_http.house.ballots[0].arguments == {"x": 1e300, "y": 4}


async def test_many_choices_are_typed(by_http: Office) -> None:
    """More choices than a menu holds become text, checked against the list."""
    by_http.house.schema = {"properties": {"seat": {"enum": [f"s{n}" for n in range(150)]}}}
    view = await open_form(by_http, "edit", arguments={"seat": "s1"})
    ack = await by_http.slack.submit("U0ANA", view, {"arg:seat": "s999"})
    assert "must be one of" in ack.errors["arg:seat"]
    assert (await by_http.slack.submit("U0ANA", view, {"arg:seat": "s149"})).ok
    assert by_http.house.ballots[0].arguments == {"seat": "s149"}


async def test_choices_that_changed_meanwhile_are_not_taken_by_their_place(by_http: Office) -> None:
    """An option carries its place in the list; a list that was reloaded since must not give it another meaning."""
    view = await open_form(by_http, "edit")
    by_http.house.schema = {"properties": {"currency": {"enum": ["USD", "JPY", "EUR"]}}}
    ack = await by_http.slack.submit("U0ANA", view, {"arg:currency": "1"})
    assert "have changed" in ack.errors["arg:currency"]
    assert by_http.house.ballots == []


async def test_choices_that_python_takes_for_equal_stay_apart(by_http: Office) -> None:
    """1, 1.0 and true are three values of JSON; what is picked is what runs."""
    by_http.house.schema = {"properties": {"flag": {"enum": [True, 1, "1"]}}}
    view = await open_form(by_http, "edit", arguments={"flag": 1})
    assert inputs(view)["arg:flag"]["initial_option"]["value"] == "1"
    assert (await by_http.slack.submit("U0ANA", view, {"arg:flag": "2"})).ok
    assert by_http.house.ballots[0].arguments == {"flag": "1"}


NOT_CARRIED = ["in\u200bvisible", "tab\tin it", "esc\x1b[0m"]


@pytest.mark.parametrize("value", NOT_CARRIED)
async def test_what_slack_would_not_carry_is_not_offered(by_http: Office, value: str) -> None:
    """Such a value keeps its place unchanged while another argument is edited, and the form says so."""
    by_http.house.schema = None
    view = await open_form(by_http, "edit", arguments={"body": value, "to": "a"})
    assert list(inputs(view)) == ["arg:to", "comment"]
    assert "Not editable here" in visible_text(view)
    assert (await by_http.slack.submit("U0ANA", view, {"arg:to": "b"})).ok
    assert by_http.house.ballots[0].arguments == {"body": value, "to": "b"}


@pytest.mark.parametrize(("value", "fits"), [("x" * 3_000, True), ("x" * 3_001, False), ("&" * 601, False)])
def test_a_value_is_editable_where_slack_would_carry_it(value: str, fits: bool) -> None:  # noqa: FBT001  # pytest's
    """3,000 characters at most, escapes counted."""
    assert editable_here(Field(name="a", label="a", kind=FieldKind.LONG_TEXT, value=value)) is fits


@pytest.mark.parametrize(
    ("arguments", "properties"),
    [
        ({"a": 1}, {"x" * 252: {}}),
        ({"a": 1}, {f"p{n}": {} for n in range(95)}),
        ({"only": "in\u200bvisible"}, {}),
    ],
    ids=["name too long", "too many", "nothing editable"],
)
async def test_more_than_a_form_holds_is_said_with_the_way_on(
    by_http: Office, arguments: dict[str, Any], properties: dict[str, Any]
) -> None:
    """Where Slack cannot hold the form, the person is told to use the page."""
    by_http.house.schema = {"properties": properties}
    message = await by_http.card(arguments=arguments)
    await by_http.slack.click("U0ANA", message, "edit")
    assert "open the full request" in await by_http.told("U0ANA")
    assert by_http.slack.modals("U0ANA") == []


async def test_reject_takes_a_reason_and_a_category(office: Office) -> None:
    """Both reach the house, and stand on the card."""
    view = await open_form(office, "reject")
    assert list(inputs(view)) == ["category", "comment"]
    ack = await office.slack.submit("U0ANA", view, {"category": "wrong_amount", "comment": "paid already"})
    assert ack.ok
    ballot = office.house.ballots[0]
    assert (ballot.decision, ballot.category, ballot.comment) == (Verb.REJECT, "wrong_amount", "paid already")
    await office.house.settle()
    text = visible_text(office.message(office.house.deliveries[0]))
    assert "*Rejected by Ana Silva*" in text
    assert "wrong amount" in text
    assert "paid already" in text


async def test_reject_without_a_word(by_http: Office) -> None:
    """A rejection needs no reason."""
    view = await open_form(by_http, "reject")
    assert (await by_http.slack.submit("U0ANA", view)).ok
    assert by_http.house.requests["req_1"].state is State.REJECTED


async def test_ask_needs_a_question(office: Office) -> None:
    """Blank is not one; then the request waits for the agent."""
    view = await open_form(office, "ask")
    ack = await office.slack.submit("U0ANA", view, {"comment": "  "})
    assert list(ack.errors) == ["comment"]
    assert (await office.slack.submit("U0ANA", view, {"comment": "Which charge?"})).ok
    assert office.house.requests["req_1"].state is State.NEEDS_INFO
    await office.house.settle()
    assert "Waits for the agent" in visible_text(office.message(office.house.deliveries[0]))


async def test_a_submission_after_somebody_else_decided_shows_who(office: Office) -> None:
    """The form gives way to the refusal; nothing else changes."""
    view = await open_form(office, "reject")
    await office.slack.click("U0BEN", office.message(office.house.deliveries[0]), "approve")
    ack = await office.slack.submit("U0ANA", view, {"comment": "no"})
    assert ack.response_action == "update"
    assert "already approved by ben" in visible_text(view)
    assert office.house.reasons == ["already_decided"]


async def test_a_form_of_an_older_revision_is_not_laid_over_the_new_one(by_http: Office) -> None:
    """The agent revised while the person typed: refused, recorded, nothing applied."""
    view = await open_form(by_http, "edit")
    by_http.house.revise("req_1", {"order": "1", "amount": 5_000})
    ack = await by_http.slack.submit("U0ANA", view, {"arg:amount": "10"})
    assert ack.response_action == "update"
    assert "has changed since you saw it" in visible_text(view)
    assert by_http.house.reasons == ["stale"]


async def test_t08_a_form_submitted_by_somebody_barred_since(by_http: Office) -> None:
    """A person is judged again at the submission, not only when the form was opened."""
    view = await open_form(by_http, "reject")
    del by_http.house.people["ana"]
    ack = await by_http.slack.submit("U0ANA", view)
    assert ack.response_action == "update"
    assert "does not know you" in visible_text(view)
    assert by_http.house.reasons == ["unknown_person"]


@pytest.mark.parametrize("metadata", ["", "forged", "card"])
async def test_a_form_that_we_did_not_sign_decides_nothing(by_http: Office, metadata: str) -> None:
    """Neither garbage nor a card's own token, which was signed for another purpose, opens anything."""
    view = await open_form(by_http, "reject")
    token = by_http.message(by_http.house.deliveries[0]).blocks[-1]["elements"][0]["value"]
    view.spec["private_metadata"] = token if metadata == "card" else metadata
    ack = await by_http.slack.submit("U0ANA", view)
    assert ack.response_action == "update"
    assert by_http.house.ballots == []
    assert by_http.house.reasons == ["bad_token"]


async def test_p09_a_submission_that_takes_too_long_says_so_and_then_what_came_of_it(by_http: Office) -> None:
    """The form stays with an error; the refusal that comes at last is told in the channel."""
    view = await open_form(by_http, "reject")
    await by_http.slack.click("U0BEN", by_http.message(by_http.house.deliveries[0]), "approve")
    by_http.house.slow = 2.8
    ack = await by_http.slack.submit("U0ANA", view)
    assert "not decided yet" in ack.errors["comment"]
    assert "already approved by ben" in await by_http.told("U0ANA")


async def test_p10_a_store_that_cannot_write_keeps_the_form(by_http: Office) -> None:
    """What was typed is not lost: the same form can be sent again."""
    view = await open_form(by_http, "reject")
    by_http.house.broken = Unavailable()
    ack = await by_http.slack.submit("U0ANA", view, {"comment": "no"})
    assert "cannot be written" in ack.errors["comment"]
    by_http.house.broken = None
    assert (await by_http.slack.submit("U0ANA", view, {"comment": "no"})).ok


async def test_a_form_that_slack_opens_too_late_is_said(by_http: Office) -> None:
    """An expired trigger opens nothing; the person is told to press again."""
    message = await by_http.card()
    by_http.slack.faults.refuse("views.open", "expired_trigger_id")
    await by_http.slack.click("U0ANA", message, "reject")
    assert "press again" in await by_http.told("U0ANA")


async def test_a_defect_of_ours_never_closes_a_form_as_if_it_had_worked() -> None:
    """An error that nobody foresaw stands in the form's place."""
    async with opened("http") as office:
        view = await open_form(office, "reject")
        office.house.broken = RuntimeError("a bug")
        ack = await office.slack.submit("U0ANA", view)
        assert ack.response_action == "update"
        assert "Something went wrong" in visible_text(view)
