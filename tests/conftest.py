"""How the whole suite runs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.postgres import Cluster


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than there are cores: much of what is tested waits for a browser or another process."""
    del config
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all that this worker tests."""
    started = Cluster()
    yield started
    started.close()
