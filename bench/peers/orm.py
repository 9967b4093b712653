"""What one would write without thinking of speed: FastAPI, pydantic, the async ORM, one commit a step.

The same cycle over the same shapes, with the same promise (WAL and ``synchronous=FULL``, or PostgreSQL as it comes).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi import HTTPException
from sqlalchemy import JSON, DateTime, ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from bench.peers.face import Ballot, Proposal, Service, View, Webhook, new_view, run


class Base(DeclarativeBase):
    """The ORM's tables."""

    # As SQLAlchemy's documentation writes it.
    type_annotation_map = {dict[str, Any]: JSON, datetime: DateTime(timezone=True)}  # noqa: RUF012  # see above


class Decision(Base):
    """A vote."""

    __tablename__ = "decisions"
    id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), index=True)
    decision: Mapped[str]
    at: Mapped[datetime]


class Execution(Base):
    """A run."""

    __tablename__ = "executions"
    id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), index=True)
    state: Mapped[str]
    result: Mapped[dict[str, Any] | None]


class Event(Base):
    """An audit line, not chained."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    type: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class Request(Base):
    """A proposal."""

    __tablename__ = "requests"
    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    key: Mapped[str] = mapped_column(unique=True)
    action: Mapped[str]
    digest: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    decisions: Mapped[list[Decision]] = relationship()
    executions: Mapped[list[Execution]] = relationship()


def _event(request: str, kind: str, **data: Any) -> Event:
    return Event(request_id=request, type=kind, at=datetime.now(UTC), data=data)


def _view(request: Request) -> View:
    return View(id=request.id, digest=request.digest, state=request.state, action=request.action, body=request.body)


class Orm(Service):
    """See `Service`."""

    def __init__(self, url: str, webhook: Webhook) -> None:
        super().__init__(url, webhook)
        self._engine = create_async_engine(url, pool_size=20)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._tasks: set[asyncio.Task[None]] = set()
        if url.startswith("sqlite"):
            event.listen(self._engine.sync_engine, "connect", _durable)

    def life(self) -> AbstractAsyncContextManager[None]:
        """The tables and the engine."""
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await self._engine.dispose()

    async def submit(self, proposal: Proposal) -> View:
        """One commit."""
        view = new_view(proposal)
        request = Request(
            id=view.id,
            state="pending",
            key=uuid4().hex,
            action=view.action,
            digest=view.digest,
            body=view.body,
            created_at=datetime.now(UTC),
        )
        async with self._sessions() as session, session.begin():
            session.add_all((request, _event(request.id, "submitted", body=request.body)))
        return view

    async def decide(self, request: str, ballot: Ballot) -> View:
        """One commit; the action runs beside the answer, in two more."""
        async with self._sessions() as session, session.begin():
            found = await self._load(session, request)
            if found.state != "pending" or found.digest != ballot.digest:
                raise HTTPException(409)
            found.state = "approved"
            decision = Decision(id=uuid4().hex, decision=ballot.decision, at=datetime.now(UTC))
            found.decisions.append(decision)
            execution = Execution(id=uuid4().hex, state="waiting", result=None)
            found.executions.append(execution)
            session.add(_event(request, "decided", decision=ballot.decision))
        task = asyncio.create_task(self._replay(request, execution.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _view(found)

    async def _load(self, session: AsyncSession, request_id: str) -> Request:
        wanted = select(Request).where(Request.id == request_id)
        loaded = wanted.options(selectinload(Request.decisions), selectinload(Request.executions))
        found = (await session.execute(loaded)).scalar_one_or_none()
        if found is None:
            raise HTTPException(404)
        return found

    async def _replay(self, request_id: str, execution_id: str) -> None:
        async with self._sessions() as session, session.begin():
            request = await self._load(session, request_id)
            request.executions[0].state = "executing"
            session.add(_event(request_id, "started"))
        result = await self.webhook.post(request_id, request.body)
        async with self._sessions() as session, session.begin():
            execution = await session.get_one(Execution, execution_id)
            execution.state, execution.result = "executed", result
            session.add(_event(request_id, "ended", result=result))


def _durable(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


if __name__ == "__main__":
    run(Orm)
