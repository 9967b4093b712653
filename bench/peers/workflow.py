"""DBOS: a durable workflow that waits for a message from a person (``recv``) and then calls the webhook in a step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from bench.peers.face import Ballot, Proposal, Service, View, Webhook, new_view, run

_TOPIC = "decision"
_A_DAY = 86_400
_POLLS = 0.01
"""Seconds. On SQLite it looks for messages, once a second by itself, which would be all that is measured."""
_open: list[Webhook] = []
"""The webhook of this process: DBOS's workflows are functions, found again by their names after a restart."""


@DBOS.step()
async def execute(view: dict[str, Any]) -> Any:
    """The approved action."""
    return await _open[0].post(view["id"], view["body"])


@DBOS.workflow()
async def review(view: dict[str, Any]) -> Any:
    """Wait for a person, then act."""
    decision = await DBOS.recv_async(_TOPIC, timeout_seconds=_A_DAY)
    agreed = decision is not None and decision["decision"] == "approve" and decision["digest"] == view["digest"]
    return await execute(view) if agreed else None


class Workflow(Service):
    """See `Service`."""

    def life(self) -> AbstractAsyncContextManager[None]:
        """DBOS, launched."""
        return self._launched()

    @asynccontextmanager
    async def _launched(self) -> AsyncIterator[None]:
        _open.append(self.webhook)
        config: DBOSConfig = {
            "name": "bench",
            "system_database_url": self.url,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": _POLLS,
        }
        DBOS(config=config)
        DBOS.launch()
        yield
        DBOS.destroy()

    async def submit(self, proposal: Proposal) -> View:
        """Start the workflow; it is on record when this returns."""
        view = new_view(proposal)
        with SetWorkflowID(view.id):
            await DBOS.start_workflow_async(review, view.model_dump())
        return view

    async def decide(self, request: str, ballot: Ballot) -> View:
        """Send the decision; it is on record when this returns."""
        await DBOS.send_async(request, ballot.model_dump(), _TOPIC)
        return View(id=request, digest=ballot.digest, state="approved", action="", body={})


if __name__ == "__main__":
    run(Workflow)
