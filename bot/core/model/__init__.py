"""The values the whole house speaks in: requests, revisions, decisions, deliveries, executions.

Every value is frozen. Times are aware UTC datetimes, durations are ``timedelta``, arguments are plain JSON
values (``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``) that already passed the intake's
limits. The words are those of the contract.
"""

from bot.core.model.content import Arguments, Edit, Option, Revision, Submission
from bot.core.model.people import Event, Key, Person, PersonRole, PushWay, Role
from bot.core.model.requests import Assessment, Decision, Delivery, Execution, Incident, Request
from bot.core.model.routes import Check, Ending, Route, Seat, Stage, Step, Track
from bot.core.model.states import (
    DeliveryState,
    ExecutionState,
    Kind,
    OnExpiry,
    OnIrreversible,
    OnUndeliverable,
    Opinion,
    Replies,
    Risk,
    Severity,
    State,
    Then,
    Verb,
)
from bot.core.model.times import MINUTES_A_DAY, Absence, Calendar, IfEmpty, Opening, Schedule, Shift, within

__all__ = [
    "MINUTES_A_DAY",
    "Absence",
    "Arguments",
    "Assessment",
    "Calendar",
    "Check",
    "Decision",
    "Delivery",
    "DeliveryState",
    "Edit",
    "Ending",
    "Event",
    "Execution",
    "ExecutionState",
    "IfEmpty",
    "Incident",
    "Key",
    "Kind",
    "OnExpiry",
    "OnIrreversible",
    "OnUndeliverable",
    "Opening",
    "Opinion",
    "Option",
    "Person",
    "PersonRole",
    "PushWay",
    "Replies",
    "Request",
    "Revision",
    "Risk",
    "Role",
    "Route",
    "Schedule",
    "Seat",
    "Severity",
    "Shift",
    "Stage",
    "State",
    "Step",
    "Submission",
    "Then",
    "Track",
    "Verb",
    "within",
]
