"""The bolt app: which listener hears what. It decides nothing and answers Slack only after a listener is through.

``process_before_response`` does that, and spares bolt's polling for ``ack()`` every 10 ms. Signatures are verified
before bolt parses anything (`channels.slack.events`), so its own check, which comes after parsing, is off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from channels.slack.answers import Answer
from channels.slack.api import QUIET
from channels.slack.lists import Lists
from channels.slack.people import People
from channels.slack.presses import Presses
from channels.slack.replies import Replies
from channels.slack.submissions import Submissions
from channels.slack.sweeps import Sweeps
from channels.slack.words import ACTION_IDS, ALL, ANSWER

Listener = Callable[[Mapping[str, Any]], Awaitable[Answer]]


def bolt_app(
    *,
    api_url: str,
    bot_token: str,
    people: People,
    presses: Presses,
    sweeps: Sweeps,
    submissions: Submissions,
    replies: Replies,
    lists: Lists,
) -> AsyncApp:
    """The app with every listener in place."""

    async def authorize() -> AuthorizeResult:
        """What bolt asks for each request; who may act is for `People` to say."""
        known = people.identity
        return AuthorizeResult(
            enterprise_id=None,
            team_id=known.team if known else None,
            bot_user_id=known.bot_user if known else None,
            bot_id=known.bot if known else None,
            bot_token=bot_token,
        )

    app = AsyncApp(
        name="sayso",
        logger=QUIET,
        signing_secret="",
        client=AsyncWebClient(base_url=api_url, logger=QUIET),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
    )
    app.action(re.compile(f"^({'|'.join(ACTION_IDS.values())})$"))(_answered(presses.press))
    app.action(re.compile(f"^({'|'.join(ALL)})$"))(_answered(sweeps.press))
    app.action("open")(_answered(_nothing))
    for callback in ("approve", "edit", "reject", "ask", ANSWER):
        app.view(callback)(_answered(submissions.submit))
    app.command(re.compile("^/"))(_answered(lists.command))
    app.event("app_home_opened")(_answered(lists.home_opened))
    app.event("message")(_answered(replies.message))
    app.event(re.compile(".*"))(_answered(_nothing))
    return app


async def _nothing(_body: Mapping[str, Any]) -> Answer:
    """Slack also tells of what asks nothing of us, such as a pressed link."""
    return Answer.done()


def _answered(listener: Listener) -> Callable[..., Awaitable[BoltResponse]]:
    async def run(body: dict[str, Any]) -> BoltResponse:
        answer = await listener(body)
        if answer.body is None:
            return BoltResponse(status=answer.status, body="")
        headers: dict[str, str | Sequence[str]] = {"content-type": "application/json"}
        return BoltResponse(status=answer.status, body=json.dumps(answer.body), headers=headers)

    return run
