"""The desk: the one door for every change, for agents, for people, for time and for replays alike."""

from __future__ import annotations

from bot.desk.advice import Advice
from bot.desk.agents import Agents
from bot.desk.batches import Batches
from bot.desk.erasing import Erasing
from bot.desk.examples import Examples
from bot.desk.letters import Letters
from bot.desk.practising import Practising
from bot.desk.rollbacks import Rollbacks
from bot.desk.runs import Runs
from bot.desk.trusting import Trusting
from bot.desk.turns import Turns
from bot.desk.undoing import Undoing
from bot.desk.visits import Visits
from bot.desk.waking import Waking


class Desk(
    Agents,
    Batches,
    Undoing,
    Rollbacks,
    Advice,
    Waking,
    Turns,
    Runs,
    Practising,
    Letters,
    Visits,
    Erasing,
    Examples,
    Trusting,
):
    """Every change of a request goes through here; each method is one committed step, or a refusal."""
