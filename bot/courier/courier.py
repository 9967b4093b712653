"""The courier as the house knows it: it is given committed rows, and told when to begin and to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.core.model import Execution, Request
from bot.core.ports import Channel, Clock, Effect, Herald, Order, Replayer
from bot.courier.errands import Errands
from bot.courier.replays import Replays
from bot.courier.shift import Shift
from bot.desk import Desk


class Courier:
    """The house's hands. `take` and `take_execution` are called with committed rows only."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        channels: Mapping[str, Channel],
        replayer: Replayer,
        *,
        herald: Herald,
        agent_url: Callable[[str], str | None],
        describe: Callable[[Request], dict[str, Any]],
    ) -> None:
        """``agent_url``: an agent's webhook; ``describe``: a request as the API returns it."""
        self._desk = desk
        self._shift = Shift(clock)
        self._errands = Errands(desk, self._shift, channels, herald=herald, agent_url=agent_url, describe=describe)
        self._replays = Replays(desk, self._shift, replayer)
        self._left: tuple[Sequence[Effect], Sequence[Execution]] | None = None

    @property
    def waiting(self) -> dict[str, int]:
        """How much is waiting or under way, for the metrics."""
        return {"effects": self._errands.waiting, "replays": self._replays.running, "held": self._replays.held}

    @property
    def failing(self) -> float:
        """For how many seconds what is owed outside has been failing, of what failed first; 0 where nothing does."""
        return self._errands.failing.longest(self._shift.clock.now())

    async def recall(self) -> None:
        """Find what was committed before the last stop, and settle what was running then.

        Before anything can be decided: a run that a mail asks for while the house opens is no run of before.
        """
        self._left = await self._desk.effects(), await self._desk.recover()

    async def start(self) -> None:
        """Take up what was committed before the last stop."""
        if self._left is None:
            await self.recall()
        left, self._left = self._left, None
        if left is not None:
            self.take(left[0])
            for execution in left[1]:
                self.take_execution(execution)

    async def stop(self, within: float) -> None:
        """Start nothing more, let what runs finish for so many seconds; what does not becomes `unknown`."""
        await self._shift.stop(within)
        await self._replays.give_up()

    def hurry(self) -> None:
        """Let `stop` wait no longer."""
        self._shift.hurry()

    def take(self, effects: Sequence[Effect]) -> None:
        """Perform effects, those of one card in order."""
        self._errands.take(effects)

    def take_execution(self, execution: Execution) -> None:
        """Run an execution when its time has come, or ask after it when its report is overdue."""
        self._replays.take(execution)

    def promise(self) -> bool:
        """See `bot.desk.ledger.Courier`."""
        return self._replays.promise()

    def unpromise(self, places: int) -> None:
        """See `bot.desk.ledger.Courier`."""
        self._replays.unpromise(places)

    def take_order(self, order: Order) -> None:
        """Run at once what is committed as begun."""
        self._replays.take_order(order)

    def drop(self) -> None:
        """Forget all that was taken: others see to it. What runs goes on, and what it comes to counts no more."""
        self._shift.forget_all()
        self._errands.drop()
        self._replays.drop()

    async def release(self) -> None:
        """Run what was held while replays were stopped, if they no longer are."""
        await self._replays.release()
