"""The seams: what the desk needs of a store, a channel, a clock, a replayer and a herald. Shapes only."""

from bot.core.ports.channel import Ballot, Channel, Clock, Letter, Place, Reviews
from bot.core.ports.letters import (
    MOST_ANSWERS,
    Correspondence,
    Cursor,
    Handled,
    KeyItem,
    Receipt,
    ReplyKey,
    Unreachable,
)
from bot.core.ports.replay import Herald, Order, Outcome, OutcomeKind, Replayer
from bot.core.ports.rows import AccountEntry, AuditLine, Change, Effect, EffectKind, Filter, Link, Overtaken, Session
from bot.core.ports.store import Store, T, Tx

__all__ = [
    "MOST_ANSWERS",
    "AccountEntry",
    "AuditLine",
    "Ballot",
    "Change",
    "Channel",
    "Clock",
    "Correspondence",
    "Cursor",
    "Effect",
    "EffectKind",
    "Filter",
    "Handled",
    "Herald",
    "KeyItem",
    "Letter",
    "Link",
    "Order",
    "Outcome",
    "OutcomeKind",
    "Overtaken",
    "Place",
    "Receipt",
    "Replayer",
    "ReplyKey",
    "Reviews",
    "Session",
    "Store",
    "T",
    "Tx",
    "Unreachable",
]
