"""T24: a tail that was written anew behind an old checkpoint, held against the times in it."""

from __future__ import annotations

from datetime import timedelta

from bot.core.chain import chained
from bot.core.checkpoint import EVENT, document
from bot.core.ports import AuditLine
from tests.core.test_t24_checkpoints import Lines, examined, honest, without_checkpoints
from tests.core.trails import NOW, OURS, Trail, edited, rechained, signed_line


def _carrying(trail: Trail, lines: Lines) -> Lines:
    """The first checkpoint of a trail, on a line behind others, and dated as it was."""
    line = trail.lines[10]
    body = line.body.replace('"seq":11,', f'"seq":{len(lines) + 1},', 1)
    return [AuditLine(seq=len(lines) + 1, previous=lines[-1].hash, hash=chained(lines[-1].hash, body), body=body)]


def test_t24_an_old_checkpoint_shown_as_the_newest_is_too_old() -> None:
    """Who has no other checkpoint can say how old the newest may be."""
    trail, _ = honest()
    cut = trail.lines[:11]
    assert examined(cut).ok
    assert examined(cut, max_age=timedelta(days=2)).ok
    assert "is older than 2:00:00" in str(examined(cut, max_age=timedelta(hours=2)).fault)


def test_t24_lines_that_should_have_been_signed_are_suspect() -> None:
    """A house says how often it signs: a tail of hours is a forger's, in whatever order dated, the checkpoint last."""
    trail, _ = honest()
    forged = rechained([*trail.lines[:11], *without_checkpoints(edited(trail.grow(200).lines[11:], 15))])
    assert "are signed by nobody since" in str(examined(forged).fault)
    anew = Trail()
    anew.lines = trail.lines[:10]
    for hours in (30, 0, 2, 5, 0):
        anew.at = NOW + timedelta(hours=hours, minutes=10)
        anew.tell()
    late = [*anew.lines, *_carrying(trail, anew.lines)]
    assert "Lines 11 to 15 are signed by nobody since" in str(examined(late).fault)
    quiet = Trail().grow(3)
    quiet.signed()
    quiet.at += timedelta(days=30)
    assert examined(quiet.grow(5).lines, days=40).ok


def test_t24_an_old_checkpoint_chained_as_the_newest_line_is_found() -> None:
    """What it was written beside is its own time: shown later, it was kept; dated back, the lines before it are not."""
    trail, _ = honest()
    forged = Trail()
    forged.lines, forged.at = trail.lines[:10], NOW + timedelta(minutes=10)
    forged.grow(30)
    forged.at += timedelta(hours=1)
    forged.tell(EVENT, document(signed_line(trail.lines[9], OURS, at=NOW + timedelta(minutes=10))))
    assert "an old one is shown as new" in str(examined(forged.lines).fault)


def test_t24_a_tail_that_a_restart_signed_late_is_told_of() -> None:
    """The bot signs what it finds as it starts: that days of lines came without a signature stands beside the proof."""
    trail, _ = honest()
    assert examined(trail.lines).notes == ()
    anew = Trail()
    anew.lines, anew.at = trail.lines[:11], NOW + timedelta(minutes=11)
    for _ in range(3):
        anew.tell()
        anew.at += timedelta(days=1)
    anew.signed()
    proof = examined(anew.lines, days=4)
    assert proof.ok, proof.fault
    assert "lines 12 to 14 had no signature until 2026-11-29 09:14 UTC" in " ".join(proof.notes)
