"""What actions, agents and the network say that may not be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.core.policy import ActionSpec, Policy
from bot.routing import targets, titles
from bot.routing.faults import meant, quoted

_METADATA = ip_address("169.254.169.254")
"""Where clouds hand out a machine's credentials (threat T21)."""


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of actions, agents and the network."""
    for spec in policy.actions.values():
        yield from _action(spec)
    yield from _owners(policy)
    yield from _network(policy)


def _action(spec: ActionSpec) -> Iterator[str]:
    where = f"the action {spec.name}"
    properties = spec.schema.document.get("properties") if spec.schema else None
    if isinstance(spec.title, titles.TitleTemplate) and isinstance(properties, dict):
        for name in titles.names_in(spec.title.source):
            if name not in properties:
                fix = meant(name, properties, "the schema lists {}")
                yield f"the title of {where} reads {quoted(name)}, which its schema does not list; {fix}"
    if spec.execute.python is not None:
        module = spec.execute.python.partition(":")[0]
        if not _importable(module):
            yield f"{where} runs {spec.execute.python}, but no module {quoted(module)} is installed here; install it"
    if spec.execute.webhook is not None and spec.schema is None:
        yield f"{where} runs by webhook without a schema, so any arguments reach it; add one"
    if spec.execute.agent and spec.undo_window:
        yield f"{where} has an undo_window, but its agent runs it; it is told only after the window"
    parts = urlsplit(spec.execute.webhook or "")
    if parts.scheme == "http" and re.search(r"[a-z]\Z", parts.hostname or "") and ":" not in (parts.hostname or ""):
        yield f"{where} is sent in plain http: it is refused unless {parts.hostname} is in network.allow_private"


def _importable(module: str) -> bool:
    """Whether the top package can be found; nothing is imported, since importing runs code."""
    try:
        return find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _owners(policy: Policy) -> Iterator[str]:
    for agent in policy.agents.values():
        if agent.owner is None:
            yield f"the agent {quoted(agent.name)} has no owner, so anybody may review what it asks; add owner"


def _network(policy: Policy) -> Iterator[str]:
    for text in policy.allow_private:
        network = targets.network(text)
        if network.version == 4 and _METADATA in network:  # noqa: PLR2004 - IP version 4
            yield f"network.allow_private lists {text}, where clouds hand out this machine's credentials; list less"
        elif network.is_global and network.num_addresses > 1:
            yield f"network.allow_private lists {text}, which is not private: plain http is allowed there"
