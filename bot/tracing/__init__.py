"""OpenTelemetry's traces (the extra ``otel``): a span a call, a commit, a card, a replay. Not imported where it is off.

What is traced is wrapped where the house is put together, so that nothing else knows of it.
"""

from bot.tracing.tracing import Tracing

__all__ = ["Tracing"]
