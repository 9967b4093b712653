"""The bot without anybody who measures what happens: ``python -m bench.unmeasured up``, to see what measuring costs."""

from __future__ import annotations

import sys

from bot.__main__ import main
from bot.insight import Follower


def _rest(self: Follower) -> None:
    """In the place of `Follower.start`."""


if __name__ == "__main__":
    Follower.start = _rest  # type: ignore[method-assign]  # which is what this program is for
    sys.exit(main())
