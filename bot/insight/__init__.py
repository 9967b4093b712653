"""Keeps what is measured up to date, behind the program."""

from bot.insight.follower import Follower, Standing

__all__ = ["Follower", "Standing"]
