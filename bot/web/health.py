"""Alive, ready, counted: what a supervisor, a load balancer and Prometheus ask. None of it takes a key."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping

from msgspec import Struct

from bot.web.admission import Gate, refusals
from bot.web.calls import Calls
from bot.web.exchange import Answer
from bot.web.house import Figure
from bot.web.operation import Call, Operation
from bot.web.problems import NotReady
from bot.web.view import encoded
from bot.web.wire import REFUSED

FIGURES_SECONDS = 1.0
"""For how long the text of the figures is given again. It is the dearest answer that takes no key, and nobody who has a
use for it asks more often: Prometheus's shortest usual interval is five seconds."""


class Alive(Struct, frozen=True):
    """The process answers."""

    status: str = "alive"


class PartView(Struct, frozen=True):
    """One part of the bot, whether it works, and in one line why (not)."""

    name: str
    ok: bool
    detail: str


class Ready(Struct, frozen=True):
    """Everything that the bot needs is working; ``degraded`` where something else is not."""

    status: str
    checks: tuple[PartView, ...]


async def alive(_: Call) -> Answer:
    """GET /healthz."""
    return Answer(200, encoded(Alive()))


async def ready(call: Call) -> Answer:
    """GET /readyz."""
    probes = await call.house.probes()
    checks = tuple(PartView(probe.name, probe.ok, probe.detail) for probe in probes)
    broken = ", ".join(probe.name for probe in probes if probe.vital and not probe.ok)
    if broken:
        raise NotReady(f"Not ready: {broken}.", checks=checks)
    whole = all(check.ok for check in checks)
    return Answer(200, encoded(Ready("ready" if whole else "degraded", checks)))


class Kept:
    """The text of the figures: written once in a while, however many ask for it at once."""

    def __init__(self) -> None:
        self._writing = asyncio.Lock()
        self._text = b""
        self._until = float("-inf")

    async def text(self, write: Callable[[], Awaitable[bytes]]) -> bytes:
        """What ``write`` gives, or gave at most `FIGURES_SECONDS` before. Raises what it raises, and keeps no fault."""
        async with self._writing:
            began = time.monotonic()
            if began >= self._until:
                self._text = await write()
                self._until = began + FIGURES_SECONDS
            return self._text


def answers(tally: Mapping[tuple[str, int], int]) -> list[Figure]:
    """The count of answers by call and status."""
    return [
        Figure(
            "sayso_http_answers_total",
            "Answers of the API since the start, by call and status.",
            times,
            {"call": name, "status": str(status)},
            "counter",
        )
        for (name, status), times in sorted(tally.items())
    ]


def metrics_text(figures: Iterable[Figure]) -> str:
    """The figures in Prometheus's text format 0.0.4, which wants all samples of a name together."""
    named: dict[str, list[Figure]] = {}
    for figure in figures:
        named.setdefault(figure.name, []).append(figure)
    lines: list[str] = []
    for name, samples in named.items():
        lines += [f"# HELP {name} {_escaped(samples[0].help)}", f"# TYPE {name} {samples[0].kind}"]
        lines += map(_sample, samples)
    return "\n".join(lines) + "\n"


def _sample(figure: Figure) -> str:
    labels = ",".join(f'{name}="{_quoted(value)}"' for name, value in figure.labels.items())
    return f"{figure.name}{figure.suffix}{f'{{{labels}}}' if labels else ''} {figure.value:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def operations(tally: Counter[tuple[str, int]], calls: Calls, gate: Gate) -> tuple[Operation, ...]:
    """The three calls; ``tally`` is what the API's endpoints count their answers in, ``calls`` how long they took.

    ``gate`` says whom it refused.
    """
    kept = Kept()

    async def metrics(call: Call) -> Answer:
        async def write() -> bytes:
            own = (*answers(tally), *calls.figures(), *gate.figures(), *refusals(gate.refused, REFUSED))
            return metrics_text((*await call.house.figures(), *own)).encode()

        return Answer(200, await kept.text(write), b"text/plain; version=0.0.4; charset=utf-8")

    return (
        Operation(
            method="GET",
            path="/healthz",
            name="alive",
            says="Whether the process answers.",
            handler=alive,
            answers={200: ("It does.", Alive)},
        ),
        Operation(
            method="GET",
            path="/readyz",
            name="ready",
            says="Whether store and scheduler work; degraded where a channel or the rules do not.",
            handler=ready,
            answers={200: ("All of it works.", Ready)},
            errors=(NotReady,),
        ),
        Operation(
            method="GET",
            path="/metrics",
            name="scrape",
            says="Figures for Prometheus.",
            handler=metrics,
            answers={200: ("Prometheus's text format 0.0.4.", None)},
            media_type="text/plain",
        ),
    )
