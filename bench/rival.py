"""What one would write without thinking of speed: FastAPI, pydantic, the async ORM on aiosqlite, one commit a call.

The same cycle over the same shapes, with the same promise (WAL, ``synchronous=FULL``), but no rules, no schema of the
arguments, no hash chain and no signature: it is given a head start. FastAPI is no dependency of the project; where it
is not installed, the comparison is left out. Run as ``python -m bench.rival PORT RECEIVER_PORT DATABASE``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import aiohttp
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    """The ORM's tables."""

    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012  # as SQLAlchemy's documentation writes it


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


class Proposal(BaseModel):
    """What an agent posts."""

    action: str
    arguments: dict[str, Any]
    reason: str | None = None
    confidence: float | None = None
    labels: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Ballot(BaseModel):
    """What a reviewer posts."""

    decision: str
    revision: int
    digest: str


class View(BaseModel):
    """What either gets back."""

    id: str
    digest: str
    state: str
    action: str
    body: dict[str, Any]
    created_at: datetime


def _view(request: Request) -> View:
    return View(
        id=request.id,
        digest=request.digest,
        state=request.state,
        action=request.action,
        body=request.body,
        created_at=request.created_at,
    )


def _event(request: str, kind: str, **data: Any) -> Event:
    return Event(request_id=request, type=kind, at=datetime.now(UTC), data=data)


class Service:
    """The calls and the replay."""

    def __init__(self, database: str, target: str) -> None:
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._target = target
        self._client: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        event.listen(self._engine.sync_engine, "connect", _durable)

    @asynccontextmanager
    async def life(self, _: FastAPI) -> AsyncIterator[None]:
        """Make the tables; close what was opened."""
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        self._client = aiohttp.ClientSession(json_serialize=_compact)
        yield
        await self._client.close()
        await self._engine.dispose()

    async def submit(self, proposal: Proposal) -> View:
        """POST /v1/requests."""
        digest = "sha256:" + sha256(proposal.model_dump_json().encode()).hexdigest()
        request = Request(
            id=f"req_{uuid4().hex}",
            state="pending",
            key=uuid4().hex,
            action=proposal.action,
            digest=digest,
            body=proposal.model_dump(),
            created_at=datetime.now(UTC),
        )
        async with self._sessions() as session, session.begin():
            session.add_all((request, _event(request.id, "submitted", body=request.body)))
        return _view(request)

    async def decide(self, request_id: str, ballot: Ballot) -> View:
        """POST /v1/requests/{request_id}/decisions."""
        async with self._sessions() as session, session.begin():
            request = await self._load(session, request_id)
            if request.state != "pending" or request.digest != ballot.digest:
                raise HTTPException(409)
            request.state = "approved"
            decision = Decision(id=uuid4().hex, decision=ballot.decision, at=datetime.now(UTC))
            request.decisions.append(decision)
            execution = Execution(id=uuid4().hex, state="waiting", result=None)
            request.executions.append(execution)
            session.add(_event(request_id, "decided", decision=ballot.decision))
        task = asyncio.create_task(self._replay(request_id, execution.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _view(request)

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
        if self._client is None:
            return
        body = {"type": "action.execute", "data": {"request": request_id, "execution": execution_id, **request.body}}
        async with self._client.post(self._target, json=body) as response:
            result = await response.json()
        async with self._sessions() as session, session.begin():
            execution = await session.get_one(Execution, execution_id)
            execution.state, execution.result = "executed", result
            session.add(_event(request_id, "ended", result=result))


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _durable(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def main(port: int, receiver: int, database: str) -> None:
    """Serve until ended."""
    service = Service(database, f"http://127.0.0.1:{receiver}/")
    app = FastAPI(lifespan=service.life)
    app.post("/v1/requests", status_code=201, response_model=View)(service.submit)
    app.post("/v1/requests/{request_id}/decisions", response_model=View)(service.decide)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
