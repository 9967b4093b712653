"""Titles: one-line templates of the admin's, whose blanks an agent's arguments fill.

Only ``{{ name }}`` with attribute or item access and a few filters is taken: no blocks, no calls, no arithmetic. What
an agent sends is only ever a value in a blank; it is never compiled, so ``{{7*7}}`` in an argument stays as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.core.model import Arguments
from bot.core.scrutiny import visible
from bot.routing.faults import Faults, listed, meant, quoted
from bot.routing.nodes import Scalar
from bot.routing.source import place_in

LONGEST = 150
"""Characters in a rendered title (Slack's limit for a header)."""
MAX_TEMPLATE = 1000
FILTERS = ("default", "int", "join", "length", "lower", "replace", "round", "title", "trim", "truncate", "upper")
_OR_ELSE = "default"
"""The one filter that may be given another argument: it chooses between two values, and makes no third."""
_ROOM = 4000
"""Characters that one value brings into a title at most, before the title is shortened."""
_TAKEN = ("caller", "kwargs", "loop", "self", "super", "varargs")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Const,
    nodes.Keyword,
)


def _bounded(value: Any) -> Any:
    """What a blank shows: values as JSON shows them, and never more than a title can hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return value[:_ROOM] if isinstance(value, str) else value


class _Environment(ImmutableSandboxedEnvironment):
    """A dot reaches the entries of JSON objects and nothing else: ``order.items`` is no method of a dict."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict) and argument in obj:
            return obj[argument]
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)


ENVIRONMENT = _Environment(
    autoescape=False,  # plain text; every channel escapes for itself
    undefined=StrictUndefined,
    finalize=_bounded,
)
ENVIRONMENT.filters = {name: ENVIRONMENT.filters[name] for name in FILTERS}
ENVIRONMENT.globals = {}
ENVIRONMENT.tests = {}
"""What compiles every template of the file; `bot.routing.fillings` shares it."""


class TitleTemplate:
    """One compiled title; a `bot.core.policy.Title`."""

    __slots__ = ("_action", "_template", "source")

    def __init__(self, source: str, action: str) -> None:
        self.source = source
        self._action = action
        self._template = ENVIRONMENT.from_string(source)

    def render(self, arguments: Arguments) -> str:
        """One line of at most 150 characters, nothing hidden in it; the action's name where it cannot be filled."""
        try:
            text = self._template.render(arguments)
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, MemoryError):
            return self._action
        line = " ".join(visible(text[:_ROOM]).replace("\n", " ").split())
        return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") or self._action


def compiled(node: Scalar, text: str, action: str, faults: Faults) -> TitleTemplate | None:
    """The title that a node holds; None (and faults) where it is more than blanks to fill."""
    if not checked(node, text, "the title", faults):
        return None
    return TitleTemplate(node.text, action)


def checked(node: Scalar, text: str, where: str, faults: Faults) -> bool:
    """Whether a template is only text and blanks."""
    if len(node.text) > MAX_TEMPLATE:
        faults.add(node.place, f"{where} has more than {MAX_TEMPLATE} characters")
        return False
    try:
        tree = ENVIRONMENT.parse(node.text)
    except TemplateSyntaxError as broken:
        place = place_in(text, node, broken.lineno, 1) if broken.lineno > 1 else node.place
        faults.add(place, f"{where} is not a template: {broken.message}", "blanks are written {{ name }}")
        return False
    except RecursionError:
        faults.add(node.place, f"{where} is nested too deep")
        return False
    wrong = [part for part in _below(tree) if not _node(part, node, where, faults)]
    return not wrong


def _below(tree: nodes.Node) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.iter_child_nodes()
    return found


def _node(part: nodes.Node, node: Scalar, where: str, faults: Faults) -> bool:
    if isinstance(part, nodes.Filter) and part.name in FILTERS:
        return part.name == _OR_ELSE or _written_out(part, node, where, faults)
    if isinstance(part, nodes.Filter):
        fix = meant(part.name, FILTERS, "filters are {}")
        faults.add(node.place, f"{where} uses the filter {quoted(part.name)}, which is not taken", fix)
        return False
    if isinstance(part, nodes.Getattr) and part.attr.startswith("_"):
        faults.add(node.place, f"{where} reaches for {quoted(part.attr)}", "names in blanks do not begin with _")
        return False
    if isinstance(part, nodes.Name) and part.name in _TAKEN:
        faults.add(
            node.place, f"{quoted(part.name)} cannot be a blank of {where}", "the template language took that name"
        )
        return False
    if isinstance(part, _ALLOWED):
        return True
    what = re.sub(r"(?<!^)([A-Z])", r" \1", type(part).__name__).lower()
    fix = f"only {{{{ name }}}} with attributes, items and the filters {listed(FILTERS)} is taken"
    faults.add(node.place, f"{where} holds more than blanks to fill ({what})", fix)
    return False


def _written_out(part: nodes.Filter, node: Scalar, where: str, faults: Faults) -> bool:
    """Whether a filter is told how by the admin alone: what joins 40,000 items is not for an agent to choose (T22)."""
    given = [*(part.args or ()), *(keyword.value for keyword in part.kwargs or ())]
    if all(isinstance(value, nodes.Const) for value in given):
        return True
    what = f"{where} gives the filter {quoted(part.name or '')} something that an agent sends"
    faults.add(node.place, what, "write it out, as in {{ names | join(', ') }}")
    return False


def names_in(source: str) -> tuple[str, ...]:
    """The arguments that a template reads."""
    found = ENVIRONMENT.parse(source).find_all(nodes.Name)
    return tuple(dict.fromkeys(name.name for name in found))
