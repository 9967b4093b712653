"""T15: the looks that are owed after a doubt are not paid with trifles, nor with what is withdrawn."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.core.trust import owing
from bot.core.trust.grants import Grant
from tests.core.trust.histories import BEGAN

GRANT = Grant(
    id="grt_1",
    rule="refunds",
    terms="",
    agent="billing",
    action="refund.issue",
    ceilings={"/amount": 50.0, "/days": 10.0},
    level=0,
    confidence=None,
    irreversible=False,
    sample=0.1,
    per_day=100,
    lasts=timedelta(days=30),
    ask="admins",
    request="req_1",
    proposed_at=BEGAN,
)


def after(grant: Grant, *asked: tuple[float, float]) -> tuple[Grant, list[bool]]:
    """The grant after these requests (amount, days), and which of them went to people for a look that was owed."""
    told = []
    for amount, days in asked:
        numbers = {"/amount": amount, "/days": days}
        told.append(owing.owes(grant, numbers))
        grant = owing.looked_at(grant, numbers) if told[-1] else grant
    return grant, told


def test_t15_trifles_pay_for_trifles() -> None:
    """After five of one cent others of a cent run, and five of forty go to people all the same; then all is paid."""
    grant, told = after(owing.doubted(GRANT), *[(0.01, 9)] * 6)
    assert told == [True] * 5 + [False]
    grant, told = after(grant, *[(40, 9)] * 6)
    assert told == [True] * 5 + [False]
    assert grant == replace(GRANT, owed=0, looked=())
    # By every number: many days of little money are no look at much money, and the other way round.
    grant, _ = after(owing.doubted(GRANT), *[(1, 10)] * 5)
    assert after(grant, (50, 1))[1] == [True]
    grant, _ = after(owing.doubted(GRANT), *[(50, 1)] * 5)
    assert after(grant, (50, 2), (50, 3))[1] == [False, True]


def test_t15_looks_that_nobody_had_are_owed_again() -> None:
    """Five of forty that are withdrawn pay for nothing, however many cents come in between."""
    grant, _ = after(owing.doubted(GRANT), *[(40, 9)] * 5)
    for _ in range(5):
        grant = owing.unseen(grant, {"/amount": 40, "/days": 9})
    grant, _ = after(grant, *[(0.01, 9)] * 9)
    assert after(grant, *[(40, 9)] * 6)[1] == [True] * 5 + [False]
    # What a trifle that was withdrawn paid is taken back as well, and nothing is owed twice for it.
    grant, _ = after(owing.doubted(GRANT), (1, 1))
    assert owing.unseen(grant, {"/amount": 1, "/days": 1}) == owing.doubted(GRANT)


def test_t15_what_is_owed_is_short_and_names_no_amount() -> None:
    """Doubts without end leave a row that every request reads no longer, and amounts are kept to two digits."""
    grant = GRANT
    for n in range(1, 41):
        grant, _ = after(owing.doubted(grant), *[(n / 1000, n / 1000)] * 3)
    assert grant.owed + len(grant.looked) == 50
    grant, _ = after(owing.doubted(GRANT), (12.3456, 1.234))
    assert grant.looked == ({"/amount": 25.0, "/days": 2.5},)


def test_t15_without_ceilings_any_five_are_enough() -> None:
    """Where nothing says how large a request is, they are all alike."""
    free = replace(GRANT, ceilings={})
    assert after(owing.doubted(free), *[(1, 1)] * 6)[1] == [True] * 5 + [False]
