"""What is compiled out of routing.yaml, as the core asks it: conditions, amounts, schemas, templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bot.core.errors import Fault
from bot.core.model import Arguments


class ConditionFailed(Exception):
    """A condition could not be answered for this submission, as when it reads a field that is not there."""


class Facts(dict[str, Any]):
    """The names that conditions may use, of one submission; nobody changes them once a condition was asked.

    ``prepared``: what whoever answers conditions made of them once they were ``asked``, kept for the next one.
    Arguments of 200 KB take milliseconds to convert, and a thousand rules may read them (T13).
    """

    asked = False
    prepared: Any = None


class Condition(Protocol):
    """A compiled, type-checked condition."""

    @property
    def source(self) -> str:
        """As written."""

    @property
    def actions(self) -> frozenset[str] | None:
        """The only actions for which it can hold; None where it may hold for any."""

    @property
    def reads_labels(self) -> bool:
        """Whether what an agent labels its request with may make a difference to it."""

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; raises `ConditionFailed`."""


class Amount(Protocol):
    """A compiled expression that gives a number."""

    @property
    def source(self) -> str:
        """As written."""

    def amount(self, facts: Mapping[str, Any]) -> float:
        """The number, finite; raises `ConditionFailed`."""


class ArgumentSchema(Protocol):
    """A compiled JSON Schema of an action's arguments."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The schema as written."""

    def faults(self, arguments: Arguments) -> tuple[Fault, ...]:
        """Every fault, pointers relative to the arguments (`/amount`)."""

    def sensitive(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what is given there that the schema calls sensitive (``x-sensitive: true``)."""

    def secret(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what is given there that nobody is to be shown: by the schema's word, or by a declared name."""


class Title(Protocol):
    """A compiled title template; the template is the admin's, the agent only fills its blanks."""

    def render(self, arguments: Arguments) -> str:
        """One line of plain text; the action's name where the template cannot be filled."""


class NotFilled(Exception):
    """A template names what is not there. Its text says what was to be filled (a pointer), and never a value."""


class Filling(Protocol):
    """Compiled templates of an action's arguments, filled with those of an earlier request and with its result."""

    @property
    def reads_result(self) -> bool:
        """Whether any of them needs the result, which is not there before the first one ran."""

    def filled(self, arguments: Arguments, result: Any) -> Arguments:
        """The arguments. A template that is exactly one blank keeps the JSON type of what fills it.

        Raises `NotFilled`.
        """

    def leaves(self, arguments: Arguments, result: Any) -> Mapping[str, Any]:
        """The same, leaf by leaf: what fills each template, by its pointer into the arguments (`NotFilled`: none)."""
