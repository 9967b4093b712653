"""Who is asked about what: chains, stages, rules, the default, and what holds beside them, as JSON Schema."""

from __future__ import annotations

from bot.core.model import IfEmpty, OnExpiry, OnUndeliverable, Then
from bot.core.policy import ADVICE_WITHIN, DEFAULT_EXPIRES, OWN_CLOCK, BreakGlass, Flood, Otherwise
from bot.routing import chains, conditions, limits, people, rules, safeguards, stages, values
from bot.routing.schema_document.folk import mail
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    condition,
    count,
    duration,
    flag,
    name,
    named,
    reference,
    references,
    rows,
    several,
    share,
    text,
    words,
)
from bot.routing.schema_document.trust import trust_of_a_rule

STAGES = "#/$defs/stages"
STAGE = "#/$defs/stage"
STEP = "#/$defs/step"


def step() -> Shape:
    """One step of a chain."""
    fallback = closed(
        chains.FALLBACK_KEYS,
        {"fallback": references("People, groups, schedules.")},
        required=chains.FALLBACK_KEYS,
    )
    # A clock runs something: without either it changes nothing, and the reader refuses it.
    timed = {"if": {"required": ["clock"]}, "then": {"anyOf": [{"required": ["wait"]}, {"required": ["remind"]}]}}
    return closed(
        chains.STEP_KEYS,
        {
            "notify": references("Who is asked: people, groups, schedules."),
            "via": several({"enum": [*people.CHANNELS]}, "Through what. As each person wishes, if left out."),
            "wait": duration("How long before the next step is asked too. Only by hand, if left out."),
            "remind": duration("How often the asked are reminded while this step is the newest. Never, if left out."),
            "digest": duration("For how long what this step asks by mail is gathered into one letter."),
            "clock": text(
                f"The calendar in whose open time wait and remind run, or {OWN_CLOCK}: "
                "while somebody who is asked is at work. Wall time, if left out.",
                longest=100,
            ),
            "if_empty": {
                "description": "Where it asks nobody: pass it over, wait until somebody is there, or ask others.",
                "anyOf": [{"enum": [*map(str, IfEmpty)]}, fallback],
                "default": str(IfEmpty.SKIP),
            },
            "on_undeliverable": words(
                "Where nobody of it was reached: ask the next step at once, or let the wait go on.",
                OnUndeliverable,
                otherwise=OnUndeliverable.NEXT,
            ),
            "anytime": flag("Tell people outside their hours, too."),
        },
        required=("notify",),
        allOf=[timed],
    )


def chain_list() -> Shape:
    """The section ``chains``."""
    steps = rows({"$ref": STEP}, "Who is asked, one step after the other.", least=1)
    end = closed(
        chains.END_KEYS,
        {
            "notify": references("Who is told. Without then they may decide, too."),
            "then": words("How the request ends. It waits on until it expires, if left out.", OnExpiry),
        },
        minProperties=1,
        description="What becomes of the request when the last step's wait is over.",
    )
    whole_chain = closed(
        chains.CHAIN_KEYS,
        {
            "steps": steps,
            "repeat": count("How often the chain begins again.", 0, chains.MOST_REPEATS, default=0),
            "exhausted": end,
        },
        required=("steps",),
    )
    return named({"anyOf": [steps, whole_chain]}, "Who is asked, in which order, how long.")


def stage() -> Shape:
    """One stage."""
    return closed(
        stages.STAGE_KEYS,
        {
            "name": name("Unique in its rule. The chain's name, if left out."),
            "chain": reference("Who reviews it."),
            "approvals": count("How many it takes.", 1, stages.MOST_VOTES, default=1),
            "rejections": count("How many end the request.", 1, stages.MOST_VOTES, default=1),
            "distinct_groups": flag("Each approval from another of the names that the chain's steps notify."),
            "if": condition("A condition without which the stage is not asked."),
        },
        required=("chain",),
    )


def stage_list() -> Shape:
    """A list of stages and of groups of stages."""
    together = rows({"$ref": STAGE}, "Stages that are asked together; all of them have to approve.", least=2)
    group = closed((stages.PARALLEL,), {stages.PARALLEL: together}, required=(stages.PARALLEL,))
    return rows({"anyOf": [{"$ref": STAGE}, group]}, "Rounds of review, one after the other.", least=1)


def _limit() -> Shape:
    argument = rf"{limits.ARGUMENT.replace('.', '[.]')}[^.\s]+"
    by = text("What keeps accounts apart.", longest=200, pattern=f"{'|'.join(limits.ACCOUNTS)}|{argument}")
    return closed(
        limits.LIMIT_KEYS,
        {
            "sum": {
                "description": f"What is added up: CEL over {', '.join(conditions.AMOUNT_NAMES)}.",
                "type": "string",
                "minLength": 1,
                "maxLength": conditions.MAX_CONDITION,
                "examples": ["arguments.amount"],
            },
            "max": {"description": "What the sum may be.", "type": "number", "exclusiveMinimum": 0},
            "count": count("How many it may approve.", 1, limits.MOST_COUNTED),
            "per": duration("In how long a window, up to now."),
            "by": several(by, "What keeps accounts apart.") | {"default": [*limits.ACCOUNTS]},
        },
        required=("per",),
        dependentRequired={"sum": ["max"], "max": ["sum"]},
        anyOf=[{"required": ["max"]}, {"required": ["count"]}],
        description="How much the rule may approve; what waits counts, too.",
    )


def _of_a_rule() -> dict[str, Shape]:
    percent = text("5%", pattern=values.SHARE.pattern) | {"not": {"pattern": r"^0+(?:\.0+)?%"}}
    advice = closed(
        rules.ADVICE_KEYS,
        {
            "from": references("Agents whose opinion is asked for, listed in agents."),
            "within": duration("How long people wait for it at most.", otherwise=ADVICE_WITHIN),
        },
        required=("from",),
        description="Second opinions, asked for before people are; they never let something run.",
    )
    return {
        "name": name("Unique. The card and the audit trail name it.") | {"not": {"enum": [*rules.TAKEN]}},
        "when": condition("Where it answers. Always, if left out."),
        "then": words("The answer. Stages, if left out.", Then),
        "stages": {"$ref": STAGES},
        "confidence_gate": share("Below it, or without a confidence, the rule does not approve; cards show it."),
        "expires": duration("How long the request may wait.", otherwise=DEFAULT_EXPIRES),
        "on_expiry": words("What silence turns into.", OnExpiry, otherwise=OnExpiry.EXPIRE),
        "email": mail(rules.MAIL_KEYS, defaults=False) | {"description": "As channels.email, for this rule alone."},
        "advice": advice,
        "allow_self": flag("Let people review what they asked for; for trying things out."),
        "limit": _limit(),
        "sample": {
            "description": "The share that goes to a person all the same: 5%, or 0.05.",
            "anyOf": [percent, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}],
        },
        "second_look": reference("The chain that is asked where the rule held and yet does not approve."),
        "review_after": _review_after(percent),
        "trust": trust_of_a_rule(percent),
    }


def _review_after(percent: Shape) -> Shape:
    said = "The share that is put before people once it ran: 10%, or 0.1."
    part: Shape = {"anyOf": [percent, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}]}
    whole = closed(
        limits.REVIEW_KEYS,
        {"share": part | {"description": said}, "chain": reference("Who looks at it.")},
        required=("share", "chain"),
    )
    return {"description": said, "anyOf": [*part["anyOf"], whole]}


def rule() -> Shape:
    """One rule."""
    return closed(rules.RULE_KEYS, _of_a_rule(), required=("name",), allOf=_answers(tuple(Then)))


def default() -> Shape:
    """The section ``default``; it never approves."""
    known = {key: shape for key, shape in _of_a_rule().items() if key in rules.DEFAULT_KEYS}
    known["then"] = words("The answer. Stages, if left out.", [then for then in Then if then is not Then.APPROVE])
    said = "What answers where no rule holds."
    return closed(rules.DEFAULT_KEYS, known, allOf=_answers((Then.STAGES, Then.BLOCK)), description=said)


def _answers(kinds: tuple[Then, ...]) -> list[Shape]:
    """Stages, or an answer without them; and no keys that would change nothing beside it, as the reader has them."""
    found: list[Shape] = [{"anyOf": [{"required": ["stages"]}, {"required": ["then"]}]}]
    for then in kinds:
        said: Shape = {"properties": {"then": {"const": str(then)}}, "required": ["then"]}
        idle = list(rules.IDLE[then])
        if then is Then.STAGES:
            found.append({"if": said, "then": {"required": ["stages"]}})
            said = {"required": ["stages"]}
        else:
            idle.append("stages")
        if then is Then.APPROVE:
            # Where people are asked instead, how they are asked means something.
            found.append({"if": said, "then": {"properties": {"stages": False, "advice": False, "trust": False}}})
            said = {"properties": said["properties"], "required": ["then"], "not": {"required": ["second_look"]}}
        found.append({"if": said, "then": {"properties": dict.fromkeys(idle, False)}})
    return found


def safeguard_list() -> dict[str, Shape]:
    """The sections ``break_glass``, ``exceptions`` and ``flood``."""
    usual = BreakGlass(people=(), review="")
    flood = Flood()
    glass = closed(
        safeguards.GLASS_KEYS,
        {
            "people": references("Who may approve past the review, one by one."),
            "review": reference("The chain that reviews it afterwards."),
            "notify": references("Who is told at once: people, groups, schedules."),
            "within": duration("How long the review may take.", otherwise=usual.within),
        },
        required=("people", "review"),
        description="Approving past the review in an emergency.",
    )
    exceptions = closed(
        safeguards.EXCEPTION_KEYS,
        {"stages": {"$ref": STAGES}},
        required=safeguards.EXCEPTION_KEYS,
        description="Who is asked about what an agent calls out of its scope, where no rule names the kind.",
    )
    cards = closed(
        safeguards.FLOOD_KEYS,
        {
            "cards": count("How many cards to one place come singly.", 1, safeguards.MOST_CARDS, default=flood.cards),
            "per": duration("In how long.", otherwise=flood.per),
            "digest": duration("For how long what follows is gathered into one card.", otherwise=flood.digest),
        },
        description="When many single cards become one.",
    )
    return {"break_glass": glass, "exceptions": exceptions, "flood": cards}


def check() -> Shape:
    """One of an action's own checks."""
    return closed(
        safeguards.CHECK_KEYS,
        {
            "name": name("Unique in its action. The card lists it."),
            "that": condition("What must hold; what cannot be answered has failed."),
            "otherwise": words("Where it fails.", Otherwise, otherwise=Otherwise.PERSON),
        },
        required=("name", "that"),
    )
