"""Query parameters as data: one table parses them, refuses strangers by name, and draws the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from bot.core.errors import Fault
from bot.core.examples import Verdict
from bot.core.insight.asking import GROUPINGS, LABEL
from bot.core.model import State
from bot.web.audit_copy import Form
from bot.web.problems import invalid, parameter_fault
from bot.web.shapes import near
from bot.web.strict_json import MAX_FAULTS

MAX_WAIT = 60
"""Seconds that one call may wait; proxies in between seldom allow more."""

MAX_PAGE = 200
DEFAULT_PAGE = 50
_LONGEST = 320
_MANY = 20
_SECONDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,20})?(?:e-[0-9]{1,3})?")
"""As programs write a small or long fraction, too: 0.30000000000000004, 1e-05, 5e-324."""


@dataclass(frozen=True)
class Parameter:
    """One query parameter. ``read`` gives the value or raises ``ValueError`` saying what would be right."""

    name: str
    says: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]


def parse_query(raw: bytes, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The parameters that were given; raises `bot.core.errors.Invalid` with every fault, strangers among them."""
    if not raw:
        return {}
    known = {parameter.name: parameter for parameter in parameters}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MANY, errors="strict")
    except ValueError:
        raise invalid((Fault("query:", "encoding", f"must be at most {_MANY} percent-encoded UTF-8 pairs"),)) from None
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in pairs:
        parameter = known.get(name)
        if parameter is None:
            hint = near(name, tuple(known))
            faults.append(parameter_fault(name, "unknown_parameter", f"is not a parameter of this call{hint}"))
        elif name in values:
            faults.append(parameter_fault(name, "repeated", "must be given once"))
        else:
            try:
                values[name] = parameter.read(text)
            except ValueError as wrong:
                faults.append(parameter_fault(name, "value", str(wrong)))
    if faults:
        raise invalid(tuple(faults[:MAX_FAULTS]))
    return values


def _text(value: str) -> str:
    if not 1 <= len(value) <= _LONGEST:
        raise ValueError(f"must have 1 to {_LONGEST} characters")
    return value


def _seconds(value: str) -> float:
    if not _SECONDS.fullmatch(value) or float(value) > MAX_WAIT:
        raise ValueError(f"must be a number of seconds from 0 to {MAX_WAIT}; ask again to wait longer")
    return float(value)


def _goal(value: str) -> bool:
    if value not in ("decision", "outcome"):
        raise ValueError("must be decision or outcome")
    return value == "outcome"


def _states(value: str) -> tuple[State, ...]:
    try:
        return tuple(dict.fromkeys(map(State, value.split(","))))
    except ValueError:
        raise ValueError(f"must be one or more of {', '.join(State)}, with commas between") from None


def _verdicts(value: str) -> tuple[Verdict, ...]:
    try:
        return tuple(dict.fromkeys(map(Verdict, value.split(","))))
    except ValueError:
        raise ValueError(f"must be one or more of {', '.join(Verdict)}, with commas between") from None


def _paths(value: str) -> tuple[str, ...]:
    return tuple(path for path in _text(value).split(",") if path)


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _me(value: str) -> bool:
    if value != "me":
        raise ValueError("must be me: the advisor whose key this is")
    return True


def _size(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MAX_PAGE)) and 1 <= int(value) <= MAX_PAGE):
        raise ValueError(f"must be a whole number from 1 to {MAX_PAGE}")
    return int(value)


def _moment(value: str) -> datetime:
    wrong = ValueError("must be a date or an RFC 3339 time with its offset, such as 2026-01-31 or 2026-01-31T08:00:00Z")
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        try:
            moment = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise wrong from None
    if moment.tzinfo is None:
        raise wrong
    return moment


def _format(value: str) -> Form:
    if value not in tuple(Form):
        raise ValueError("must be jsonl or csv")
    return Form(value)


def _table(value: str) -> str:
    if value not in ("json", "csv"):
        raise ValueError("must be json or csv")
    return value


def _form(value: str) -> str:
    if value not in ("json", "csv"):
        raise ValueError("must be json or csv")
    return value


def _several(names: Iterable[str]) -> str:
    """The pattern of one or more of these, with commas between."""
    one = "|".join(names)
    return f"^(?:{one})(?:,(?:{one}))*$"


_GROUPED = f"^(?:{'|'.join(GROUPINGS)}|{LABEL}[\\s\\S]+)$"
_TEXT = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
_SIZE = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
_MOMENT = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}

WAIT = Parameter(
    "wait",
    "Hold the answer up to so many seconds, until there is a decision. Ask again to wait longer.",
    _seconds,
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
)
FOR = Parameter(
    "for",
    "What to wait for: the decision, or the outcome of the execution.",
    _goal,
    {"type": "string", "enum": ["decision", "outcome"], "default": "decision"},
)
LISTING = (
    Parameter(
        "state",
        f"Only these states: {', '.join(State)}; several with commas between.",
        _states,
        {"type": "string", "pattern": _several(State)},
    ),
    Parameter("agent", "Only this agent's.", _text, _TEXT),
    Parameter("action", "Only this action.", _text, _TEXT),
    Parameter("reviewer", "Only those that this person (by id) is or was asked about.", _text, _TEXT),
    Parameter("batch", "Only this batch.", _text, _TEXT),
    Parameter(
        "escalated", "Only those that moved down their chain, or only those that did not.", _flag, {"type": "boolean"}
    ),
    Parameter(
        "advisor",
        "With an advisor's key: only open ones that wait for its opinion. Pages may be short; follow next_cursor.",
        _me,
        {"type": "string", "enum": ["me"]},
    ),
    Parameter("cursor", "The next_cursor of the page before.", _text, _TEXT),
    Parameter(
        "limit",
        "Requests on a page at most; of large ones there are fewer, so follow next_cursor.",
        _size,
        _SIZE,
    ),
)
EXPORT = (
    Parameter("from", "The earliest event's time; a date begins at midnight UTC.", _moment, _MOMENT),
    Parameter("to", "Events before this time.", _moment, _MOMENT),
    Parameter(
        "format",
        "`jsonl`: one JSON object a line, which still verifies. `csv`: a table with a head, for a spreadsheet; cells "
        "that one would take for a formula begin with an apostrophe.",
        _format,
        {"type": "string", "enum": list(map(str, Form)), "default": str(Form.JSONL)},
    ),
)
EXAMPLES = (
    Parameter("from", "What was submitted from then on; a date begins at midnight UTC.", _moment, _MOMENT),
    Parameter("to", "What was submitted before then.", _moment, _MOMENT),
    Parameter("agent", "Only this agent's.", _text, _TEXT),
    Parameter("action", "Only this action.", _text, _TEXT),
    Parameter(
        "verdict",
        f"Only these: {', '.join(Verdict)}; several with commas between.",
        _verdicts,
        {"type": "string", "pattern": _several(Verdict)},
    ),
    Parameter(
        "without",
        "What is left out, with commas between: arguments.NAME, labels.NAME, comment, category, confidence, outcome.",
        _paths,
        _TEXT,
    ),
    Parameter("people", "Whether who decided is named.", _flag, {"type": "boolean", "default": False}),
    Parameter("labels", "Whether the agent's labels are in it.", _flag, {"type": "boolean", "default": False}),
)
WATCHING = (
    Parameter("from", "What was submitted from then on, two years at most; 90 days, if left out.", _moment, _MOMENT),
    Parameter("to", "What was submitted before then; now, if left out.", _moment, _MOMENT),
    Parameter("format", "`json`, or `csv`: a table with a head.", _table, {"type": "string", "enum": ["json", "csv"]}),
)
THRESHOLDS = (
    *WATCHING,
    Parameter("agent", "Only this agent's.", _text, _TEXT),
    Parameter("action", "Only this action.", _text, _TEXT),
)
METRICS = (
    Parameter(
        "from", "The period's begin, two years at most; 30 days before its end where it is left out.", _moment, _MOMENT
    ),
    Parameter("to", "The period's end, at most now. Both are rounded outward to whole hours, UTC.", _moment, _MOMENT),
    Parameter("by", f"{', '.join(GROUPINGS)} or {LABEL}NAME.", _text, _TEXT | {"pattern": _GROUPED}),
    Parameter("agent", "Only this agent's.", _text, _TEXT),
    Parameter("action", "Only this action.", _text, _TEXT),
    Parameter("rule", "Only what this rule routed.", _text, _TEXT),
    Parameter("channel", "Only what was decided through this channel.", _text, _TEXT),
    Parameter("reviewer", "Only this person's decisions.", _text, _TEXT),
    Parameter("label", "Only what has this label: NAME=VALUE.", _text, _TEXT | {"pattern": "^[^=][^=]*="}),
    Parameter("compare", "Whether with the period before.", _flag, {"type": "boolean", "default": True}),
    Parameter(
        "format",
        "`json`, or `csv` (as does `Accept: text/csv`): a line a figure.",
        _form,
        {"type": "string", "enum": ["json", "csv"], "default": "json"},
    ),
)
