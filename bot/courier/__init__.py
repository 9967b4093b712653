"""Performs what committed rows ask for: cards out, cards updated, words at cards, webhooks, replays.

The law: it takes only what is committed, and forgets only by committing that it is done. Sending may happen twice
after a crash; running may not, because `Runs.claim` commits first. Everything for one card happens in order.
"""

from bot.courier.courier import Courier

__all__ = ["Courier"]
