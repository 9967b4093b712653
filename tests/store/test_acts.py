"""The contract of what guards of attention ask: somebody's newest decisions, of an action, and when they voted."""

from __future__ import annotations

from datetime import timedelta

from bot.core.model import Verb
from bot.core.ports import Act, Change, Tx
from store import SqlStore
from tests.store import samples
from tests.store.samples import NOW

A, B = "refund.issue", "mail.send"


def _act(tx: Tx, number: int, action: str, verb: Verb, by: str = "ana") -> None:
    value = samples.submit(tx, samples.request(action=action))
    made = samples.decision(value, by, verb, at=NOW + timedelta(seconds=number))
    tx.record(Change(event=samples.event("decided", value.id), decision=made))


async def test_somebodys_newest_acts_of_an_action(store: SqlStore) -> None:
    """Newest first, escalations left out, other people and actions apart; a unit sees what it has just written."""

    def work(tx: Tx) -> object:
        said = [(A, Verb.REJECT), (A, Verb.APPROVE), (B, Verb.APPROVE), (A, Verb.ESCALATE), (A, Verb.ASK)]
        for number, (action, verb) in enumerate(said):
            _act(tx, number, action, verb)
        _act(tx, 9, A, Verb.APPROVE, by="ben")
        return tx.acts_on("ana", A, 2), tx.votes_of("ana", 9), tx.acts_on("kim", A, 2)

    at = [NOW + timedelta(seconds=number) for number in range(5)]
    asked = (Act(at[4], Verb.ASK), Act(at[1], Verb.APPROVE))
    assert await store.write(work) == (asked, (at[2], at[1], at[0]), ())
    assert await store.write(lambda tx: tx.acts_on("ana", A, 2)) == asked
