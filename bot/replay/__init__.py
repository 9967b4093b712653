"""Runs one approved action: a signed webhook to a guarded address, or a Python function in a process of its own."""

from bot.replay.replayer import TargetReplayer, open_replayer

__all__ = ["TargetReplayer", "open_replayer"]
