"""Reports for auditors: who may approve, who approved what having seen what, what was out of the ordinary.

The room knows the core alone. Everything counted here is counted from the audit's lines and the requests' rows, so that
whoever holds an export can count it again.
"""

from __future__ import annotations

from bot.reports.report import Reports

__all__ = ["Reports"]
