"""The section ``chains``: who is asked, how, for how long, and what becomes of a request at the end."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.core.model import IfEmpty, OnExpiry, OnUndeliverable, Schedule
from bot.core.policy import OWN_CLOCK, Chain, ChainStep, Exhausted
from bot.routing import auditors, nodes
from bot.routing.faults import meant, quoted
from bot.routing.nodes import Node, Scalar
from bot.routing.people import CHANNELS
from bot.routing.values import Reader

CHAIN_KEYS = ("steps", "repeat", "exhausted")
STEP_KEYS = (
    "notify",
    "via",
    "wait",
    "remind",
    "digest",
    "clock",
    "if_empty",
    "on_undeliverable",
    "anytime",
)
END_KEYS = ("notify", "then")
FALLBACK_KEYS = ("fallback",)
MOST_REPEATS = 100
_APPROVE = "approve"


class Roster(Struct, frozen=True):
    """Whom a file knows: people, groups, schedules; the calendars by which a step's time may run; who only reads."""

    people: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    schedules: Mapping[str, Schedule]
    calendars: tuple[str, ...]
    auditors: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Whom a step may name."""
        return (*self.people, *self.groups, *self.schedules)

    def meant(self, name: str) -> frozenset[str]:
        """Everybody whom a name may ever mean."""
        schedule = self.schedules.get(name)
        if schedule is None:
            return frozenset(self.groups.get(name, (name,)))
        more = (schedule.fallback,) if schedule.fallback else ()
        return frozenset((*schedule.people, *(shift.person for shift in schedule.overrides), *more))

    def members(self, names: tuple[str, ...]) -> frozenset[str]:
        """Everybody whom the names may ever mean."""
        return frozenset(person for name in names for person in self.meant(name))


def asking(chain: Chain, roster: Roster) -> dict[str, frozenset[str]]:
    """Under which names a chain may ask people who can then decide, and whom each name may mean.

    A fallback, and who is told at the end, are asked under their own names; those told may decide only where the
    request waits on after that.
    """
    told = chain.exhausted.notify if chain.exhausted.then is None else ()
    instead = roster.members((*told, *(name for step in chain.steps for name in step.fallback)))
    named_there = dict.fromkeys(name for step in chain.steps for name in step.notify)
    return {person: frozenset({person}) for person in instead} | {name: roster.meant(name) for name in named_there}


def named(reader: Reader, node: Node, where: str, roster: Roster, *, told: bool = False) -> tuple[str, ...]:
    """People, groups and schedules, as written. ``told``: they are not asked, so that auditors may be among them."""

    def asked(item: Node) -> str | None:
        name = reader.reference(item, "person, group or schedule", roster.names)
        if name is not None and not told:
            auditors.may(reader, item, name, roster.auditors, "be asked")
            auditors.free(reader, item, name, roster.groups.get(name, ()), roster.auditors)
        return name

    return reader.references(node, where, asked)


def chains(reader: Reader, node: Node, roster: Roster) -> dict[str, Chain]:
    """``chains:`` by name: each a list of steps, or a mapping that holds one."""
    found: dict[str, Chain] = {}
    for key, item in reader.entries(node, "chains").items():
        if isinstance(node, nodes.Mapping):
            reader.id(node.keys[key], "a chain")
        found[key] = _chain(reader, item, key, roster)
    return found


def _chain(reader: Reader, node: Node, name: str, roster: Roster) -> Chain:
    where = f"the chain {quoted(name)}"
    if not isinstance(node, nodes.Mapping):
        return Chain(steps=_steps(reader, node, where, roster))
    if "steps" not in node.entries and any(key in STEP_KEYS for key in node.entries):
        what = f"{where} must be a list of steps, not one step"
        reader.faults.add(node.place, what, "put the step into [ ], or into a line that begins with -")
        return Chain()
    fields = reader.mapping(node, where, CHAIN_KEYS)
    if "steps" not in fields:
        reader.missing(node, where, "steps", "write steps: [{notify: [finance]}]")
    steps = _steps(reader, fields["steps"], f"the steps of {where}", roster) if "steps" in fields else ()
    repeat = reader.whole(fields["repeat"], "repeat", 0, MOST_REPEATS) if "repeat" in fields else None
    exhausted = _exhausted(reader, fields["exhausted"], where, roster) if "exhausted" in fields else Exhausted()
    for key in ("repeat", "exhausted"):
        if key in fields and steps and steps[-1].wait is None and (key == "exhausted" or repeat):
            what = f"{where} never comes to its end, since its last step has no `wait`: {key} changes nothing"
            reader.faults.add(node.keys[key].place, what, f"give the last step a `wait`, or remove {key}")
    return Chain(steps=steps, repeat=repeat or 0, exhausted=exhausted)


def _exhausted(reader: Reader, node: Node, where: str, roster: Roster) -> Exhausted:
    fields = reader.mapping(node, f"exhausted of {where}", END_KEYS)
    if isinstance(node, nodes.Mapping) and not node.entries:
        what = f"exhausted of {where} says nothing"
        reader.faults.add(node.place, what, "write notify: [lea], then: expire or then: reject; or remove it")
    then = fields.get("then")
    if isinstance(then, Scalar) and then.text == _APPROVE:
        what = "silence is never consent: the end of a chain cannot approve"
        reader.faults.add(then.place, what, "write expire or reject")
        then = None
    return Exhausted(
        notify=named(reader, fields["notify"], "notify", roster, told=bool(then)) if "notify" in fields else (),
        then=reader.choice(then, "then", OnExpiry) if then else None,
    )


def _steps(reader: Reader, node: Node, where: str, roster: Roster) -> tuple[ChainStep, ...]:
    step = f"a step of {where.removeprefix('the steps of ')}"
    return tuple(_step(reader, item, step, roster) for item in reader.items(node, where))


def _step(reader: Reader, node: Node, where: str, roster: Roster) -> ChainStep:
    fields = reader.mapping(node, where, STEP_KEYS)
    if "notify" not in fields and isinstance(node, nodes.Mapping):
        reader.missing(node, where, "notify", "say who is asked: notify: [finance]")

    def channel(item: Node) -> str | None:
        return reader.word(item, "a channel", CHANNELS)

    undeliverable = fields.get("on_undeliverable")
    notify = named(reader, fields["notify"], "notify", roster) if "notify" in fields else ()
    if_empty, fallback = _if_empty(reader, fields["if_empty"], notify, roster) if "if_empty" in fields else (None, ())
    return ChainStep(
        notify=notify,
        via=reader.references(fields["via"], "via", channel) if "via" in fields else (),
        wait=reader.duration(fields["wait"], "wait") if "wait" in fields else None,
        remind=reader.duration(fields["remind"], "remind") if "remind" in fields else None,
        digest=reader.duration(fields["digest"], "digest") if "digest" in fields else None,
        clock=_clock(reader, node, fields, roster),
        if_empty=if_empty or IfEmpty.SKIP,
        fallback=fallback,
        on_undeliverable=(reader.choice(undeliverable, "on_undeliverable", OnUndeliverable) if undeliverable else None)
        or OnUndeliverable.NEXT,
        anytime=bool(reader.boolean(fields["anytime"], "anytime")) if "anytime" in fields else False,
    )


def _clock(reader: Reader, node: Node, fields: dict[str, Node], roster: Roster) -> str | None:
    item = fields.get("clock")
    if item is None:
        return None
    if "wait" not in fields and "remind" not in fields and isinstance(node, nodes.Mapping):
        what = "clock changes nothing in a step that has neither `wait` nor `remind`"
        reader.faults.add(node.keys["clock"].place, what, "add one of them, or remove it")
    name = reader.text(item, "clock", limit=100)
    if name is None or name == OWN_CLOCK or name in roster.calendars:
        return name
    fix = (
        meant(name, (*roster.calendars, OWN_CLOCK), "there are: {}") + f" ({OWN_CLOCK}: the hours of whoever is asked)"
    )
    reader.faults.add(item.place, f"there is no calendar {quoted(name)}", fix)
    return None


def _if_empty(
    reader: Reader, node: Node, notify: tuple[str, ...], roster: Roster
) -> tuple[IfEmpty | None, tuple[str, ...]]:
    if not isinstance(node, nodes.Mapping):
        if isinstance(node, Scalar) and node.text in tuple(IfEmpty):
            return IfEmpty(node.text), ()
        shown = quoted(node.text) if isinstance(node, Scalar) and node.text else nodes.kind(node)
        near = meant(node.text, tuple(IfEmpty), "") if isinstance(node, Scalar) else ""
        reader.faults.add(node.place, f"if_empty must be skip, hold or {{fallback: [lea]}}, not {shown}", near)
        return None, ()
    fields = reader.mapping(node, "if_empty", FALLBACK_KEYS)
    if "fallback" not in fields:
        reader.missing(node, "if_empty", "fallback", "write skip, hold, or {fallback: [lea]}")
        return None, ()
    fallback = named(reader, fields["fallback"], "fallback", roster)
    # Who is on duty changes, so a schedule may ask nobody while one of its people is there; groups and people may not.
    fixed = roster.members(tuple(name for name in notify if name not in roster.schedules))
    wrong = ""
    if fallback and not roster.members(fallback):
        wrong = "fallback asks nobody: its groups are empty"
    elif fallback and roster.members(fallback) <= fixed and not any(name in roster.schedules for name in fallback):
        wrong = "fallback asks only people whom the step asks: where there is none of them, it asks nobody either"
    if wrong:
        reader.faults.add(fields["fallback"].place, wrong, "ask somebody else")
    return None, fallback
