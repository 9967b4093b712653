"""What a policy says that its author may not have meant: nothing here stops it from loading."""

from bot.routing.lint.reaching import in_browsers, reachable
from bot.routing.lint.told import warnings

__all__ = ["in_browsers", "reachable", "warnings"]
