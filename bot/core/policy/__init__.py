"""What routing.yaml means: people, actions, chains and rules, and the walk from a submission to its route."""

from bot.core.policy.actions import (
    BY_AGENT,
    COOLDOWN,
    DRILL,
    GLASS_REVIEW,
    HOUSE,
    REVIEW_AFTER,
    REVIEW_LASTS,
    TRUST,
    TRUST_ENDED,
    ActionSpec,
    AgentSpec,
    Execute,
    Otherwise,
    PolicyCheck,
    Rollback,
)
from bot.core.policy.asking import absences, calendar, staffed, told_from, with_delegates
from bot.core.policy.attention import Attention, CoolDown, Practice, PracticeRequest
from bot.core.policy.cases import facts_of
from bot.core.policy.chains import OWN_CLOCK, Chain, ChainStep, Exhausted, StageSpec
from bot.core.policy.exclusion import excluded
from bot.core.policy.expressions import Amount, ArgumentSchema, Condition, ConditionFailed, Filling, NotFilled, Title
from bot.core.policy.people import LONGEST_VIEW, Holidays, WorkTime
from bot.core.policy.rules import ADVICE_WITHIN, DEFAULT_EXPIRES, Asking, BreakGlass, Expectation, Flood, Limit, Rule
from bot.core.policy.trials import CHECKS, EXCEPTIONS, UNBOUND, Bounds, Routing, Trial, TrialOutcome
from bot.core.policy.walk import route, stricter, strictness
from bot.core.policy.whole import Policy

__all__ = [
    "ADVICE_WITHIN",
    "BY_AGENT",
    "CHECKS",
    "COOLDOWN",
    "DEFAULT_EXPIRES",
    "DRILL",
    "EXCEPTIONS",
    "GLASS_REVIEW",
    "HOUSE",
    "LONGEST_VIEW",
    "OWN_CLOCK",
    "REVIEW_AFTER",
    "REVIEW_LASTS",
    "TRUST",
    "TRUST_ENDED",
    "UNBOUND",
    "ActionSpec",
    "AgentSpec",
    "Amount",
    "ArgumentSchema",
    "Asking",
    "Attention",
    "Bounds",
    "BreakGlass",
    "Chain",
    "ChainStep",
    "Condition",
    "ConditionFailed",
    "CoolDown",
    "Execute",
    "Exhausted",
    "Expectation",
    "Filling",
    "Flood",
    "Holidays",
    "Limit",
    "NotFilled",
    "Otherwise",
    "Policy",
    "PolicyCheck",
    "Practice",
    "PracticeRequest",
    "Rollback",
    "Routing",
    "Rule",
    "StageSpec",
    "Title",
    "Trial",
    "TrialOutcome",
    "WorkTime",
    "absences",
    "calendar",
    "excluded",
    "facts_of",
    "route",
    "staffed",
    "stricter",
    "strictness",
    "told_from",
    "with_delegates",
]
