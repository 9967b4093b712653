"""``sayso send``, ``sayso list`` and ``sayso show``: requests from the terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from bot.commands.calls import LONGEST_WAIT, add_bot, bot_of
from bot.commands.replays import stopped_text
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, environment, open_ledger, say
from bot.core.card import answers_in, literal
from bot.core.model import Decision, Delivery, Kind, Request, State
from bot.core.ports import Filter
from bot.core.redaction import shown
from bot.core.scrutiny import visible
from bot.settings import public_url_of
from bot.web.view import request_view

_SHOWN = 50
_DIGITS = 9


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    send = commands.add_parser("send", help="submit a request from a JSON file, as an agent does")
    send.add_argument("request", help="a file, or - for standard input")
    send.add_argument("--wait", action="store_true", help="wait until it is decided; status 1 unless approved")
    add_bot(send, "the agent's")
    add_json(send)
    send.set_defaults(run=send_request)
    listing = commands.add_parser("list", help="the newest requests")
    listing.add_argument("--state", choices=[str(s) for s in State], help="only these")
    listing.add_argument("--agent", help="only this agent's")
    listing.add_argument("--limit", type=_count, default=_SHOWN, help=f"how many (default {_SHOWN})")
    add_json(listing)
    listing.set_defaults(run=list_requests)
    show = commands.add_parser("show", help="one request, whole")
    show.add_argument("id")
    add_json(show)
    show.set_defaults(run=show_request)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no count: write a whole number from 1")
    return int(text)


def send_request(args: argparse.Namespace) -> int:
    """Submit, and with ``--wait`` stay until somebody decided."""
    bot = bot_of(args, "an agent's", "sayso key create NAME")
    try:
        body = sys.stdin.buffer.read() if args.request == "-" else Path(args.request).read_bytes()
    except OSError as problem:
        raise CommandError(f"{args.request}: {problem.strerror}.") from None
    answer = bot.call("POST", "/v1/requests", body)
    if args.wait and _open(answer):
        sys.stderr.write(f"{answer['id']} waits for a decision: {answer['url']}\n")
    while args.wait and _open(answer):
        known, answer = answer, bot.call("GET", f"/v1/requests/{answer['id']}?wait={LONGEST_WAIT}")
        sys.stderr.write(question(known, answer))
    said = [f"answer  {visible(answer['answer'])}"] if answer["answer"] else []
    said += [_reason(made) for made in answer["decisions"] if made["comment"] or made["category"]]
    heading = f"{answer['id']}  {answer['state']}  {visible(answer['title'])}"
    say(args, answer, "\n".join([heading, *said, answer["url"]]))
    return GOOD if not args.wait or State(answer["state"]).approved else NO


def question(known: dict[str, Any], answer: dict[str, Any]) -> str:
    """What its agent was asked since it was ``known``, and where that is answered; empty where nothing is open."""
    if answer["state"] != State.NEEDS_INFO or answer["decisions"] == known["decisions"]:
        return ""
    return f"{_reason(answer['decisions'][-1])}\nits agent answers at POST /v1/requests/{answer['id']}/information\n"


def _reason(made: dict[str, Any]) -> str:
    """Why somebody decided so, as the agent is told."""
    parts = [made["category"] or "", visible(made["comment"] or "")]
    return f"{made['decision']} by {made['by']}: {', '.join(part for part in parts if part)}"


def _open(answer: dict[str, Any]) -> bool:
    return State(answer["state"]).open


def list_requests(args: argparse.Namespace) -> int:
    """The newest requests, a line each."""
    return asyncio.run(_list(args))


async def _list(args: argparse.Namespace) -> int:
    states = (State(args.state),) if args.state else None
    async with open_ledger(reads=True) as ledger:
        found = await ledger.store.requests(Filter(states=states, agent=args.agent, limit=args.limit, spoilt=True))
        stopped = stopped_text(await ledger.store.stopped())
    public = public_url_of(environment())
    documents = [_document(request, (), public) for request in found]
    lines = [_line(request) for request in found] or ["There are no such requests."]
    say(args, documents, "\n".join([*([stopped] if stopped else []), *lines]))
    return GOOD


def _document(request: Request, deliveries: Sequence[Delivery], public_url: str) -> dict[str, Any]:
    document: dict[str, Any] = to_builtins(request_view(request, deliveries, public_url))
    return document


def _line(request: Request) -> str:
    marks = " escalated" if request.escalation_level and request.state.open else ""
    ran = f", {request.execution.state}" if request.execution else ""
    return f"{request.id}  {request.created_at:%m-%d %H:%M}  {request.state}{ran}{marks}  {visible(request.title)}"


def show_request(args: argparse.Namespace) -> int:
    """One request with all that became of it."""
    return asyncio.run(_show(args))


async def _show(args: argparse.Namespace) -> int:
    async with open_ledger(reads=True) as ledger:
        request = await ledger.store.request(args.id)
        deliveries = await ledger.store.deliveries(args.id)
        trail = () if request is None else await ledger.store.told(request)
    if request is None:
        sys.stderr.write(f"There is no request {visible(args.id)}; see: sayso list\n")
        return NO
    request = shown(request)
    document = _document(request, deliveries, public_url_of(environment()))
    events = [json.loads(line.body) for line in trail]
    say(args, document, _page(request, deliveries, document, events))
    return GOOD


def _page(
    request: Request, deliveries: Sequence[Delivery], document: dict[str, Any], events: list[dict[str, Any]]
) -> str:
    lines = [f"{visible(request.title)}", f"{request.id}  {request.state}  revision {request.revision}", request.digest]
    lines += ["", f"action      {visible(request.action)}, by {request.agent}"]
    lines += _proposed(request)
    lines += [f"rule        {request.route.rule}", f"why         {visible(request.route.why)}"]
    lines += _review(document) if request.route.stages else []
    lines += [f"asked       {', '.join(request.assignees)}"] if request.assignees else []
    lines += [f"expires     {request.expires_at:%Y-%m-%d %H:%M:%S} UTC"] if request.state.open else []
    lines += [f"card        {d.channel} to {d.to}: {d.state}  {visible(d.error or '')}".rstrip() for d in deliveries]
    lines += [_decided(decision) for decision in request.decisions]
    if request.execution:
        run = request.execution
        lines.append(f"execution   {_ran(document['execution'])}  {visible(run.error or '')}".rstrip())
        if run.result is not None:
            lines.append(f"result      {literal(run.result)}")
        lines += [f"incident    {one.severity}, by {one.by}: {visible(one.note)}" for one in run.incidents]
        lines += [f"rollback    {run.rollback}"] if run.rollback else []
        lines += [f"reviewed    afterwards, as {run.review}"] if run.review else []
    lines += ["", "the trail"]
    lines += [f"  {e['at'][:19]}  {e['type']:<22} {e['actor']} through {e['via']}" for e in events]
    return "\n".join([*lines, "", document["url"]])


def _proposed(request: Request) -> list[str]:
    """What is asked, and what the agent says of it."""
    content = request.content
    lines = [f"kind        {request.kind}"] if request.kind is not Kind.APPROVAL else []
    lines += [f"  {visible(name)}: {literal(value)}" for name, value in content.arguments.items()]
    for option in content.options:
        picked = ", picked" if option.id in (content.chosen, request.answer) else ""
        lines.append(f"option      {option.id}: {visible(option.title)}{picked}")
        lines += [f"  {visible(name)}: {literal(value)}" for name, value in option.arguments.items()]
    if request.answer is not None and not content.options:
        lines.append(f"answer      {visible(request.answer)}")
    lines += [f"takes back  {content.takes_back}"] if content.takes_back else []
    if content.confidence is not None:
        lines.append(f"confidence  {content.confidence:g}, as the agent says")
    if content.reason:
        lines.append(f"reason      {visible(content.reason)}, as the agent says")
    lines += [f"it answers  {visible(str(told['text']))}" for told in answers_in(content.context)]
    return lines


_CHECKED = {True: "passed", False: "failed", None: "not answered"}


def _review(document: dict[str, Any]) -> list[str]:
    """The stages, where there are several, and what the house and other agents found."""
    stages = document["stages"]
    several = [f"stage       {s['name']}: {s['state']}, {s['approvals']} of {s['needed']}" for s in stages]
    lines = several if len(stages) > 1 or stages[0]["needed"] > 1 else []
    lines += [f"check       {c['name']}: {_CHECKED[c['passed']]}  {visible(c['detail'])}" for c in document["checks"]]
    for advice in document["advice"]:
        note = f": {visible(advice['note'])}" if advice["note"] else ""
        lines.append(f"opinion     {advice['by']} on revision {advice['revision']}: {advice['opinion']}{note}")
    lines += [f"refused     the same was rejected before, as {document['refused']}"] if document["refused"] else []
    return lines


def _ran(run: dict[str, Any]) -> str:
    """What became of the one run, and who it is left to."""
    if run["by_agent"]:
        return f"{run['state']}, by the agent itself"
    return f"{run['state']} after {run['attempts']} attempt{'s' * (run['attempts'] != 1)}"


def _decided(made: Decision) -> str:
    marks = [f"instead of {made.instead_of}"] if made.instead_of else []
    marks += ["past the review, in an emergency"] if made.broke_glass else []
    marks += [f"answer {visible(made.answer)}"] if made.answer else []
    said = "".join(f", {mark}" for mark in marks) + (f": {visible(made.comment)}" if made.comment else "")
    return f"{made.decision:<11} by {made.by} at {made.at:%Y-%m-%d %H:%M:%S} through {made.channel}{said}"
