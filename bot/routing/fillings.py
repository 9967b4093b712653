"""Templates of a rollback's arguments: blanks that an earlier request's arguments and its result fill.

They are the admin's, checked like titles (`bot.routing.titles`); what fills them is only ever a value. A template that
is exactly one blank keeps the JSON type of what fills it, so that a number stays a number and an object whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Template, TemplateError, Undefined, nodes

from bot.core.model import Arguments
from bot.core.pointers import below
from bot.core.policy import NotFilled
from bot.routing.titles import ENVIRONMENT, names_in

RESULT = "result"
"""What templates call the result of the earlier run. An argument of that name cannot take its place."""

_VALUE = "the_value"
_UNFILLED = (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, MemoryError)


class _Leaf:
    """One compiled template."""

    __slots__ = ("_template", "_whole", "reads_result")

    def __init__(self, source: str) -> None:
        tree = ENVIRONMENT.parse(source)
        self.reads_result = any(name.name == RESULT for name in tree.find_all(nodes.Name))
        blank = _only_blank(tree)
        self._whole = blank is not None
        if blank is not None:
            target = nodes.Name(_VALUE, "store", lineno=1)
            tree = nodes.Template([nodes.Assign(target, blank, lineno=1)], lineno=1)
            tree.set_environment(ENVIRONMENT)
        self._template: Template = ENVIRONMENT.from_string(tree)

    def filled(self, known: Mapping[str, Any]) -> Any:
        """What comes of it; raises one of `_UNFILLED`."""
        if not self._whole:
            return self._template.render(known)
        context = self._template.new_context(dict(known))
        for _ in self._template.root_render_func(context):
            pass
        value = context.vars[_VALUE]
        if isinstance(value, Undefined):
            raise TypeError("nothing is there")
        return value


class ArgumentTemplates:
    """The arguments of a rollback, compiled; a `bot.core.policy.Filling`."""

    __slots__ = ("_leaves", "_written")

    def __init__(self, written: Mapping[str, Any]) -> None:
        """``written``: the arguments as they stand in the file; their templates are checked already."""
        self._written = dict(written)
        self._leaves = {pointer: _Leaf(text) for pointer, text in _texts(self._written) if "{" in text}

    @property
    def document(self) -> Mapping[str, Any]:
        """The arguments as they stand in the file, by which two are compared."""
        return self._written

    @property
    def reads_result(self) -> bool:
        """See `Filling.reads_result`."""
        return any(leaf.reads_result for leaf in self._leaves.values())

    def filled(self, arguments: Arguments, result: Any) -> Arguments:
        """See `Filling.filled`; raises `NotFilled`."""
        values = self.leaves(arguments, result)
        for pointer, value in values.items():
            if isinstance(value, NotFilled):
                raise NotFilled(f"{pointer} cannot be filled with what the first request and its result say")
        filled: Arguments = _placed(self._written, values)
        return filled

    def leaves(self, arguments: Arguments, result: Any) -> Mapping[str, Any]:
        """See `Filling.leaves`."""
        known = {**arguments, RESULT: result}
        found: dict[str, Any] = {}
        for pointer, leaf in self._leaves.items():
            try:
                found[pointer] = leaf.filled(known)
            except _UNFILLED:
                # The cause may quote what nobody is to read (threat T23).
                found[pointer] = NotFilled(pointer)
        return found


def _only_blank(tree: nodes.Template) -> nodes.Expr | None:
    """The one expression of a template that is nothing else."""
    output = tree.body[0] if len(tree.body) == 1 else None
    only = output.nodes[0] if isinstance(output, nodes.Output) and len(output.nodes) == 1 else None
    return None if only is None or isinstance(only, nodes.TemplateData) else only


def names_read(value: Any) -> tuple[str, ...]:
    """What the templates in a rollback's arguments read, but for the result."""
    found = dict.fromkeys(name for _, text in _texts(value) for name in names_in(text))
    return tuple(name for name in found if name != RESULT)


def _texts(value: Any, pointer: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(pointer, value)]
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in _texts(item, below(pointer, name))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _texts(item, below(pointer, str(index)))]
    return []


def _placed(value: Any, values: Mapping[str, Any], pointer: str = "") -> Any:
    if pointer in values:
        return values[pointer]
    if isinstance(value, dict):
        return {name: _placed(item, values, below(pointer, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, values, below(pointer, str(index))) for index, item in enumerate(value)]
    return value
