"""The one door for every change: load, ask the core, commit row, audit and effects in one transaction."""

from bot.desk.access import Access
from bot.desk.desk import Desk
from bot.desk.ledger import Courier, Ledger
from bot.desk.live import Live, Moved, Watch
from bot.desk.replicas import Replicas
from bot.desk.rounds import Rounds
from bot.desk.switch import pause

__all__ = ["Access", "Courier", "Desk", "Ledger", "Live", "Moved", "Replicas", "Rounds", "Watch", "pause"]
