"""Consent read from the rows alone: what a rule or enough people stand behind, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.consent import consented
from bot.core.model import Decision, Request, State, Then, Verb
from tests.core.requests import content, decision, request, route, stage, step

ONE = route(stage(step("ana"), step("lea")))
TWO = route(stage(step("ana", "ben"), approvals=2))
IN_TURN = route(stage(step("ana")), stage(step("lea"), name="legal"))
BARRED = route(stage(step("ana", "ben")), excluded=("ana",))
BY_RULE = route(then=Then.APPROVE)
BLOCKED = route(then=Then.BLOCK)


def vote(by: str, **more: Any) -> dict[str, Any]:
    """One row of ``decisions``, before it is one."""
    return {"by": by, **more}


CASES: dict[str, tuple[Any, list[dict[str, Any]], dict[str, Any], bool]] = {
    "who was asked": (ONE, [vote("ana")], {}, True),
    "a later step": (ONE, [vote("lea")], {}, True),
    "nobody": (ONE, [], {}, False),
    "a stranger": (ONE, [vote("mallory")], {}, False),
    "somebody barred": (BARRED, [vote("ana")], {}, False),
    "a vote on another revision": (ONE, [vote("ana", revision=2)], {}, False),
    "a question is no vote": (ONE, [vote("ana", verb=Verb.ASK)], {}, False),
    "a rejection": (ONE, [vote("ana"), vote("lea", verb=Verb.REJECT)], {}, False),
    "two of two": (TWO, [vote("ana"), vote("ben")], {}, True),
    "one of two": (TWO, [vote("ana")], {}, False),
    "one, twice": (TWO, [vote("ana"), vote("ana")], {}, False),
    "both stages": (IN_TURN, [vote("ana"), vote("lea", stage=1)], {}, True),
    "the first stage alone": (IN_TURN, [vote("ana")], {}, False),
    "the last stage alone": (IN_TURN, [vote("lea", stage=1)], {}, False),
    "a state that is not approved": (ONE, [vote("ana")], {"state": State.REJECTED}, False),
    "no stage at all": (route(), [vote("ana")], {}, False),
    "a stage that takes nobody": (route(stage(step("ana"), approvals=0)), [], {}, False),
    "a rule": (BY_RULE, [], {}, True),
    "a rule, but people had been asked": (BY_RULE, [vote("ana")], {}, False),
    "a rule, of what was changed since": (BY_RULE, [], {"content": content(2)}, False),
    "a rule, of an edit": (BY_RULE, [], {"state": State.APPROVED_WITH_EDITS}, False),
    "a rule that blocks": (BLOCKED, [], {}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_t05_consent_is_read_from_the_rows(case: str) -> None:
    """An approved state alone is nothing: a rule or enough of the people asked have to stand behind this revision."""
    way, votes, changes, expected = CASES[case]
    asked = request(way=ONE)
    rows = tuple(_row(asked, **row) for row in votes)
    stored = replace(asked, **{"route": way, "state": State.APPROVED, "decisions": rows} | changes)
    assert consented(stored) is expected


def _row(asked: Request, *, by: str, stage: int = 0, verb: Verb = Verb.APPROVE, revision: int = 1) -> Decision:
    return replace(decision(asked, by, verb, revision=revision), stage=stage)
