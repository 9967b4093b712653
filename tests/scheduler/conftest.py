"""The desk's house, for what its ticking does there."""

from __future__ import annotations

from tests.desk.conftest import house

__all__ = ["house"]
