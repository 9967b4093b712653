"""The section ``actions``."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.core.model import Risk
from bot.core.pointers import below, names
from bot.core.policy import BY_AGENT, COOLDOWN, HOUSE, ActionSpec, Execute, Rollback
from bot.core.redaction import ANY
from bot.routing import fillings, nodes, safeguards, schemas, targets, titles
from bot.routing.faults import meant, quoted
from bot.routing.nodes import Node, Scalar, plain
from bot.routing.targets import Network
from bot.routing.values import Reader

ACTION_KEYS = (
    "title",
    "risk",
    "critical",
    "schema",
    "editable",
    "redact",
    "subject",
    "checks",
    "cooldown",
    "undo_window",
    "execute",
    "rollback",
)
WAYS = ("webhook", "python", "agent")
EXECUTE_KEYS = (*WAYS, "timeout", "idempotent", "attempts")
ROLLBACK_KEYS = ("action", "arguments")
FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
MOST_ATTEMPTS = 100


def actions(reader: Reader, node: Node, networks: tuple[Network, ...], text: str) -> dict[str, ActionSpec]:
    """``actions:`` by name; ``text`` is the whole file."""
    found: dict[str, ActionSpec] = {}
    entries = reader.entries(node, "actions")
    for key, item in entries.items():
        fields = reader.mapping(item, f"the action {quoted(key)}", ACTION_KEYS)
        name = None
        if isinstance(node, nodes.Mapping):
            name = reader.id(node.keys[key], "an action")
            of_the_house(reader, node.keys[key])
        if "rollback" in fields:
            _check_rollback(reader, fields["rollback"], tuple(entries), text)
        found[key] = _action(reader, name or key, fields, networks, text)
    return found


def of_the_house(reader: Reader, name: Scalar) -> bool:
    """Refuse a name that only the house's own actions may have; whether it was one."""
    if not name.text.startswith(HOUSE):
        return False
    what = f"{quoted(name.text)} is a name of the house's own actions, which no agent may ask for"
    reader.faults.add(name.place, what, f"choose a name that does not begin with {HOUSE}")
    return True


def _action(reader: Reader, name: str, fields: dict[str, Node], networks: tuple[Network, ...], text: str) -> ActionSpec:
    title = fields.get("title")
    shape = fields.get("schema")
    schema = None
    if isinstance(shape, nodes.Mapping):
        schema = schemas.compiled(shape, reader.faults)
    elif shape is not None:
        reader.wrong(shape, "the schema", "a JSON Schema (type: object, properties: …)")
    template = None
    if title is not None and reader.text(title, "the title") is not None and isinstance(title, Scalar):
        template = titles.compiled(title, text, name, reader.faults)
    risk = reader.choice(fields["risk"], "the risk", Risk) if "risk" in fields else None
    undo = reader.duration(fields["undo_window"], "undo_window", zero=True) if "undo_window" in fields else None
    cooldown = reader.duration(fields["cooldown"], "cooldown", zero=True) if "cooldown" in fields else None
    return ActionSpec(
        name=name,
        title=template,
        risk=risk or Risk.IRREVERSIBLE,
        schema=schema,
        editable=_editable(reader, fields["editable"], shape) if "editable" in fields else None,
        undo_window=undo or timedelta(0),
        execute=(_execute(reader, fields["execute"], networks) if "execute" in fields else None) or BY_AGENT,
        rollback=_rollback(reader, fields.get("rollback")),
        critical=bool(reader.boolean(fields["critical"], "critical")) if "critical" in fields else False,
        cooldown=COOLDOWN if cooldown is None else cooldown,
        checks=safeguards.checks(reader, fields["checks"], text) if "checks" in fields else (),
        redact=_redact(reader, fields["redact"], shape) if "redact" in fields else (),
        subject=_subject(reader, fields["subject"], shape) if "subject" in fields else None,
    )


def _redact(reader: Reader, node: Node, shape: Node | None) -> tuple[str, ...]:
    return reader.references(node, "redact", lambda item: _pointer(reader, item, "a redacted argument", shape))


def _subject(reader: Reader, node: Node, shape: Node | None) -> str | None:
    pointer = _pointer(reader, node, "the subject", shape)
    if pointer is not None and ANY in names(pointer):
        reader.faults.add(node.place, "the subject is one argument, not several", "name the one that says whose it is")
        return None
    return pointer


def _pointer(reader: Reader, item: Node, what: str, shape: Node | None) -> str | None:
    """A pointer into the arguments: one argument's name, or a JSON Pointer (``/card/number``, ``/rows/*/iban``)."""
    text = reader.text(item, what, limit=200)
    if text is None:
        return None
    pointer = text if text.startswith("/") else below("", text)
    properties = shape.entries.get("properties") if isinstance(shape, nodes.Mapping) else None
    listed = tuple(properties.entries) if isinstance(properties, nodes.Mapping) else None
    first = names(pointer)[0]
    if listed is not None and first not in (*listed, ANY):
        fix = meant(first, listed, "it lists {}")
        reader.faults.add(item.place, f"the schema lists no argument {quoted(first)}", fix)
        return None
    return pointer


def _editable(reader: Reader, node: Node, shape: Node | None) -> tuple[str, ...]:
    properties = shape.entries.get("properties") if isinstance(shape, nodes.Mapping) else None
    listed = tuple(properties.entries) if isinstance(properties, nodes.Mapping) else None
    if isinstance(node, nodes.Sequence) and not node.items:
        return ()

    def argument(item: Node) -> str | None:
        name = reader.text(item, "an editable argument", limit=200)
        if name is not None and listed is not None and name not in listed:
            fix = meant(name, listed, "it lists {}")
            reader.faults.add(item.place, f"the schema lists no argument {quoted(name)}", fix)
            return None
        return name

    return reader.references(node, "editable", argument)


def _execute(reader: Reader, node: Node, networks: tuple[Network, ...]) -> Execute | None:
    fields = reader.mapping(node, "execute", EXECUTE_KEYS)
    ways = [way for way in WAYS if way in fields]
    if len(ways) != 1:
        if isinstance(node, nodes.Mapping):
            what = f"execute names {len(ways) or 'no'} ways to run the action"
            reader.faults.add(node.place, what, "name exactly one of webhook, python or agent: true")
        return None
    way = ways[0]
    webhook = targets.url(fields[way], "the webhook", networks, reader.faults) if way == "webhook" else None
    python = None
    if way == "python":
        python = reader.matching(fields[way], "a Python function", FUNCTION, '"package.module:function"')
    if way == "agent":
        _by_agent(reader, fields)
    timeout = reader.duration(fields["timeout"], "timeout") if "timeout" in fields else None
    idempotent = reader.boolean(fields["idempotent"], "idempotent") if "idempotent" in fields else None
    attempts = reader.whole(fields["attempts"], "attempts", 1, MOST_ATTEMPTS) if "attempts" in fields else None
    plain_run = BY_AGENT if way == "agent" else Execute(webhook=webhook, python=python)
    return Execute(
        webhook=webhook,
        python=python,
        agent=way == "agent",
        timeout=timeout or plain_run.timeout,
        idempotent=bool(idempotent),
        attempts=attempts or plain_run.attempts,
    )


def _by_agent(reader: Reader, fields: dict[str, Node]) -> None:
    if reader.boolean(fields["agent"], "agent") is False:
        reader.faults.add(fields["agent"].place, "agent: false says nothing", "name a webhook or a python function")
    for key in ("idempotent", "attempts"):
        if key in fields:
            what = f"{key} means nothing where the agent runs the action"
            reader.faults.add(fields[key].place, what, "the bot makes no attempts there; remove it")


def _check_rollback(reader: Reader, node: Node, names: tuple[str, ...], text: str) -> None:
    fields = reader.mapping(node, "rollback", ROLLBACK_KEYS)
    if "action" in fields:
        reader.reference(fields["action"], "action", names)
    elif isinstance(node, nodes.Mapping):
        reader.missing(node, "rollback", "action", "name the action that takes this one back")
    if "arguments" in fields:
        reader.entries(fields["arguments"], "rollback.arguments")
        for item in _scalars(fields["arguments"]):
            titles.checked(item, text, "the template", reader.faults)


def _scalars(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node] if isinstance(node.value, str) else []
    below = node.items if isinstance(node, nodes.Sequence) else list(node.entries.values())
    return [scalar for item in below for scalar in _scalars(item)]


def _rollback(reader: Reader, node: Node | None) -> Rollback | None:
    if not isinstance(node, nodes.Mapping) or not isinstance(node.entries.get("action"), Scalar):
        return None
    written = plain(node)
    given = written.get("arguments")
    arguments = given if isinstance(given, dict) else {}
    # Of a file with faults nothing is compiled: it is not put in force.
    filling = None if reader.faults.errors else fillings.ArgumentTemplates(arguments)
    return Rollback(action=str(written["action"]), arguments=arguments, filling=filling)
