"""The workspace as Slack keeps it: team, users, conversations, messages and views.

Ids and timestamps have Slack's shapes: `U…`, `C…`, `D…`, `V…`; a `ts` is `seconds.micros` and unique in the workspace.
"""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.fakes.slack.errors import Json, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """Return an id as Slack makes them: a letter for the kind and ten more characters."""
    return prefix + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(9))


@dataclass
class User:
    """A member of the workspace, or a stranger from a connected one.

    Source: https://docs.slack.dev/reference/objects/user-object
    """

    id: str
    name: str
    team_id: str
    real_name: str = ""
    email: str = ""
    tz: str = "Europe/Lisbon"
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False
    is_bot: bool = False
    is_stranger: bool = False

    def as_dict(self, *, with_email: bool = True) -> Json:
        """Return Slack's user object; the address shows only with the scope `users:read.email`."""
        profile: Json = {"real_name": self.real_name, "display_name": self.name, "team": self.team_id}
        if with_email and self.email:
            profile["email"] = self.email
        found: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
        }
        if self.is_stranger:
            found["is_stranger"] = True
        return found


@dataclass
class Conversation:
    """A channel, a private channel (`group`) or a direct message (`im`)."""

    id: str
    name: str
    kind: Literal["channel", "group", "im"] = "channel"
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    is_ext_shared: bool = False
    user: str = ""

    def as_dict(self) -> Json:
        """Return Slack's conversation object."""
        found: Json = {
            "id": self.id,
            "created": 1700000000,
            "is_archived": self.is_archived,
            "is_im": self.kind == "im",
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_private": self.kind != "channel",
            "is_ext_shared": self.is_ext_shared,
        }
        if self.kind == "im":
            return {**found, "user": self.user, "is_open": True}
        return {
            **found,
            "name": self.name,
            "name_normalized": self.name,
            "is_member": True,
            "num_members": len(self.members),
        }

    @property
    def payload_name(self) -> str:
        """The `channel.name` that interaction payloads carry."""
        return {"channel": self.name, "group": "privategroup", "im": "directmessage"}[self.kind]


@dataclass
class Message:
    """A posted message; `ephemeral_to` names the one user who sees it, `history` what it said before."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json]
    team: str
    bot_id: str = ""
    app_id: str = ""
    thread_ts: str = ""
    ephemeral_to: str = ""
    deleted: bool = False
    edited: Json | None = None
    metadata: Json | None = None
    unfurl: Json = field(default_factory=dict)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    history: list[Json] = field(default_factory=list)

    def as_dict(self) -> Json:
        """Return Slack's message object."""
        found: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": self.team}
        if self.bot_id:
            found |= {"bot_id": self.bot_id, "app_id": self.app_id}
        for key, value in (
            ("blocks", self.blocks),
            ("thread_ts", self.thread_ts),
            ("edited", self.edited),
            ("metadata", self.metadata),
        ):
            if value:
                found[key] = value
        if self.reactions:
            found["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return found

    def change(self, *, text: str, blocks: list[Json], edited: Json) -> None:
        """Replace what it says and remember what it said."""
        self.history.append(self.as_dict())
        self.text, self.blocks, self.edited = text, blocks, edited


@dataclass
class View:
    """An open modal or a published home tab of one user."""

    id: str
    user: str
    team_id: str
    app_id: str
    bot_id: str
    spec: Json
    root_view_id: str
    previous_view_id: str | None = None
    hash: str = ""
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """The blocks as Slack stored them (ids filled in)."""
        blocks: list[Json] = self.spec["blocks"]
        return blocks

    def as_dict(self, state: Json | None = None) -> Json:
        """Return Slack's view object; `state` is `{block_id: {action_id: …}}`."""
        spec = self.spec
        return {
            "id": self.id,
            "team_id": self.team_id,
            "type": spec["type"],
            "blocks": spec["blocks"],
            "private_metadata": spec.get("private_metadata", ""),
            "callback_id": spec.get("callback_id", ""),
            "state": {"values": state or {}},
            "hash": self.hash,
            "title": spec.get("title"),
            "clear_on_close": spec.get("clear_on_close", False),
            "notify_on_close": spec.get("notify_on_close", False),
            "close": spec.get("close"),
            "submit": spec.get("submit"),
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": self.app_id,
            "external_id": spec.get("external_id", ""),
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
        }


class Workspace:
    """Everything Slack stores for one team with our app installed."""

    def __init__(self, team_id: str = "T0SAYSO", domain: str = "sayso-test") -> None:
        """Start with the app's bot user and nobody else."""
        self.team_id, self.domain, self.app_id, self.bot_id = team_id, domain, "A0SAYSO", "B0SAYSO"
        self.team_name = "Sayso Test"
        self.users: dict[str, User] = {}
        self.conversations: dict[str, Conversation] = {}
        self.messages: list[Message] = []
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        self._last_ts = 0
        self.bot = self.add_user("U0SAYSOBOT", "sayso", real_name="Sayso", is_bot=True)

    def new_ts(self) -> str:
        """Return a timestamp later than every one before."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_user(
        self,
        user_id: str,
        name: str = "",
        *,
        team_id: str = "",
        real_name: str = "",
        email: str = "",
        tz: str = "Europe/Lisbon",
        **flags: bool,
    ) -> User:
        """Add a user; `flags` are fields of `User` such as `is_restricted`, `deleted`, `is_stranger`, `is_bot`."""
        name = name or user_id.lower()
        user = User(user_id, name, team_id or self.team_id, real_name or name.title(), email, tz, **flags)
        self.users[user_id] = user
        return user

    def add_channel(
        self,
        name: str,
        channel_id: str = "",
        *,
        members: list[str] | None = None,
        private: bool = False,
        with_bot: bool = True,
        is_ext_shared: bool = False,
    ) -> Conversation:
        """Add a channel; without `members` everyone there is now joins it."""
        name = name.lstrip("#")
        people = set(members) if members is not None else {key for key, user in self.users.items() if not user.is_bot}
        people |= {self.bot.id} if with_bot else set()
        found = Conversation(
            channel_id or new_id("C"), name, "group" if private else "channel", people, is_ext_shared=is_ext_shared
        )
        self.conversations[found.id] = found
        return found

    def direct_message(self, user_id: str) -> tuple[Conversation, bool]:
        """Return the conversation of the bot with this user and whether it was there already."""
        for found in self.conversations.values():
            if found.kind == "im" and found.user == user_id:
                return found, True
        created = Conversation(new_id("D"), "", "im", {user_id, self.bot.id}, user=user_id)
        self.conversations[created.id] = created
        return created, False

    def find_user(self, user_id: str) -> User:
        """Return the user or refuse with `user_not_found`."""
        return self.users.get(user_id) or refuse("user_not_found")

    def find_channel(self, key: str, *, by_name: bool = False) -> Conversation:
        """Return the conversation or refuse with `channel_not_found`; only some methods take `#name` or a user's id."""
        if key in self.conversations:
            return self.conversations[key]
        if by_name and key in self.users:
            return self.direct_message(key)[0]
        if by_name:
            for found in self.conversations.values():
                if found.kind != "im" and found.name == key.lstrip("#"):
                    return found
        return refuse("channel_not_found")

    def visible_messages(self, channel: str) -> Iterator[Message]:
        """Yield the channel's messages that are not deleted and not ephemeral, oldest first."""
        for message in self.messages:
            if message.channel == channel and not message.deleted and not message.ephemeral_to:
                yield message

    def find_message(self, channel: str, ts: str) -> Message:
        """Return the message or refuse with `message_not_found`; ephemeral ones cannot be found."""
        for message in self.visible_messages(channel):
            if message.ts == ts:
                return message
        return refuse("message_not_found")
