"""A desk whose refunds can be taken back and are looked at afterwards, for the tests of what happens after a run."""

from __future__ import annotations

from typing import Any

from bot.core.model import Execution, ExecutionState, Request
from bot.core.ports import Filter, Order, Outcome, OutcomeKind
from tests.desk.filed import DEFAULT, enforce
from tests.desk.house import House

ACTIONS = """
actions:
  refund.issue:
    title: "Refund {{ amount }} on order {{ order }}"
    execute: {webhook: RECEIVER/refunds, timeout: 2s}
    redact: [card]
    subject: customer
    rollback:
      action: refund.reverse
      arguments:
        refund: "{{ result.id }}"
        amount: "{{ amount }}"
        why: "order {{ order }} is off"
        card: "{{ card | default('none') }}"
  refund.reverse:
    title: "Reverse {{ refund }} of {{ card }}"
    schema:
      type: object
      required: [refund, amount]
      properties: {refund: {type: string}, amount: {type: number}, why: {}, card: {}}
    execute: {webhook: RECEIVER/reversals, timeout: 2s, idempotent: true, attempts: 2}
  deploy.start:
    execute: {agent: true, timeout: 1h}
    rollback: {action: deploy.revert, arguments: {was: "{{ version }}"}}
  deploy.revert: {execute: {agent: true, timeout: 1h}}
  flag.on: {execute: {webhook: RECEIVER/flags}, rollback: {action: flag.off, arguments: {flag: "{{ flag }}"}}}
  flag.off: {execute: {webhook: RECEIVER/flags}, rollback: {action: flag.on, arguments: {flag: "{{ flag }}"}}}
"""
CHAINS = """
chains:
  finance: [{notify: [ana, ben, kim], via: [slack]}]
  audit: [{notify: [lea, dan], via: [slack]}]
"""
RULES = """
rules:
  - name: small
    when: action == "refund.issue" && arguments.amount <= 5.0
    then: approve
    review_after: {share: 100%, chain: audit}
  - name: some
    when: action == "refund.issue" && arguments.amount <= 6.0
    then: approve
    review_after: {share: 20%, chain: audit}
  - {name: never back, when: 'action == "refund.reverse" && arguments.amount > 5000.0', then: block}
"""
GIVEN: dict[str, Any] = {"order": "10428", "amount": 240.5}


def furnish(house: House, *more: str) -> None:
    """Put these rules in force."""
    enforce(house, ACTIONS, CHAINS, RULES, DEFAULT, *more)


async def approved(house: House, action: str = "refund.issue", by: str = "ana", **arguments: Any) -> Request:
    """A request that is approved, by a rule or by a person."""
    given = GIVEN | arguments if action.startswith("refund.issue") else arguments
    request = await house.submit(action, arguments=given)
    return await house.decide(request, by) if request.state.open else request


async def order_of(house: House, request: Request) -> Order:
    """The order of a claim that must succeed."""
    run = (await house.now(request)).execution
    assert run is not None
    order = (await house.desk.claim(run.id)).order
    assert order is not None
    return order


async def concluded(
    house: House, request: Request, kind: OutcomeKind = OutcomeKind.EXECUTED, *, result: Any = None
) -> Request:
    """The request once its run ended like this."""
    outcome = Outcome(kind=kind, result=result, error=None if kind is OutcomeKind.EXECUTED else "it said no")
    await house.desk.conclude(await order_of(house, request), outcome)
    return await house.now(request)


async def executed(house: House, *, by: str = "ana", result: Any = None, **arguments: Any) -> Request:
    """A refund that ran, and gave its id."""
    request = await approved(house, by=by, **arguments)
    return await concluded(house, request, result={"id": "re_77"} if result is None else result)


async def run_of(house: House, request: Request | str) -> Execution:
    """Its run as it is stored."""
    found = (await house.now(request)).execution
    assert found is not None
    return found


async def state_of(house: House, request: Request | str) -> ExecutionState:
    """Where its run stands."""
    return (await run_of(house, request)).state


async def reviews(house: House) -> tuple[Request, ...]:
    """The reviews afterwards that were asked for, newest first."""
    return await house.store.requests(Filter(action="sayso.review_after"))
