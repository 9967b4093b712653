"""LangGraph: a graph that interrupts for a person and, once resumed, calls the webhook. A thread is a request.

``durability="sync"``: what is decided is stored before the action runs, which is what "durable" means for all that
are measured here; LangGraph's own default is ``"async"``, which stores it while the next step runs (set
GRAPH_DURABILITY to measure that). The answer to a decision is the end of ``ainvoke``, as its documentation has it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any, TypedDict

from fastapi import HTTPException
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from bench.peers.face import Ballot, Proposal, Service, View, new_view, run

_DURABILITY: Any = os.environ.get("GRAPH_DURABILITY", "sync")
_POOL = 20


class State(TypedDict, total=False):
    """What a thread keeps."""

    view: dict[str, Any]
    decision: dict[str, Any]
    result: Any


@asynccontextmanager
async def _saver(url: str) -> AsyncIterator[Any]:
    """The checkpointer that its documentation names for the database, set up."""
    if url.startswith("sqlite"):
        async with AsyncSqliteSaver.from_conn_string(url.removeprefix("sqlite:///")) as saver:
            await saver.setup()
            yield saver
        return
    kwargs = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, max_size=_POOL, kwargs=kwargs, open=False) as pool:
        pooled = AsyncPostgresSaver(pool)  # type: ignore[arg-type,unused-ignore]  # its rows are dicts by the kwargs
        await pooled.setup()
        yield pooled


class Graph(Service):
    """See `Service`."""

    _graph: Any = None

    def life(self) -> AbstractAsyncContextManager[None]:
        """The saver and the compiled graph."""
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with _saver(self.url) as saver:
            graph = StateGraph(State)
            graph.add_node("review", _review)
            graph.add_node("execute", self._execute)
            graph.add_edge(START, "review")
            graph.add_conditional_edges("review", _approved, {"execute": "execute", END: END})
            graph.add_edge("execute", END)
            self._graph = graph.compile(checkpointer=saver)
            yield

    async def _execute(self, state: State) -> State:
        view = state["view"]
        return {"result": await self.webhook.post(view["id"], view["body"])}

    async def submit(self, proposal: Proposal) -> View:
        """Run to the interrupt."""
        view = new_view(proposal)
        await self._graph.ainvoke({"view": view.model_dump()}, _thread(view.id), durability=_DURABILITY)
        return view

    async def decide(self, request: str, ballot: Ballot) -> View:
        """Resume."""
        resumed = Command(resume=ballot.model_dump())
        state = await self._graph.ainvoke(resumed, _thread(request), durability=_DURABILITY)
        if "view" not in state:
            raise HTTPException(404)
        return View(**state["view"] | {"state": "approved"})


def _thread(request: str) -> Any:
    return {"configurable": {"thread_id": request}}


async def _review(state: State) -> State:
    decision = interrupt({"digest": state["view"]["digest"]})
    return {"decision": decision}


async def _approved(state: State) -> str:
    decided = state["decision"]
    agreed = decided["decision"] == "approve" and decided["digest"] == state["view"]["digest"]
    return "execute" if agreed else END


def _with_channels() -> None:
    """What a service needs in its process to speak Slack and mail, too; made, and not used."""
    app = import_module("slack_bolt.async_app").AsyncApp(token="xoxb-made-up", signing_secret="made-up")  # noqa: S106  # made up
    app.action("approve")(_review)
    import_module("aiosmtplib").SMTP()
    handler = import_module("aiosmtpd.handlers").Sink()
    import_module("aiosmtpd.controller").Controller(handler, hostname="127.0.0.1", port=0)


if __name__ == "__main__":
    if os.environ.get("GRAPH_CHANNELS"):
        _with_channels()
    run(Graph)
