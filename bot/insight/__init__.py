"""Keeps what is measured up to date, behind the program, and reads figures from it."""

from bot.insight.follower import Follower, Standing
from bot.insight.reading import Reading

__all__ = ["Follower", "Reading", "Standing"]
