"""Durable rows: the `bot.core.ports.Store` of the house, on SQLite or PostgreSQL."""

from store.engine import BadAddress, open_store
from store.lock import AlreadyRunning
from store.migrate import SchemaMismatch
from store.store import SqlStore

__all__ = ["AlreadyRunning", "BadAddress", "SchemaMismatch", "SqlStore", "open_store"]
