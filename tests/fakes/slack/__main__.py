"""Run the fake on its own: `python -m tests.fakes.slack --port 9999 --request-url http://127.0.0.1:8000/slack/events`.

Prints one JSON line with the environment the app needs; `GET /messages` then shows every message as a page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tests.fakes.slack.server import FakeSlack


async def _serve(arguments: argparse.Namespace) -> None:
    async with FakeSlack(port=arguments.port) as slack:
        slack.request_url = arguments.request_url
        for name in arguments.user:
            slack.workspace.add_user(name)
        slack.workspace.add_channel(arguments.channel)
        environment = {"SLACK_API_URL": slack.url, "SLACK_BOT_TOKEN": slack.settings.bot_token}
        if arguments.request_url:
            environment["SLACK_SIGNING_SECRET"] = slack.settings.signing_secret
        else:
            environment["SLACK_APP_TOKEN"] = slack.settings.app_token
        sys.stdout.write(json.dumps(environment) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the arguments and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--request-url", default="", help="where the app listens (HTTP mode); without it, Socket Mode")
    parser.add_argument("--user", action="append", default=[], help="a user id to add, such as U0ANA; repeatable")
    parser.add_argument("--channel", default="approvals", help="a channel with all these users and the bot")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
