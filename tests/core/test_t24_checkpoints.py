"""T24: against a public key, and checkpoints kept elsewhere, every forgery of a trail is found; honest ones pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.core.audit import exported_line
from bot.core.chain import chained
from bot.core.checkpoint import EVENT, Signed, SigningKey, document
from bot.core.keyring import Attested
from bot.core.ports import AuditLine
from bot.core.proof import Examiner, Proof
from tests.core.trails import NEXT, NOW, OURS, THIEF, Trail, edited, rechained, signed_line

Lines = list[AuditLine]


def examined(
    lines: Sequence[AuditLine],
    *outside: Signed,
    trusted: Sequence[SigningKey] = (OURS,),
    part: bool = False,
    max_age: timedelta | None = None,
    days: int = 1,
) -> Proof:
    """What a verifier finds who trusts these keys, some days after the trail began."""
    told = [Attested(signed=signed, where=f"kept:{n}") for n, signed in enumerate(outside, 1)]
    examiner = Examiner(trusted=[key.public for key in trusted], outside=told, part=part)
    for begin in range(0, len(lines), 7):
        examiner.take(lines[begin : begin + 7])
    return examiner.conclude(now=NOW + timedelta(days=days), max_age=max_age)


def honest() -> tuple[Trail, Signed]:
    """24 lines with checkpoints of lines 10 and 20 (at 11 and 21), and the newest of them."""
    trail = Trail().grow(10)
    trail.signed()
    trail.grow(9)
    newest = trail.signed()
    return trail.grow(3), newest


def without_checkpoints(lines: Lines) -> Lines:
    """All lines but those that carry a checkpoint."""
    return [line for line in lines if f'"type":"{EVENT}"' not in line.body]


def _bodies_swapped(lines: Lines) -> Lines:
    a, b = lines[4], lines[5]
    return [*lines[:4], replace(a, body=b.body), replace(b, body=a.body), *lines[6:]]


def _thief_signs(lines: Lines) -> Lines:
    """Everything anew, and checkpoints as the house makes them, but by a key of the forger's own."""
    trail = Trail()
    for line in without_checkpoints(edited(lines, 4)):
        trail.tell(data={"forged": line.seq})
    trail.signed(THIEF)
    return trail.lines


ALONE: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "a word edited": (lambda lines: edited(lines, 4), "Line 4 was changed"),
    "two lines in another order": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "Line 4 is missing"),
    "two lines' bodies swapped": (_bodies_swapped, "Line 5 was changed"),
    "a line put in": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "Line 6 is missing or out of place"),
    "a line taken out": (lambda lines: [*lines[:5], *lines[6:]], "Line 6 is missing"),
    "the first taken off": (lambda lines: lines[1:], "Line 1 is missing"),
    "everything dropped": (lambda _: [], "No checkpoint that these lines bear out"),
    "the tail cut before any checkpoint": (lambda lines: lines[:9], "No checkpoint that these lines bear out"),
    "edited and chained anew": (lambda lines: rechained(edited(lines, 4)), "Line 10 is not the one that was signed"),
    "a line put in and chained anew": (
        lambda lines: rechained([*lines[:5], lines[4], *lines[5:]]),
        "Line 10 is not the one that was signed",
    ),
    "two swapped and chained anew": (
        lambda lines: rechained([*lines[:3], lines[4], lines[3], *lines[5:]]),
        "Line 10 is not the one that was signed",
    ),
    "chained anew after the first checkpoint": (
        lambda lines: rechained(edited(lines, 15)),
        "Line 20 is not the one that was signed",
    ),
    "chained anew without checkpoints": (
        lambda lines: rechained(without_checkpoints(edited(lines, 4))),
        "No checkpoint that these lines bear out",
    ),
    "chained anew and signed by another key": (_thief_signs, "signed by a strange key"),
}
"""What a forger does, and what is said to whoever has the export and the public key alone."""


@pytest.mark.parametrize("forgery", ALONE)
def test_t24_a_forgery_is_found_by_the_export_and_the_key_alone(forgery: str) -> None:
    """Nothing else is needed for what happened before the newest checkpoint."""
    forge, says = ALONE[forgery]
    proof = examined(forge(honest()[0].lines))
    assert not proof.ok
    assert says in str(proof.fault)


CUT: dict[str, Callable[[Lines], Lines]] = {
    "the tail cut behind an old checkpoint, which is shown as the newest": lambda lines: lines[:11],
    "all but one line dropped": lambda lines: lines[:1],
    "everything dropped": lambda _: [],
    "the tail rewritten behind an old checkpoint": lambda lines: rechained(without_checkpoints(edited(lines, 15))[:22]),
    "everything rewritten": lambda lines: rechained(without_checkpoints(edited(lines, 2))),
}
"""What a forger does who has only to go back behind the newest checkpoint, or behind all."""


@pytest.mark.parametrize("forgery", CUT)
def test_t24_a_cut_is_found_by_a_checkpoint_that_was_kept_elsewhere(forgery: str) -> None:
    """The newest checkpoint alone is enough, wherever it was kept."""
    trail, newest = honest()
    proof = examined(CUT[forgery](trail.lines), newest)
    assert not proof.ok
    assert "20" in str(proof.fault)


def test_t24_an_honest_trail_passes() -> None:
    """Whole, with what is signed and what is not yet; with the kept checkpoints, and without."""
    trail, newest = honest()
    for outside in ((), (newest,)):
        proof = examined(trail.lines, *outside)
        assert proof.ok, proof.fault
        assert (proof.first, proof.lines, proof.seq, proof.hash) == (1, 24, 24, trail.lines[-1].hash)
        assert proof.signed is not None
        assert (proof.signed.seq, proof.signed.keys, proof.unsigned) == (20, (OURS.public,), 4)
    assert examined([], trusted=()).ok


def test_t24_a_checkpoint_that_was_touched_is_found() -> None:
    """Another line, hash, time, house or promise in it: the signature no longer fits."""
    trail, newest = honest()
    for change in ({"seq": 19}, {"hash": "0" * 64}, {"at": NOW}, {"house": "https://other"}, {"every": 9}):
        touched = replace(newest, checkpoint=replace(newest.checkpoint, **change))
        proof = examined(trail.lines, touched)
        assert "is not signed by the key that it names" in str(proof.fault)
    stripped = replace(newest, signatures=())
    assert not examined(trail.lines, stripped).ok


def test_t24_a_checkpoint_by_a_strange_key_is_found() -> None:
    """It is said whose it is, be it kept elsewhere or on the trail; what it says counts for nothing."""
    trail, _ = honest()
    strange = signed_line(trail.lines[21], THIEF)
    proof = examined(trail.lines, strange)
    assert f"signed by a strange key, {THIEF.public}" in str(proof.fault)
    assert proof.signed is not None
    assert proof.signed.seq == 20
    trail.signed(THIEF)
    assert "(line 25) is signed by a strange key" in str(examined(trail.lines).fault)


def test_t24_a_checkpoint_of_a_line_to_come_is_found() -> None:
    """What is on the trail signs lines before it, and is a checkpoint."""
    trail, newest = honest()
    ahead = replace(newest.checkpoint, seq=99)
    trail.tell(EVENT, document(replace(newest, checkpoint=ahead)))
    assert "carries a checkpoint of line 99" in str(examined(trail.lines).fault)
    other, _ = honest()
    other.tell(EVENT, {"checkpoint": "none"})
    assert "carries a checkpoint that is none" in str(examined(other.lines).fault)


def test_t24_two_checkpoints_of_one_line_that_differ_are_found() -> None:
    """A house that signed two histories has signed what convicts it."""
    trail, newest = honest()
    other = signed_line(replace(trail.lines[19], hash="f" * 64), OURS)
    assert "Line 20 is not the one that was signed" in str(examined(trail.lines, newest, other).fault)


def test_a_part_is_held_by_the_checkpoints_in_it() -> None:
    """An export between two dates begins and ends anywhere; a checkpoint in it pins all that comes before it there."""
    trail, newest = honest()
    part = trail.lines[13:22]
    assert "Line 1 is missing" in str(examined(part).fault)
    proof = examined(part, newest, part=True)
    assert proof.ok, proof.fault
    assert (proof.first, proof.lines, proof.seq, proof.unsigned) == (14, 9, 22, 2)
    assert "Line 16 was changed" in str(examined(edited(part, 16), part=True).fault)
    later = signed_line(trail.lines[23], OURS)
    assert examined(part, signed_line(trail.lines[2], OURS), newest, later, part=True).ok
    assert not examined(trail.lines[21:], part=True).ok


ROTATED = {"before": (OURS,), "after": (NEXT,), "both": (OURS, NEXT)}


def rotated() -> Trail:
    """One key, then the next with it, then the next alone."""
    trail = Trail().grow(4)
    trail.signed(OURS)
    trail.grow(4).signed(NEXT, OURS)
    trail.grow(4).signed(NEXT)
    return trail


@pytest.mark.parametrize("trusting", ROTATED)
def test_whoever_trusts_one_key_follows_a_rotation(trusting: str) -> None:
    """The old key and the new sign one checkpoint together: by it the one vouches for the other, both ways."""
    trail = rotated()
    proof = examined(trail.lines, trusted=ROTATED[trusting])
    assert proof.ok, proof.fault
    assert proof.checkpoints == 3
    assert proof.signed is not None
    assert proof.signed.keys == (NEXT.public,)
    assert any("rotated" in note for note in proof.notes)


def test_t24_a_key_that_was_given_up_signs_no_more() -> None:
    """Whoever stole the old key after the rotation makes nothing with it that counts, to whomever it is shown."""
    trail = rotated()
    trail.grow(3).signed(OURS)
    for trusted in ROTATED.values():
        assert "by a key that was given up before" in str(examined(trail.lines, trusted=trusted).fault)


@pytest.mark.parametrize("trusting", ROTATED)
def test_t24_a_key_that_was_given_up_vouches_for_nobody(trusting: str) -> None:
    """Nor does a thief's own key help whoever stole the old one, signing beside it."""
    trail = rotated()
    trail.grow(3).signed(THIEF, OURS)
    trail.grow(3).signed(THIEF)
    proof = examined(trail.lines, trusted=ROTATED[trusting])
    assert not proof.ok
    assert "a key" in str(proof.fault) or "own key" in str(proof.fault)
    assert proof.checkpoints == 3


def test_t24_an_old_key_does_not_go_on_behind_the_new_one() -> None:
    """Whoever stole the old key cuts the trail back to where both signed; who trusts the new one finds it out."""
    trail = Trail().grow(4)
    trail.signed(OURS)
    trail.grow(4).signed(NEXT, OURS)
    trail.grow(4).signed(OURS)
    assert "not signed by the house's own key of then" in str(examined(trail.lines, trusted=(NEXT,)).fault)


def test_t24_a_hostile_line_is_a_fault_and_no_crash() -> None:
    """JSON too deep for any reader, a checkpoint before all time, and an event without a time."""
    deep = b'{"seq":1,"previous":"%b","hash":"%b","event":%b}' % (b"0" * 64, b"0" * 64, b"[" * 99_999 + b"]" * 99_999)
    with pytest.raises(ValueError, match="no JSON"):
        exported_line(deep)
    trail, newest = honest()
    early = replace(newest, checkpoint=replace(newest.checkpoint, at=datetime(1, 1, 1)))  # noqa: DTZ001  # a forger's
    assert "is not signed by the key that it names" in str(examined(trail.lines, early).fault)
    last = AuditLine(seq=25, previous=trail.lines[-1].hash, hash="", body='{"seq":25,"type":"x"}')
    last = replace(last, hash=chained(last.previous, last.body))
    assert "does not say when it happened" in str(examined([*trail.lines, last]).fault)


def test_t24_a_new_key_that_no_old_one_vouches_for_is_strange() -> None:
    """Lost keys cannot be followed: the verifier is told, and may trust the new one too."""
    trail = Trail().grow(4)
    trail.signed(OURS)
    trail.grow(4).signed(NEXT)
    assert "strange key" in str(examined(trail.lines).fault)
    assert examined(trail.lines, trusted=(OURS, NEXT)).ok


def test_without_a_key_only_the_chain_is_looked_at() -> None:
    """And that is said."""
    trail, _ = honest()
    proof = examined(trail.lines, trusted=())
    assert (proof.ok, proof.signed, proof.checkpoints) == (True, None, 0)
    assert "held against no key" in proof.notes[0]
