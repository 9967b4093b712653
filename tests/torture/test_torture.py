"""The quick pass: every point is passed, every event has its points, and what matters most is killed at."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.torture.hindsight import earned
from tests.torture.points import Points, at_once, named
from tests.torture.run import torture

ROOT = Path(__file__).parents[2]
BESIDE = ("bot/rules", "bot/checkpoints/notary", "bot/commands/backup", "bot/commands/moving", "bot/commands/restore")
APPENDS = [
    *sorted((ROOT / "bot/desk").glob("*.py")),
    *(ROOT / f"{name}.py" for name in (*BESIDE, "store/erasing")),
]
TOLD_TO_AGENTS = {
    "request.executed", "request.executing", "request.failed", "request.incident", "request.needs_advice",
    "request.needs_info", "request.rolled_back", "sealing.pepper",
}  # fmt: skip
"""Names of webhooks and of a setting, which look like events and are none."""
ELSEWHERE = {
    "address.reachable": "mail alone finds out that an address lives: tests/stories/test_email.py",
    "address.unreachable": "mail alone comes back: tests/desk/test_returned.py",
    "request.erased": "a line for each request of subject.erased, in its commit",
    "store.backed_up": "a command beside the bot: tests/store/test_p15_kill.py",
    "store.moved_in": "a command: tests/store/test_p15_moving.py",
    "store.moved_out": "a command: tests/store/test_p15_moving.py",
    "store.restored": "a command: tests/stories/test_p15_restore.py",
    "letter.received": "mail alone is received: tests/stories/test_email.py",
    "push.subscribed": "a browser's own: tests/web/inbox/test_push.py",
    "push.unsubscribed": "a browser's own: tests/web/inbox/test_push.py",
    "examples.exported": "an admin's own: tests/desk/test_examples.py",
    "refusals.counted": "comes a minute after sixty refusals: tests/desk/test_refusals.py",
}
"""Events that the workload does not bring about, and why; what they commit is held where it says."""

SENDING = (
    "request.submitted:after commit#3",
    "POST requests:not answered#2",
    "execution.started:after commit#1",
    "wire:answer begun, not read#2",
    "replay:ended, not recorded#1",
    "slack card:sent, not recorded#1",
    "execution.ended:after commit#1",
)
COMMITTING = (
    "request.decided:before commit#1",
    "start:channels up, nothing taken up#1",
    "execution.retried:after commit#1",
    "commit:done, nobody told#40",
    "request.escalated:after commit#1",
    "stop:courier at work#1",
)
OVER_THE_WIRE = ("commit:done, nobody told#30", "replay:ended, not recorded#1")
"""On PostgreSQL each kill is followed by a lease that has to run out."""

BY_CHANCE = {"delivery.skipped:before commit", "delivery.skipped:after commit"}
"""A card is left out where its request ends before it goes out: a matter of milliseconds, which no story can force."""


def written() -> set[str]:
    """Every event type that the code names."""
    found = set()
    for path in APPENDS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} if re.fullmatch(r"[a-z]+\.[a-z_]+", node.value) else set()
    return found - TOLD_TO_AGENTS


def test_every_event_has_its_points() -> None:
    """What the code appends to the trail is committed somewhere, and may be killed before and after that."""
    points = set(named())
    assert len(points) >= 40
    for kind in written() - ELSEWHERE.keys() | {"refusal"}:
        assert {f"{kind}:before commit", f"{kind}:after commit"} <= points, f"{kind} has no points"


def test_a_point_kills_nothing_until_it_is_its_turn(tmp_path: Path) -> None:
    """What is passed is written down once each; another point, or too few times, is no reason to end."""
    points = Points("there#3", str(tmp_path / "passed"))
    for name in ("here", "there", "here", "there", "here"):
        points.reach(name)
    assert (tmp_path / "passed").read_text(encoding="utf-8") == "here\nthere\n"


async def test_p01_p13_the_workload_passes_every_point(tmp_path: Path) -> None:
    """Unharmed, it passes all of them and none beside, and everything that anybody holds agrees."""
    url, wanted = f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", named("sqlite")
    report = await torture(tmp_path, url, seed=6, wanted=wanted)
    assert report.killed == ()
    assert sorted(report.points | BY_CHANCE) == sorted(wanted)


@pytest.mark.torture
async def test_p01_p13_the_workload_passes_every_point_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """The same on the other store, whose points are not quite those; of a lost replica it takes a kill to tell."""
    database, wanted = await cluster.make(), at_once("postgresql")
    report = await torture(tmp_path, cluster.url(database), seed=6, wanted=wanted)
    assert sorted(report.points | BY_CHANCE) == sorted(wanted)
    await cluster.drop(database)


@pytest.mark.parametrize(
    "kills", [pytest.param(SENDING, marks=pytest.mark.torture), COMMITTING], ids=["sending", "committing"]
)
async def test_p01_p05_p08_p13_killed_at_what_matters_most(tmp_path: Path, kills: tuple[str, ...]) -> None:
    """Killed again and again, in what the last kill left too: nothing told is lost, nothing runs twice, all agree."""
    report = await torture(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", seed=7, kills=kills, but=(earned,))
    assert report.killed == kills
    assert report.lost


async def test_p01_p05_p08_p13_killed_over_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """The same where the commit is another process's: what was committed and told to nobody stands."""
    database = await cluster.make()
    report = await torture(tmp_path, cluster.url(database), seed=8, kills=OVER_THE_WIRE, but=(earned,))
    assert report.killed == OVER_THE_WIRE
    assert set(named("postgresql")) - set(named("sqlite")) <= report.points
    await cluster.drop(database)
