"""The installation that each of these starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An installation without Slack."""
    return Program(tmp_path)
