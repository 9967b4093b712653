"""Who can be asked, when they are there, who asks, and through what: `people` to `network`, as JSON Schema."""

from __future__ import annotations

from bot.core.model import IfEmpty, OnIrreversible, PersonRole, PushWay, Replies
from bot.core.policy import OWN_CLOCK
from bot.routing import holidays, hours, people, schedules, targets, values
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    count,
    day,
    duration,
    moment,
    name,
    named,
    reference,
    rows,
    several,
    text,
    timezone,
    whole,
    words,
)

_CLOCK = f"(?:{hours.CLOCK.pattern})"
_SPAN = rf"{_CLOCK}\s*-\s*{_CLOCK}"
_MAX_NETWORK = 64
"""Characters in a network at most."""


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter.lower()}]" for letter in word)


_DAY = "|".join(map(_any_case, hours.DAYS))
_HANDOVER = rf"(?:(?:{_DAY})\s+)?{_CLOCK}"


def _openings() -> str:
    """The pattern of hours, from the reader's own names of days."""
    days = rf"(?:{_DAY})(?:-(?:{_DAY}))?"
    part = rf"(?:{days}(?:\s*,\s*{days})*|{_any_case(hours.DAILY)})\s+{_SPAN}(?:\s*,\s*{_SPAN})*"
    return rf"\s*{part}\s*(?:;\s*{part}\s*)*"


def _hours(said: str) -> Shape:
    examples = ["Mon-Fri 09:00-18:00", "Mon-Thu 09:00-12:30, 13:30-18:00; Fri 22:00-06:00"]
    told = f"days and times, parts apart by a semicolon: {examples[1]}"
    return text(said, longest=hours.LONGEST_TEXT, pattern=_openings(), examples=examples, patternErrorMessage=told)


def _holidays(said: str) -> Shape:
    # A country's two letters and perhaps its part, whose names have all sorts of characters; or a date.
    item = text(
        "A country (PT), a part of one (DE-BY), or a date (2026-12-24).",
        longest=holidays.LONGEST_CODE,
        pattern=r"[A-Z]{2}(?:-\S.*)?|[0-9]{4}-[0-9]{2}-[0-9]{2}",
    )
    return several(item, said, twice=True)


def _channels(said: str) -> Shape:
    return several({"enum": [*people.CHANNELS]}, said)


def url(said: str) -> Shape:
    """An address that the bot may call; whether it leads somewhere it may not, only the reader knows."""
    pattern = r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\s]+(?:[/?][^#\s]*)?"
    return text(said, longest=targets.MAX_URL, pattern=pattern, allOf=[{"pattern": whole(targets.URL.pattern)}])


def _away() -> Shape:
    return closed(
        schedules.AWAY_KEYS,
        {
            "from": moment("Belongs to it. A date is its midnight, in the person's timezone."),
            "until": moment("Does not belong to it: one whole day is from: 2026-03-01, until: 2026-03-02."),
            "delegate": reference("A person who is asked instead. Nobody, if left out."),
        },
        required=("from", "until"),
    )


def folk() -> dict[str, Shape]:
    """The sections ``people`` and ``groups``."""
    person = closed(
        people.PERSON_KEYS,
        {
            "name": name("Shown on cards. The id, if left out."),
            "email": text(
                "The mail address, the only one this person may answer from.",
                longest=500,
                pattern=people.EMAIL.pattern,
            ),
            "slack": text("The Slack member id (profile, Copy member ID).", longest=500, pattern=people.SLACK.pattern),
            "role": words(
                "What they may do: a reviewer decides what they are asked, an admin also runs the house, an auditor "
                "reads everything and decides nothing.",
                PersonRole,
                otherwise=PersonRole.REVIEWER,
            ),
            "ntfy": text("A topic of this person's own.", longest=500, pattern=people.TOPIC.pattern),
            "push": several(
                {"enum": [*map(str, PushWay)]},
                "Through which ways of push they are told. Through all that reach them, if left out.",
            ),
            "oidc": text(
                "What the identity provider says for them. Their mail address, if left out.",
                longest=people.MAX_CLAIM,
                pattern=values.NAME.pattern,
            ),
            "timezone": timezone("A zone of the tz database, in which their hours and dates are read."),
            "digest": duration("For how long what they are asked by mail is gathered. Not at all, if left out."),
            "channels": _channels(
                "Through what they wish to be asked where a step names no channel, in order of preference."
            ),
            "hours": _hours("When they work. At any time, if left out."),
            "holidays": _holidays("Days on which they do not work. None, if left out."),
            "away": rows(_away(), "When they are not there, and who stands in for them.", least=1),
        },
    )
    members = several({"type": "string", "minLength": 1}, "Its people; a group cannot hold groups.", empty=True)
    return {
        "people": named(person, "Who can be asked, by id."),
        "groups": named(members, "People under one name."),
    }


def time() -> dict[str, Shape]:
    """The sections ``schedules`` and ``calendars``."""
    override = closed(
        schedules.OVERRIDE_KEYS,
        {
            "from": moment("Belongs to it. A date is its midnight, in the schedule's timezone."),
            "until": moment("Does not belong to it."),
            "person": reference("Who is on duty then instead, whatever the hours."),
        },
        required=schedules.OVERRIDE_KEYS,
    )
    fallback = closed(schedules.GAP_KEYS, {"fallback": reference("A person.")}, required=schedules.GAP_KEYS)
    turn = rf"{'|'.join(schedules.ROTATE)}|{schedules.TURN.pattern}"
    schedule = closed(
        schedules.SCHEDULE_KEYS,
        {
            "timezone": timezone("A zone of the tz database, in which turns change and hours are read."),
            "rotate": text("How long a turn is: daily, weekly, 3d, 2w.", longest=40, pattern=turn),
            "handover": text(
                "When turns change, local: 09:00, or with a weekday Mon 09:00. Midnight, if left out.",
                longest=40,
                pattern=_HANDOVER,
            ),
            "start": day("The date on which the first one's first turn begins; before it nobody is on duty."),
            "people": several(
                {"type": "string", "minLength": 1}, "Who takes turns, in order. One may stand twice.", twice=True
            ),
            "hours": _hours("On duty only then. Always, if left out."),
            "overrides": rows(override, "Somebody else instead for a while; a later entry wins over an earlier one."),
            "gaps": {
                "description": "While nobody is on duty: pass the step over, hold it, or ask somebody else.",
                "anyOf": [{"enum": [*map(str, IfEmpty)]}, fallback],
                "default": str(IfEmpty.SKIP),
            },
        },
        required=("people", "rotate", "start"),
    )
    calendar = closed(
        schedules.CALENDAR_KEYS,
        {
            "timezone": timezone("A zone of the tz database."),
            "hours": _hours("When it is open. Whole days, if left out."),
            "holidays": _holidays("Days on which it is shut."),
        },
        anyOf=[{"required": ["hours"]}, {"required": ["holidays"]}],
    )
    return {
        "schedules": named(schedule, "People who take turns; chains notify a schedule as they notify a group."),
        "calendars": named(calendar, "Open times for a step's clock.", taken={"const": OWN_CLOCK}),
    }


def agents() -> Shape:
    """The section ``agents``."""
    agent = closed(
        people.AGENT_KEYS,
        {
            "owner": reference("A person, who never reviews what this agent asks for."),
            "per_minute": count("How many requests it may send a minute.", 1, people.MOST_REQUESTS),
            "pending": count("How many of its requests may wait at once.", 1, people.MOST_REQUESTS),
            "webhook": url("Where it is told of decisions."),
        },
    )
    return named(agent, "Agents, by the name of their key.")


def mail(keys: tuple[str, ...], *, defaults: bool) -> Shape:
    """What a reply by mail may decide: ``channels.email`` in full, or the part of it that a rule may say.

    ``defaults``: whether the usual holds where a key is left out, rather than what ``channels.email`` says.
    """
    known = {
        "replies": words("What a reply by mail may decide.", Replies),
        "irreversible": words("Where what cannot be undone is approved: page, or by a reply, too.", OnIrreversible),
        "outcomes": words("How people learn by mail of what others decided.", people.OUTCOMES),
    }
    usual = {"replies": Replies.APPROVE, "irreversible": OnIrreversible.PAGE, "outcomes": people.OUTCOMES[0]}
    more = {key: {"default": str(usual[key])} if defaults else {} for key in keys}
    return closed(keys, {key: shape | more[key] for key, shape in known.items() if key in keys})


def channels() -> Shape:
    """The section ``channels``."""
    post_to = text(
        'A channel ("#approvals", in quotes since # begins a comment, or C0123ABCD), or dm.',
        longest=500,
        pattern=people.POST_TO.pattern,
    )
    buttons = words(
        "Which notifications have buttons that decide: those about what is of low risk, or none.",
        people.BUTTONS,
        otherwise=people.BUTTONS[0],
    )
    sections = {
        "slack": closed(people.POSTING_KEYS, {"post_to": post_to}),
        "email": mail(people.MAIL_KEYS, defaults=True),
        "push": closed(people.PUSH_KEYS, {"buttons": buttons}),
    }
    return closed(people.CHANNELS, sections, description="How channels behave.")


def network() -> Shape:
    """The section ``network``."""
    item = text("CIDR: 10.20.0.0/16.", longest=_MAX_NETWORK, pattern=r"[0-9A-Fa-f:.]+(?:/[0-9.]+)?")
    private = rows(item, "Networks that may be called though their addresses are not global, or over plain http.")
    return closed(people.NETWORK_KEYS, {"allow_private": private}, description="Which addresses may be called.")
