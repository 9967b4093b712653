"""``sayso stats`` on a database that has a history: the text, the same numbers as JSON and CSV, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from bot.core.model import Verb
from bot.insight import Follower
from tests.commands.test_terminal import sayso
from tests.desk.house import edits, open_house

CATEGORY = {Verb.APPROVE: None, Verb.REJECT: "wrong_amount"}
PERIOD = "--from 2026-01-01 --to 2026-12-31"


async def history(folder: Path) -> None:
    """Three requests decided, each in its own way, one that waits, and all but that one measured."""
    async with open_house(folder / "sayso.db") as house:
        for verb in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.REJECT):
            asked = await house.submit(confidence=0.75)
            house.clock.move(minutes=5)
            if verb is Verb.APPROVE_WITH_EDITS:
                await house.decide(asked, verb=verb, arguments=edits(asked, amount=120.0))
            else:
                await house.decide(asked, verb=verb, comment="not theirs", category=CATEGORY[verb])
        await Follower(house.store, house.clock, lambda: house.policy, pause=0.0).level()
        await house.submit()


async def test_figures_are_told_in_a_terminal(tmp_path: Path) -> None:
    """Shares with intervals, times, why and which edits, people, what waits, what is missing; a bad question."""
    await history(tmp_path)
    told = sayso(tmp_path, f"stats {PERIOD} --by agent")
    assert told.returncode == 0, told.stderr
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert lines[1] == "3 requests (before: 0)"
    assert lines[2].endswith("not in these figures yet; a running bot adds them.")
    assert "approved as proposed 33.3 % ? 6.1 to 79.2 1 of 3" in lines
    assert "? of fewer than 30: too few to act on." in lines
    assert any(line.startswith("to the decision 5 min") and line.endswith(" 3") for line in lines)
    assert "why: wrong_amount 1" in lines
    assert any(line.startswith("/amount 1 50 % (90 %: 50 %)") for line in lines)
    assert "confidence: 75.0 % claimed, 33.3 % came true, of 3 (fewer than 30: too few to act on)" in lines
    assert any(line.startswith("waiting now: 1, the oldest for ") for line in lines)
    known = json.loads(sayso(tmp_path, f"stats {PERIOD} --by agent --json").stdout)
    assert known["whole"]["now"]["counts"]["decided"] == 3
    assert known["behind"] >= 1
    rows = list(csv.DictReader(io.StringIO(sayso(tmp_path, f"stats {PERIOD} --csv --alone").stdout)))
    decided = next(row for row in rows if (row["kind"], row["figure"]) == ("count", "decided"))
    assert (decided["group"], decided["value"], decided["before"]) == ("*", "3", "")
    people = sayso(tmp_path, f"stats {PERIOD} --by reviewer").stdout
    lines = [" ".join(line.split()) for line in people.splitlines()]
    assert lines[1].startswith("3 decisions")
    assert any(line.startswith("ana 3 33.3 % ? 33.3 % ? 33.3 % ?") for line in lines)
    refused = sayso(tmp_path, "stats --from 2026-03-01 --to 2026-02-01")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("--from: must be before to")


async def test_what_a_report_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    """A period that is none, and a narrowing that would be passed over in silence; the newest alone is said."""
    await history(tmp_path)
    for words, why in (
        ("--thresholds --from 2026-03-01 --to 2026-02-01", "--from: must be before to."),
        ("--attention --agent billing", "--agent: --attention is not narrowed to that."),
    ):
        refused = sayso(tmp_path, f"stats {words}")
        assert (refused.returncode, refused.stdout, refused.stderr.strip()) == (2, "", why)
    told = json.loads(sayso(tmp_path, f"stats --thresholds {PERIOD} --agent billing --json").stdout)
    assert told["only_newest"] is False
