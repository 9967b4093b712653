"""What may still be said of a request whose subject was erased: that it did harm, or how it ended; no words (T23).

Its key is destroyed, so nothing of it can be erased a second time: whatever is written to it now would stay for good.
"""

from __future__ import annotations

from bot.core.examples import may_be_erased
from bot.core.model import Request
from bot.core.ports import Tx


def erased(tx: Tx, request: Request) -> bool:
    """Whether what this request said is erased. Looks into the store only where it can have been."""
    return may_be_erased(request) and bool(tx.forgotten((request.id,)))
