"""routing.yaml → `bot.core.policy.Policy`: strictly read, every fault told at once with file, line and column.

A file is either whole and checked or refused: nothing of a broken one is ever used (promise P16).
"""

from __future__ import annotations

from bot.routing.expectations import Result, run_tests
from bot.routing.explain import explain
from bot.routing.explanation import Explanation
from bot.routing.faults import RoutingError, RoutingErrors
from bot.routing.lint import warnings
from bot.routing.reader import load, parse

__all__ = [
    "Explanation",
    "Result",
    "RoutingError",
    "RoutingErrors",
    "explain",
    "load",
    "parse",
    "run_tests",
    "warnings",
]
