"""Requests that are alike: counted by kind, looked at by lot, and approved together once that was done."""

from __future__ import annotations

import html
import re
import time

import pytest
from msgspec.structs import replace

from bot.core.model import Request, State, Verb
from bot.core.ports import Ballot
from bot.web.inbox.samples import Odd, odd_ones
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page, Reader

PATH = f"/inbox/alike?agent={AGENT}&action=mail.send"


async def letters(house: Standing, count: int, **more: object) -> list[Request]:
    """Letters that are alike but for whom they go to."""
    return [
        await house.submit(action="mail.send", arguments={"to": f"{n}@example.com", "subject": "News", **more})
        for n in range(count)
    ]


def boxes(page: Page, prefix: str, *, ticked: bool = True) -> dict[str, str]:
    """The form's boxes of a sort: those that are ticked, or all of them."""
    end = " checked" if ticked else ""
    found = re.findall(rf'type="checkbox" id="[^"]*" name="({prefix}:[^"]*)" value="([^"]*)"{end}', page.text)
    return {html.unescape(name): value for name, value in found}


async def send(reader: Reader, page: Page, decision: str, chosen: dict[str, str], **more: str) -> Page:
    """Send the group's form."""
    kept = {name: page.hidden(name) for name in ("csrf", "picks", "samples", "samples_mark")}
    return await reader.post(PATH, **(kept | {"decision": decision} | chosen | more))


async def pending(house: Standing, requests: list[Request]) -> int:
    """How many of them still wait."""
    return sum([(await house.now(request.id)).state is State.PENDING for request in requests])


async def test_what_waits_is_counted_by_agent_and_action(staged: Standing, visit: Visit) -> None:
    """Most first, each with a link to its group; what waits for somebody else is not among it."""
    await letters(staged, 3)
    await staged.submit(arguments={"order": "1", "amount": 1.0, "currency": "EUR"})
    page = await (await visit("ana")).get("/inbox/alike")
    assert re.findall(r"mail\.send.*?3 wait|refund\.issue.*?1 waits", page.words) != []
    assert page.words.index("mail.send") < page.words.index("refund.issue")
    assert f'href="{html.escape(PATH)}"' in page.text
    assert "Nothing waits for you." in (await (await visit("kim")).get("/inbox/alike")).words
    for path in (PATH, "/inbox/alike?agent=x&action=%00"):
        assert (await (await visit("kim")).get(path)).status == 404


async def test_a_group_is_approved_once_its_samples_were_looked_at(staged: Standing, visit: Visit) -> None:
    """Without a tick on each sample nothing is approved; the same samples are asked for again, and then all counts."""
    made = await letters(staged, 8)
    ana = await visit("ana")
    page = await ana.get(PATH)
    looked = boxes(page, "looked", ticked=False)
    assert len(looked) == 3
    assert boxes(page, "looked") == {}
    assert boxes(page, "tick") == {f"tick:{r.id}": f"1:{r.digest}" for r in made}, "folded or not, all are on the page"
    some = dict(list(looked.items())[:2])
    answer = await send(ana, page, "approve", boxes(page, "tick") | some)
    assert (answer.status, "Look at each spot check" in answer.words) == (422, True)
    assert await pending(staged, made) == 8
    assert boxes(answer, "looked", ticked=False) == looked, "no new lot is drawn"
    assert boxes(answer, "looked") == some
    answer = await send(ana, answer, "approve", boxes(answer, "tick") | looked)
    assert (answer.status, "8 of 8 counted" in answer.words) == (200, True)
    assert await pending(staged, made) == 0


@pytest.mark.parametrize("forged", [{"samples": ""}, {"samples": "{first}"}, {"samples_mark": "0" * 64}])
async def test_a_form_cannot_choose_its_own_samples(staged: Standing, visit: Visit, forged: dict[str, str]) -> None:
    """Which were drawn stands under the session's mark; a form that says otherwise approves nothing."""
    made = await letters(staged, 5)
    ana = await visit("ana")
    page = await ana.get(PATH)
    first = f"{made[0].id}=1:{made[0].digest}"
    said = {name: value.format(first=first) for name, value in forged.items()}
    every = {f"looked:{r.id}": f"1:{r.digest}" for r in made}
    answer = await send(ana, page, "approve", boxes(page, "tick") | every, **said)
    assert answer.status == 422
    assert await pending(staged, made) == 5


async def test_rejecting_takes_no_spot_checks(staged: Standing, visit: Visit) -> None:
    """Nothing runs by it; and one that is approved against the others was picked by itself."""
    made = await letters(staged, 4)
    ana = await visit("ana")
    page = await ana.get(PATH)
    turned = {f"other:{made[0].id}": f"1:{made[0].digest}"}
    answer = await send(ana, page, "reject", boxes(page, "tick") | turned, comment="Not now", category="not_needed")
    assert "4 of 4 counted" in answer.words
    assert [(await staged.now(r.id)).state for r in made] == [State.APPROVED, *[State.REJECTED] * 3]


async def test_a_sample_that_was_decided_meanwhile_holds_nobody_up(staged: Standing, visit: Visit) -> None:
    """It was looked at as it was shown; what became of it is told, and the others count."""
    made = await letters(staged, 4)
    ana = await visit("ana")
    page = await ana.get(PATH)
    looked = boxes(page, "looked", ticked=False)
    gone = next(r for r in made if f"looked:{r.id}" in looked)
    await staged.desk.decide(
        Ballot(request=gone.id, decision=Verb.REJECT, by="ana", channel="slack", revision=1, digest=gone.digest)
    )
    answer = await send(ana, page, "approve", boxes(page, "tick") | looked)
    assert "3 of 4 counted" in answer.words
    assert "It was already rejected by Ana Silva" in answer.words


async def test_the_lot_falls_anew_each_time(staged: Standing, visit: Visit) -> None:
    """No agent can foresee which are looked at: twenty pages draw more than one set."""
    await letters(staged, 12)
    ana = await visit("ana")
    assert len({(await ana.get(PATH)).hidden("samples") for _ in range(20)}) > 1


async def test_those_that_differ_stand_open_and_say_in_what(staged: Standing, visit: Visit) -> None:
    """The largest number, the odd text, and what has an argument too many or too few; the others are folded, whole."""
    made = await letters(staged, 12, copies=1)
    big = (await letters(staged, 1, copies=900))[0]
    other = await staged.submit(action="mail.send", arguments={"to": "y", "subject": "BUY <b>", "copies": 1})
    page = await (await visit("ana")).get(PATH)
    assert "The largest copies : 900" in page.words
    assert "subject is BUY <b>; nearly all others have News" in re.sub(r"\s+(?=is|;)", " ", page.words).replace(
        " ;", ";"
    )
    folded = page.text[page.text.index("<details class") : page.text.index("</details>")]
    for request in (big, other):
        assert f"tick:{request.id}" in page.text
        assert f"tick:{request.id}" not in folded
    assert sum(f"tick:{r.id}" in folded for r in made) >= 9


async def test_more_than_two_hundred_come_in_turns(staged: Standing, visit: Visit) -> None:
    """One page holds two hundred; how many more there are is said, and the answer leads to them."""
    await letters(staged, 202)
    ana = await visit("ana")
    page = await ana.get(PATH)
    assert "200 requests to decide together; 2 more come once these are decided" in page.words
    looked = boxes(page, "looked", ticked=False)
    assert len(looked) == 5
    chosen = dict(list(boxes(page, "tick").items())[:3]) | looked
    assert "199 of this kind are left" in (await send(ana, page, "approve", chosen)).words


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([{"a": 1}] * 5, {}),
        ([{"a": n} for n in range(5)], {0: ("least", "0", ""), 4: ("most", "4", "")}),
        ([{"a": "x"}] * 9 + [{"a": "y"}], {9: ("unlike", "y", "x")}),
        ([{"a": "x"}] * 9 + [{}], {9: ("missing", "", "x")}),
        ([{}] * 9 + [{"a": "z"}], {9: ("extra", "z", "")}),
        ([{"a": 7}] * 9 + [{"a": "7"}], {9: ("unlike", "7", "")}),
        ([{"a": True}] * 9 + [{"a": False}], {9: ("unlike", "false", "true")}),
        ([{"a": "x"}] * 5 + [{"a": "y"}] * 5, {}),
        ([{"a": "x"}] * 3 + [{"a": "y"}], {}),
        ([{"a": 1}] * 5 + [{"a": 2}] * 5, {}),
        ([{"a": "x"}] * 9 + [{"a": "\u202ey"}], {9: ("unlike", "⟦U+202E⟧y", "x")}),
    ],
)
async def test_what_differs(
    staged: Standing, values: list[dict[str, object]], expected: dict[int, tuple[str, ...]]
) -> None:
    """Bounds that a few hold, and what is not as nine in ten are; a half is no exception, and three are too few."""
    made = [await staged.submit(action="mail.send", arguments=one) for one in values]
    found = odd_ones(made)
    assert {n: found[r.id] for n, r in enumerate(made) if r.id in found} == {
        n: (Odd(kind=kind, name="a", value=value, usual=usual),) for n, (kind, value, usual) in expected.items()
    }


async def test_t22_names_without_end_are_not_compared_one_by_one(staged: Standing) -> None:
    """Two hundred requests with a thousand names each are gone through at once; each is named for a rare name."""
    (one,) = await letters(staged, 1)
    odd = [
        replace(one, id=f"req_{n}", content=replace(one.content, arguments={f"{n}_{m}": m for m in range(1_000)}))
        for n in range(200)
    ]
    begun = time.process_time()
    found = odd_ones([*odd, one])
    assert time.process_time() - begun < 2
    assert {"req_0", "req_199"} <= set(found)
