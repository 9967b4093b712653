"""The policy in force with what was earned: grants as this process knows them, read anew once they may have changed.

What is remembered here may be stale, and only ever decides what is looked up: before a grant lets anything run, the
transaction that keeps the request reads its row (`bot.desk.counting`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.core.policy import Policy
from bot.core.ports import Clock
from bot.core.trust.grants import Grant, GrantState, earned


class Trusted:
    """Holds the grants that have not ended, and the policy that they amount to."""

    def __init__(self, file: Callable[[], Policy], clock: Clock) -> None:
        """``file`` gives the policy of routing.yaml alone."""
        self.file = file
        self._clock = clock
        self.grants: tuple[Grant, ...] = ()
        self.stale = True
        """Whether the rows may say something else by now."""
        self.read_at: datetime | None = None
        self._made: tuple[Policy, tuple[Grant, ...], Policy] | None = None

    def current(self) -> Policy:
        """The policy in force."""
        policy = self.file()
        if not self.grants:
            return policy
        made = self._made
        if made is None or made[0] is not policy or made[1] is not self.grants:
            made = self._made = (policy, self.grants, earned(policy, self.grants, self._clock.now()))
        return made[2]

    def take(self, grants: tuple[Grant, ...]) -> None:
        """Remember these, as the rows had them just now."""
        live = tuple(grant for grant in grants if grant.state is not GrantState.ENDED)
        self.stale, self.read_at = False, self._clock.now()
        if [(g.id, g.state) for g in live] != [(g.id, g.state) for g in self.grants]:
            self.grants = live

    def held(self, rule: str, agent: str, action: str) -> Grant | None:
        """The grant in force for what people decide about, as far as this process knows."""
        about = (rule, agent, action)
        return next((g for g in self.grants if g.about == about and g.state is GrantState.IN_FORCE), None)
