"""What people do in Slack: press, type, submit, look; each reaches the app the way Slack would carry it.

Drivers return the app's `Ack`. They raise PersonCannotError where the real client offers no such thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.slack import payloads
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.errors import Json, SlackError, person_cannot
from tests.fakes.slack.forms import element_state, filled_state
from tests.fakes.slack.limits import check_view, elements_of
from tests.fakes.slack.methods_chat import answer_to_command
from tests.fakes.slack.methods_views import push_view, replace_view
from tests.fakes.slack.workspace import Message, User, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.slack.state import Ack
    from tests.fakes.slack.workspace import Conversation

TROUBLE = "trouble_connecting"
"""The modal shows "We had some trouble connecting. Try again?"."""


def _element(blocks: list[Json], action_id: str, block_id: str) -> tuple[Json, Json]:
    """Return the block and element with this `action_id`; it must be the only one unless `block_id` says which."""
    found = [
        (block, element)
        for block in blocks
        if block_id in {"", block["block_id"]}
        for element in elements_of(block)
        if element.get("action_id") == action_id
    ]
    if len(found) != 1:
        person_cannot(f"{len(found)} elements with the action_id {action_id!r}; give block_id if there are several")
    return found[0]


class People(Deliveries):
    """The drivers."""

    async def click(
        self,
        user: str,
        target: Message | View,
        action_id: str,
        *,
        block_id: str = "",
        choose: object = ...,
        as_seen: Json | None = None,
        values: Mapping[str, object] | None = None,
    ) -> Ack:
        """Press a button (or choose in a menu) of a message, modal or home tab; a confirmation dialog is confirmed.

        `choose` is an option's value; `as_seen` an earlier `message.as_dict()` on a screen that is not yet fresh;
        `values` what was typed into other inputs there.
        """
        person = self.workspace.find_user(user)
        blocks = as_seen["blocks"] if as_seen else target.blocks
        block, element = _element(blocks, action_id, block_id)
        if element["type"] != "button" and choose is ...:
            person_cannot(f"{action_id} is a menu: say what to choose")
        state = filled_state(blocks, values or {}, submitting=False)
        chosen: Json = {} if element["type"] == "button" else element_state(element, choose)
        if chosen and element["type"] != "overflow":
            state.setdefault(block["block_id"], {})[action_id] = chosen
        trigger = self.new_trigger(user, target.id if isinstance(target, View) else "")
        payload = {
            "type": "block_actions",
            **payloads.acted(self.workspace, self.settings, person),
            "trigger_id": trigger.id,
            "actions": [payloads.button_action(block, element, chosen)],
            **self._place(person, target, state),
        }
        return await self.deliver("interactive", payload)

    def _place(self, person: User, target: Message | View, state: Json) -> Json:
        if isinstance(target, View):
            if target.user != person.id or not target.is_open:
                person_cannot("the view is closed or someone else's")
            return payloads.on_view(target, state)
        channel = self._joined(person, target.channel)
        if target.deleted or target.ephemeral_to not in {"", person.id}:
            person_cannot("the message is gone or not theirs to see")
        return payloads.on_message(target, channel, state, self.new_response_url(person.id, channel.id, target))

    def _joined(self, person: User, channel_id: str) -> Conversation:
        channel = self.workspace.find_channel(channel_id, by_name=True)
        if person.id not in channel.members:
            person_cannot(f"{person.id} is not in {channel.id}")
        if person.deleted:
            person_cannot(f"{person.id} is deactivated")
        return channel

    async def submit(self, user: str, view: View, values: Mapping[str, object] | None = None) -> Ack:
        """Submit the modal: untouched inputs keep what was there at first; then show what the app answered.

        `values` is `{block_id: value}` or `{block_id: {action_id: value}}`. On `errors` the modal stays, with
        `view.errors`; an answer that Slack cannot use, or none, is an `error` and the modal stays too.
        """
        person = self.workspace.find_user(user)
        stack = self.modals(user)
        if not stack or stack[-1] is not view:
            person_cannot("the modal is not the one on top of theirs")
        if not view.spec.get("submit"):
            person_cannot("the modal has no submit button")
        state = filled_state(view.blocks, values or {}, submitting=True)
        payload = {
            **payloads.acted(self.workspace, self.settings, person),
            **payloads.view_submission(view, state),
            "trigger_id": self.new_trigger(user, view.id).id,
        }
        view.errors = {}
        ack = await self.deliver("interactive", payload)
        if ack.ok:
            try:
                self._show_answer(view, ack)
            except SlackError as error:
                ack.error = f"{TROUBLE}: {error.code}: {'; '.join(error.messages)}"
        return ack

    def _show_answer(self, view: View, ack: Ack) -> None:
        """Act on a `response_action`; raises SlackError for one that Slack would not take."""
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if ack.response_action == "errors":
            if not ack.errors or not set(ack.errors) <= inputs:
                raise SlackError("invalid_errors", messages=["errors must name input blocks"])
            view.errors = ack.errors
        elif ack.response_action == "update":
            replace_view(self, view, check_view(ack.body.get("view"), "modal"))
        elif ack.response_action == "push":
            push_view(self, view, check_view(ack.body.get("view"), "modal"))
        elif ack.response_action == "clear":
            for open_view in self.modals(view.user):
                open_view.is_open = False
        elif ack.body.get("response_action") or (ack.text.strip() and not ack.body):
            raise SlackError("invalid_response_action", messages=[ack.text])
        else:
            view.is_open = False

    async def close(self, user: str, view: View) -> Ack | None:
        """Cancel the modal on top; the app hears of it (`view_closed`) only with `notify_on_close`."""
        view.is_open = False
        if not view.spec.get("notify_on_close"):
            return None
        person = self.workspace.find_user(user)
        return await self.deliver(
            "interactive",
            {
                "type": "view_closed",
                **payloads.acted(self.workspace, self.settings, person),
                "view": view.as_dict(),
                "is_cleared": False,
            },
        )

    async def reply_in_thread(self, user: str, message: Message, text: str) -> Ack:
        """Reply under a message; the app gets a `message` event, up to four times until acknowledged.

        The text is stored as Slack stores typed text (escaped, links wrapped). `ack.message` is the reply.
        """
        message.thread_ts = message.thread_ts or message.ts
        return await self.say(user, message.channel, text, thread_ts=message.thread_ts)

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str = "") -> Ack:
        """Write into a channel, a direct message or a thread."""
        person = self.workspace.find_user(user)
        place = self._joined(person, channel)
        reply = Message(
            place.id, self.workspace.new_ts(), user, payloads.as_typed(text), [], person.team_id, thread_ts=thread_ts
        )
        self.workspace.messages.append(reply)
        ack = await self._message_event(reply, place)
        ack.message = reply
        return ack

    async def _message_event(self, message: Message, place: Conversation) -> Ack:
        parents = [found.user for found in self.workspace.visible_messages(place.id) if found.ts == message.thread_ts]
        body = payloads.message_event(message, place, parents[0] if parents else "")
        return await self.deliver_event(
            payloads.event(self.workspace, self.settings, body, is_ext_shared=place.is_ext_shared)
        )

    async def edit_message(self, user: str, message: Message, text: str) -> Ack:
        """Edit one's own message; the app gets `message_changed`."""
        if message.user != user:
            person_cannot("only the author edits a message")
        previous = message.as_dict()
        message.change(text=payloads.as_typed(text), blocks=[], edited={"user": user, "ts": self.workspace.new_ts()})
        place = self.workspace.find_channel(message.channel)
        body = payloads.changed_event(message, place, previous)
        return await self.deliver_event(payloads.event(self.workspace, self.settings, body))

    async def slash(self, user: str, command: str, text: str = "", *, channel: str = "") -> Ack:
        """Type a slash command, in the direct message with the app unless a channel is named; its answer is shown."""
        person = self.workspace.find_user(user)
        place = self._joined(person, channel) if channel else self.workspace.direct_message(user)[0]
        response_url = self.new_response_url(user, place.id)
        payload = {
            **payloads.slash_command(self.workspace, self.settings, person, place),
            "command": command,
            "text": text,
            "response_url": response_url,
            "trigger_id": self.new_trigger(user).id,
        }
        ack = await self.deliver("slash_commands", payload)
        if ack.ok and ack.text.strip():
            known = self.response_urls[response_url.removeprefix(self.origin)]
            refused = answer_to_command(self, known, ack.body or {"text": ack.text})
            ack.error = refused.code if refused else ""
        return ack

    async def open_home(self, user: str) -> Ack:
        """Open the app's home tab (`app_home_opened`)."""
        person = self.workspace.find_user(user)
        home = self.home(user)
        body: Json = {
            "type": "app_home_opened",
            "user": person.id,
            "tab": "home",
            "channel": self.workspace.direct_message(user)[0].id,
            "event_ts": payloads.action_ts(),
        }
        if home is not None:
            body["view"] = home.as_dict()
        return await self.deliver_event(payloads.event(self.workspace, self.settings, body))

    def after_call(self, name: str, body: Json) -> None:
        """Echo the bot's own posts as events, if asked to."""
        if self.settings.echo_own_messages and name == "chat.postMessage" and body["ok"]:
            self.spawn(self._echo(self.workspace.find_message(body["channel"], body["ts"])))

    async def _echo(self, message: Message) -> None:
        await self._message_event(message, self.workspace.find_channel(message.channel))
