"""`views.*`: modals as a stack of at most three, and home tabs.

Source: https://docs.slack.dev/surfaces/modals, https://docs.slack.dev/reference/methods/views.update
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from tests.fakes.slack.errors import Json, SlackError, refuse
from tests.fakes.slack.limits import check_view
from tests.fakes.slack.workspace import View, new_id

if TYPE_CHECKING:
    from tests.fakes.slack.args import Args
    from tests.fakes.slack.state import State

MOST_MODALS = 3


def _new_hash() -> str:
    return f"{time.time_ns() // 10**9}.{secrets.token_hex(4)}"


def _free_external_id(state: State, spec: Json, own: str = "") -> None:
    external = spec.get("external_id")
    for view in [*state.workspace.views.values(), *state.workspace.homes.values()]:
        if external and view.is_open and view.id != own and view.spec.get("external_id") == external:
            refuse("duplicate_external_id")


def new_view(state: State, user: str, spec: Json, below: View | None = None) -> View:
    """Open a checked view for a user, on top of another or as a root."""
    _free_external_id(state, spec)
    workspace = state.workspace
    view_id = new_id("V")
    root, previous = (below.root_view_id, below.id) if below else (view_id, None)
    view = View(view_id, user, workspace.team_id, workspace.app_id, workspace.bot_id, spec, root, previous, _new_hash())
    if spec["type"] == "modal":
        workspace.views[view_id] = view
    return view


def push_view(state: State, below: View, spec: Json) -> View:
    """Put a view on top of a user's stack; `push_limit_reached` beyond three."""
    if len(state.modals(below.user)) >= MOST_MODALS:
        refuse("push_limit_reached")
    return new_view(state, below.user, spec, below)


def replace_view(state: State, view: View, spec: Json) -> None:
    """Put other content into a view; its hash changes."""
    _free_external_id(state, spec, view.id)
    view.spec, view.hash, view.errors = spec, _new_hash(), {}


def views_open(state: State, args: Args) -> Json:
    """`views.open`: exchanges a trigger; a stack the user had open gives way."""
    spec = check_view(args.values.get("view"), "modal")
    trigger = state.use_trigger(args.text("trigger_id"))
    for view in state.modals(trigger.user):
        view.is_open = False
    return {"ok": True, "view": new_view(state, trigger.user, spec).as_dict()}


def views_push(state: State, args: Args) -> Json:
    """`views.push`: the trigger must come from an open modal."""
    spec = check_view(args.values.get("view"), "modal")
    trigger = state.use_trigger(args.text("trigger_id"))
    below = state.workspace.views.get(trigger.view_id)
    if below is None or not below.is_open:
        refuse("not_found")
    return {"ok": True, "view": push_view(state, below, spec).as_dict()}


def _wanted_view(state: State, args: Args) -> View:
    view_id, external = args.text("view_id", optional=True), args.text("external_id", optional=True)
    if bool(view_id) == bool(external):
        why = "Cannot provide both `view_id` and `external_id`" if view_id else "missing required field: view_id"
        raise SlackError("invalid_arguments", messages=[why])
    for view in [*state.workspace.views.values(), *state.workspace.homes.values()]:
        if view.is_open and (view.id == view_id or (external and view.spec.get("external_id") == external)):
            return view
    return refuse("not_found")


def views_update(state: State, args: Args) -> Json:
    """`views.update`: `hash_conflict` when the given hash is not the view's; a closed view is `not_found`."""
    view = _wanted_view(state, args)
    spec = check_view(args.values.get("view"), view.spec["type"])
    if args.text("hash", optional=True) not in {"", view.hash}:
        refuse("hash_conflict")
    replace_view(state, view, spec)
    return {"ok": True, "view": view.as_dict()}


def views_publish(state: State, args: Args) -> Json:
    """`views.publish`: sets the user's home tab; its id stays, its hash changes."""
    user = state.workspace.find_user(args.text("user_id"))
    spec = check_view(args.values.get("view"), "home")
    home = state.workspace.homes.get(user.id)
    if args.text("hash", optional=True) not in {"", home.hash if home else ""}:
        refuse("hash_conflict")
    if home is None:
        home = state.workspace.homes[user.id] = new_view(state, user.id, spec)
    else:
        replace_view(state, home, spec)
    return {"ok": True, "view": home.as_dict()}
