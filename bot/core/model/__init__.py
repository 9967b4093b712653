"""The values the whole house speaks in: requests, revisions, decisions, deliveries, executions.

Every value is frozen. Times are aware UTC datetimes, durations are ``timedelta``, arguments are plain JSON
values (``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``) that already passed the intake's
limits. The words are those of the contract.
"""

from bot.core.model.content import Arguments, Edit, Option, Revision, Submission
from bot.core.model.people import Event, Key, Person, Role
from bot.core.model.requests import Decision, Delivery, Execution, Request
from bot.core.model.routes import Route, Stage, Step
from bot.core.model.states import (
    DeliveryState,
    ExecutionState,
    Kind,
    OnExpiry,
    OnIrreversible,
    Replies,
    Risk,
    State,
    Then,
    Verb,
)
from bot.core.model.times import MINUTES_A_DAY, Absence, Calendar, IfEmpty, Opening, Shift

__all__ = [
    "MINUTES_A_DAY",
    "Absence",
    "Arguments",
    "Calendar",
    "Decision",
    "Delivery",
    "DeliveryState",
    "Edit",
    "Event",
    "Execution",
    "ExecutionState",
    "IfEmpty",
    "Key",
    "Kind",
    "OnExpiry",
    "OnIrreversible",
    "Opening",
    "Option",
    "Person",
    "Replies",
    "Request",
    "Revision",
    "Risk",
    "Role",
    "Route",
    "Shift",
    "Stage",
    "State",
    "Step",
    "Submission",
    "Then",
    "Verb",
]
