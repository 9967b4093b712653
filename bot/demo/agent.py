"""The demo's sample agent: proposes what a support agent would, waits for the word, and runs what is its own to run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

_WAIT_SECONDS = 30
_OPEN = ("pending", "needs_info")

PROPOSALS: tuple[dict[str, Any], ...] = (
    {
        "action": "refund.issue",
        "arguments": {"order": "10391", "amount": 4.5, "currency": "USD"},
        "reason": "The parcel arrived a day late; the shipping fee is refunded by our policy.",
        "confidence": 0.97,
    },
    {
        "action": "refund.issue",
        "arguments": {"order": "10428", "amount": 240.0, "currency": "USD"},
        "reason": "The customer reported a duplicate charge, and the ledger shows two captures four seconds apart.",
        "confidence": 0.72,
        "on_behalf_of": "dana@example.com",
        "context": {
            "user_request": "I was charged twice for order 10428. Please refund one.",
            "evidence": [
                {"title": "Ledger", "text": "2 captures of 240.00 USD at 09:14:02 and 09:14:06, same card"},
                {"title": "Order", "text": "10428: one item, 240.00 USD, delivered"},
            ],
            "tool_calls": [{"name": "ledger.search", "arguments": {"order": "10428"}, "result": {"captures": 2}}],
            "alternatives": [
                {"action": "mail.send", "arguments": {"to": "dana@example.com"}, "why_not": "The charge is confirmed."}
            ],
            "checks": [{"name": "order exists", "passed": True, "detail": "delivered on 14 November"}],
            "expected_outcome": "The customer gets 240.00 USD back within 5 days.",
            "risks": ["If the second capture was for another order, the refund would be wrong."],
        },
    },
    {
        "action": "mail.send",
        "arguments": {
            "to": "dana@example.com",
            "subject": "Your refund for order 10428",
            "body": "Hi Dana,\n\nyou were charged twice, sorry. 240.00 USD are on their way.\n\nThe support team",
        },
        "reason": "The customer waits for an answer.",
        "confidence": 0.9,
    },
    {
        "action": "deploy.start",
        "arguments": {"service": "checkout", "version": "2.8.1", "environment": "production"},
        "reason": "2.8.1 fixes the double capture that caused this ticket; it passed staging.",
        "confidence": 0.81,
        "context": {"checks": [{"name": "staging tests", "passed": True, "detail": "412 of 412"}]},
    },
    {
        "kind": "choice",
        "action": "goodwill.send",
        "arguments": {"customer": "dana@example.com"},
        "reason": "The double charge was our fault. Both are within the budget; which one fits is a matter of tone.",
        "confidence": 0.55,
        "options": [
            {
                "id": "voucher",
                "title": "A voucher",
                "arguments": {"customer": "dana@example.com", "gift": "voucher", "worth": 10},
            },
            {
                "id": "shipping",
                "title": "Free shipping for a year",
                "arguments": {"customer": "dana@example.com", "gift": "free shipping", "worth": 25},
            },
        ],
    },
    {
        "kind": "question",
        "action": "policy.ask",
        "arguments": {"about": "double charges"},
        "reason": "May I refund a double charge by myself, where both captures are less than a minute apart?",
    },
    *(
        {
            "action": "ticket.close",
            "arguments": {"ticket": ticket, "note": "No answer for 30 days"},
            "reason": "Asked twice, no answer.",
            "confidence": 0.93,
            "batch": "stale tickets",
        }
        for ticket in ("T-2201", "T-2207", "T-2213")
    ),
    {
        "action": "records.delete",
        "arguments": {"table": "captures", "count": 18250},
        "reason": "Remove the duplicate captures of this year in one go.",
        "confidence": 0.6,
    },
)


class Agent:
    """Speaks to the bot over HTTP alone, as any agent would."""

    def __init__(self, base: str, key: str, say: Callable[[str], None]) -> None:
        """``base`` is the bot's address, ``key`` the agent's; ``say`` prints a line. ``proposed``: all is posted."""
        self._base = base
        self._headers = {"Authorization": f"Bearer {key}"}
        self._say = say
        self.proposed = asyncio.Event()

    async def work(self) -> None:
        """Propose everything, then wait for each answer."""
        async with aiohttp.ClientSession(headers=self._headers) as http:
            requests = [await self._propose(http, proposal) for proposal in PROPOSALS]
            self.proposed.set()
            await asyncio.gather(*(self._follow(http, request) for request in requests))

    async def _propose(self, http: aiohttp.ClientSession, proposal: dict[str, Any]) -> dict[str, Any]:
        async with http.post(f"{self._base}/v1/requests", json=proposal) as answer:
            request: dict[str, Any] = await answer.json()
            answer.raise_for_status()
        self._say(f"agent     proposes {request['title']!r}: {request['state']} ({request['rule']})")
        return request

    async def _follow(self, http: aiohttp.ClientSession, request: dict[str, Any]) -> None:
        url = f"{self._base}/v1/requests/{request['id']}"
        waited = request["state"] in _OPEN
        while request["state"] in _OPEN:
            if request["state"] == "needs_info":
                await self._answer(http, url, request)
            request = await self._get(http, url, f"wait={_WAIT_SECONDS}")
        if waited:
            self._say(f"agent     gets {request['title']!r}: {request['state']}{_details(request)}")
        if request["execution"]["state"] == "executing":
            await self._run(http, url, request)
        while request["execution"]["state"] in ("waiting", "executing"):
            request = await self._get(http, url, f"wait={_WAIT_SECONDS}&for=outcome")
        run = request["execution"]
        if run["state"] != "none":
            result = json.dumps(run["result"]) if run["result"] is not None else run["error"] or ""
            self._say(f"agent     gets {request['title']!r}: {run['state']} {result}".rstrip())

    async def _get(self, http: aiohttp.ClientSession, url: str, query: str) -> dict[str, Any]:
        async with http.get(f"{url}?{query}") as answer:
            answer.raise_for_status()
            document: dict[str, Any] = await answer.json()
            return document

    async def _answer(self, http: aiohttp.ClientSession, url: str, request: dict[str, Any]) -> None:
        question = request["decisions"][-1]["comment"]
        self._say(f"agent     is asked about {request['title']!r}: {question}")
        text = "I looked again: the ledger and the order both support this, and nothing has changed since."
        async with http.post(f"{url}/information", json={"text": text}) as answer:
            answer.raise_for_status()

    async def _run(self, http: aiohttp.ClientSession, url: str, request: dict[str, Any]) -> None:
        """An action that the agent runs itself: do it, then say how it ended."""
        arguments = request["effective_arguments"]
        self._say(f"agent     runs {request['title']!r} itself")
        report = {"state": "executed", "result": {"done": arguments.get("version") or arguments.get("ticket")}}
        async with http.post(f"{url}/outcome", json=report) as answer:
            answer.raise_for_status()


def _details(request: dict[str, Any]) -> str:
    """Who decided, what they said, and what they changed."""
    if not request["decisions"]:
        return ""
    last = request["decisions"][-1]
    answer = f", answering {request['answer']!r}" if request["answer"] else ""
    text = f" by {last['by']}{answer}" + (f", saying {last['comment']!r}" if last["comment"] else "")
    edits = "; ".join(f"{e['pointer']} {json.dumps(e['before'])} -> {json.dumps(e['after'])}" for e in last["edits"])
    return text + (f", changing {edits}" if edits else "")
