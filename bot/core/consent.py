"""Whether what is stored amounts to consent, asked once more before an approved action runs (law 2, threat T5).

The lifecycle lets nothing else become approved. This holds where somebody laid hands on the rows themselves.
"""

from __future__ import annotations

from bot.core.model import Request, Stage, State, Then, Verb


def consented(request: Request) -> bool:
    """Whether an approval stands behind the request: a rule's of what the agent proposed, or enough votes a stage."""
    if not request.state.approved:
        return False
    if request.route.then is Then.APPROVE:
        return request.state is State.APPROVED and request.content.number == 1 and not request.decisions
    stages = request.route.stages
    if request.route.then is not Then.STAGES or not stages:
        return False
    if any(vote.broke_glass and vote.decision is Verb.APPROVE for vote in request.votes):
        return True
    voters = [vote.by for vote in request.votes]
    if len(voters) != len(set(voters)):
        return False
    return all(_filled(request, index, stage) for index, stage in enumerate(stages))


def _filled(request: Request, index: int, stage: Stage) -> bool:
    """Whether so many different people approved in this stage as it takes, each of them asked there and not barred."""
    asked = {person for step in stage.steps for person in step.people} - set(request.route.excluded)
    here = [vote for vote in request.votes if vote.stage == index]
    against = sum(vote.decision is Verb.REJECT for vote in here)
    approvals = {vote.by for vote in here if vote.decision is not Verb.REJECT}
    if stage.approvals < 1 or against >= max(stage.rejections, 1):
        return False
    return len(approvals & asked) >= stage.approvals and request.full(index)
