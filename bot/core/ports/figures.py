"""The seam to whoever reads figures: pages, API and report ask, and are answered from cells."""

from __future__ import annotations

from typing import Protocol

from bot.core.insight.asking import Question
from bot.core.insight.figures import Figures
from bot.core.insight.waiting import Queue


class Figuring(Protocol):
    """Review figures, as they stand."""

    async def figures(self, question: Question) -> Figures:
        """The answer, of whole hours; raises `Invalid` where a question cannot be answered (`Question.wrong`)."""

    async def queue(self, agent: str | None = None, action: str | None = None) -> Queue:
        """What is open now."""
