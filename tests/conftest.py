"""How the whole suite runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import memory
from tests.browser import browser, browsers
from tests.postgres import Cluster

__all__ = ["browser", "browsers"]

# Where bytecode is not to be kept, as in images, each of some hundred processes would compile the program anew, and
# each worker every test: half of what a start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long an example takes says more of the machine, and of what else runs on it, than of what is tested.
settings.register_profile("sayso", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sayso")


def pytest_configure(config: pytest.Config) -> None:
    """What the tests write stays in memory where there is room for it."""
    memory.take(config)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What failed is left to be looked at."""
    if exitstatus == pytest.ExitCode.OK:
        memory.leave(session.config)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers more than there are cores: a third of the time is spent waiting for a browser or another process."""
    del config
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, which wait more than they work: at the end everybody would wait for one of them."""
    items.sort(key=lambda item: "torture" not in item.path.parts)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all that this worker tests."""
    started = Cluster()
    yield started
    started.close()
