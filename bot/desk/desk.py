"""The desk: the one door for every change, for agents, for people, for time and for replays alike."""

from __future__ import annotations

from bot.desk.advice import Advice
from bot.desk.agents import Agents
from bot.desk.batches import Batches
from bot.desk.letters import Letters
from bot.desk.runs import Runs
from bot.desk.turns import Turns


class Desk(Agents, Batches, Advice, Turns, Runs, Letters):
    """Every change of a request goes through here; each method is one committed step, or a refusal."""
