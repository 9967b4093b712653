"""What tells an open page that it would look otherwise now, from whichever process it is asked."""

from __future__ import annotations

import os
import subprocess
import sys

from bot.web.inbox.queue_view import Scope, Search
from bot.web.inbox.view import fingerprint

SHOWN = "from bot.web.inbox.queue_view import Scope, Search; from bot.web.inbox.view import fingerprint; "
SHOWN += "print(fingerprint(Search(scope=Scope.ALL, q='\\ud800 refunds'), [('req_1', 'pending-1')], None))"


def elsewhere(seed: str) -> str:
    """The fingerprint that another process makes."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", SHOWN]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()  # noqa: S603  # our own words


def test_every_process_makes_the_same_of_the_same() -> None:
    """Else an open queue would be drawn anew after each restart, and at each turn of several replicas."""
    here = fingerprint(Search(scope=Scope.ALL, q="\ud800 refunds"), [("req_1", "pending-1")], None)
    assert elsewhere("1") == elsewhere("2") == here


def test_another_list_is_another_version() -> None:
    """One request more, another state, another order."""
    one, two = ("req_1", "pending-1"), ("req_2", "pending-1")
    lists = [[one], [two], [one, two], [two, one], [("req_1", "approved-1")]]
    assert len({fingerprint(shown) for shown in lists}) == len(lists)
