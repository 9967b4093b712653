"""What nobody at a card, a log or an export needs to see (threat T23): which values, and the marks shown instead.

A value that runs is hidden only where the house said so: by ``redact:``, or by the action's own schema. An agent can
therefore not name an argument so that its reviewer approves what they cannot see (threat T2). What never runs
(labels, context, a result) is hidden by its name alone. A mark carries no hash of what it stands for: a card's
security code has 1,000 values, and its hash is the code itself to anybody who tries them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Arguments, Decision, Delivery, Edit, Execution, Option, Request, Revision, Route, Submission
from bot.core.pointers import below, names
from bot.core.spellings import spellings, without

MARK = "•••• (redacted)"
"""Stands where a value is hidden."""

WITHHELD = "(withheld)"
"""Stands in a line and, after an erasure, in the tables, where a text was."""

NAMES = frozenset(
    {
        *("password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "privatekey"),
        *("accesstoken", "refreshtoken", "idtoken", "authtoken", "bearertoken", "sessiontoken", "clientsecret"),
        *("authorization", "proxyauthorization", "cookie", "setcookie", "credentials", "credential"),
        *("cardnumber", "cvv", "cvc", "cvv2", "securitycode", "pin", "otp"),
    }
)
"""Names of what is secret wherever it stands, in lower case and without hyphens, underscores and spaces."""

ANY = "*"
"""In a pointer of ``redact:``: every item of a list, every member of an object."""

_APART = re.compile(r"[-_ .]")
SHORTEST = 4
"""Characters from which a hidden value is looked for in other texts; a shorter one stands in any text by chance."""

_DEEPEST = 64
"""Levels that are looked into by name; nothing of ours nests deeper, and a hostile value must not exhaust the stack."""

_LONGEST = 40
"""Characters of the longest name that is looked at; agents send the same few names again and again."""

Path = tuple[str, ...]


def secret_name(name: str) -> bool:
    """Whether what stands under this name is secret by its name."""
    return len(name) <= _LONGEST and _is_secret(name)


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return _APART.sub("", name).casefold() in NAMES


def named(value: Any, pointer: str = "", depth: int = 0) -> Iterator[str]:
    """Pointers of what is secret by its name, outermost first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if secret_name(name):
                yield below(pointer, name)
            elif isinstance(item, dict | list):
                yield from named(item, below(pointer, name), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from named(item, f"{pointer}/{index}", depth + 1)


def hidden_in(submission: Submission, arguments: Sequence[str]) -> tuple[str, ...]:
    """What a route hides: ``arguments`` (pointers into the arguments) and what is named so in labels and context.

    Sorted, each beginning with ``/arguments``, ``/context`` or ``/labels``.
    """
    found = [f"/arguments{pointer}" for pointer in arguments]
    if submission.context:
        found += named(submission.context, "/context")
    if submission.labels:
        found += named(submission.labels, "/labels")
    return tuple(sorted(set(found))) if found else ()


def masked(value: Any, paths: Sequence[Path]) -> Any:
    """The value with a mark at each path that is there; the value itself where none is."""
    for path in paths:
        value = _marked(value, path)
    return value


def _marked(value: Any, path: Path) -> Any:
    if not path:
        return value if value is None else MARK
    name, rest = path[0], path[1:]
    if isinstance(value, dict):
        chosen = tuple(value) if name == ANY else (name,) if name in value else ()
        return {**value, **{key: _marked(value[key], rest) for key in chosen}} if chosen else value
    if isinstance(value, list):
        return [_marked(v, rest) if name in (ANY, str(i)) else v for i, v in enumerate(value)]
    return value


def paths_of(route: Route, part: str = "arguments") -> tuple[Path, ...]:
    """The paths that a route hides in the arguments, the labels or the context."""
    split = (names(pointer) for pointer in route.hidden)
    return tuple([path[1:] for path in split if path[0] == part])


def at(value: Any, path: Path) -> Iterator[Any]:
    """What stands at a path."""
    if not path:
        yield value
    elif isinstance(value, dict):
        for key in value if path[0] == ANY else (path[0],) if path[0] in value else ():
            yield from at(value[key], path[1:])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if path[0] in (ANY, str(index)):
                yield from at(item, path[1:])


def texts(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value, as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _rest(edit: Edit, path: Path) -> Path | None:
    """What of a path is left below the place of an edit; None where it leads elsewhere."""
    place = names(edit.pointer) if edit.pointer != "/" else ()
    same = all(one in (ANY, other) for one, other in zip(path, place, strict=False))
    return path[len(place) :] if same else None


def _within(edit: Edit, path: Path) -> list[tuple[Any, Path]]:
    rest = _rest(edit, path)
    return [] if rest is None else [(edit.before, rest), (edit.after, rest)]


class Veil(Struct, frozen=True):
    """What is hidden of one request: where, and the texts that stand there, to be taken out of all others, too."""

    arguments: tuple[Path, ...] = ()
    context: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """A text without what is hidden."""
        return without(text, self.secrets, MARK) if self.secrets else text

    def text_or_none(self, text: str | None) -> str | None:
        """As `text`, where there may be none."""
        return None if text is None else self.text(text)

    def value(self, value: Any) -> Any:
        """A JSON value without what is hidden, by name or because it is the same text."""
        return self._scrubbed(masked(value, [names(pointer) for pointer in named(value)]))

    def _scrubbed(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEEPEST or not self.secrets:
            return value
        if isinstance(value, dict):
            return {self.text(name): self._scrubbed(item, depth + 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self._scrubbed(item, depth + 1) for item in value]
        return value

    def given(self, arguments: Arguments) -> Arguments:
        """Arguments as everybody may see them."""
        shown: Arguments = self._scrubbed(masked(arguments, self.arguments))
        return shown

    def edits(self, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
        """Edits as everybody may see them: that something hidden changed, and not into what."""
        return tuple([self._edit(edit) for edit in edits])

    def _edit(self, edit: Edit) -> Edit:
        before, after = edit.before, edit.after
        for path in self.arguments:
            if (rest := _rest(edit, path)) is not None:
                before, after = _marked(before, rest), _marked(after, rest)
        return replace(edit, before=self._scrubbed(before), after=self._scrubbed(after))

    def content(self, content: Revision) -> Revision:
        """A revision as everybody may see it."""
        return replace(
            content,
            arguments=self.given(content.arguments),
            proposed=None if content.proposed is None else self.given(content.proposed),
            reason=self.text_or_none(content.reason),
            labels=self._scrubbed(masked(content.labels, self.labels)),
            context=self._scrubbed(masked(content.context, self.context)),
            options=tuple([self._option(option) for option in content.options]),
            differs=self.edits(content.differs),
        )

    def _option(self, option: Option) -> Option:
        return replace(option, title=self.text(option.title), arguments=self.given(option.arguments))

    def decision(self, made: Decision) -> Decision:
        """A decision as everybody may see it."""
        answer, comment = self.text_or_none(made.answer), self.text_or_none(made.comment)
        category = self.text_or_none(made.category)
        return replace(made, comment=comment, category=category, answer=answer, edits=self.edits(made.edits))

    def execution(self, run: Execution) -> Execution:
        """A run as everybody may see it."""
        incidents = tuple([replace(one, note=self.text(one.note)) for one in run.incidents])
        return replace(run, result=self.value(run.result), error=self.text_or_none(run.error), incidents=incidents)

    def delivery(self, sent: Delivery) -> Delivery:
        """A delivery as everybody may see it."""
        return sent if sent.error is None else replace(sent, error=self.text(sent.error))

    def route(self, route: Route) -> Route:
        """A route as everybody may see it."""
        checks = tuple([replace(check, detail=self.text(check.detail)) for check in route.checks])
        notes = tuple([(label, self.text(text)) for label, text in route.notes])
        warnings = tuple(map(self.text, route.warnings))
        why = self.text(route.why)
        return replace(route, why=why, warnings=warnings, checks=checks, notes=notes, unsaid=())


def veil_of(route: Route, *contents: Revision, edits: Sequence[Edit] = ()) -> Veil:
    """What a route hides of these contents, and of what edits of them took away and put there."""
    arguments, context, labels = (paths_of(route, part) for part in ("arguments", "context", "labels"))
    places = [place for edit in edits for path in arguments for place in _within(edit, path)]
    for content in contents:
        given = [content.arguments, content.proposed, *(option.arguments for option in content.options)]
        places += [(value, path) for value in given for path in arguments]
        places += [(content.context, path) for path in context] + [(content.labels, path) for path in labels]
        places += [place for edit in content.differs for path in arguments for place in _within(edit, path)]
    found = {text for value, path in places for item in at(value, path) for text in texts(item)}
    secrets = {way for text in found.union(route.unsaid) if len(text) >= SHORTEST for way in spellings(text)}
    # The longest first: one may be a part of another, whose rest would be left standing.
    return Veil(arguments, context, labels, tuple(sorted(secrets, key=lambda text: (-len(text), text))))


def names_secrets(value: Any) -> bool:
    """Whether anything in a result is secret by its name."""
    return isinstance(value, dict | list) and next(named(value), None) is not None


def edits_of(request: Request) -> tuple[Edit, ...]:
    """Every edit that a person made: what was hidden in earlier revisions stands there."""
    return tuple([edit for made in request.decisions for edit in made.edits])


def shown(request: Request) -> Request:
    """The request as everybody but its agent may see it; the very same where nothing is hidden."""
    run, route = request.execution, request.route
    if not (route.hidden or route.unsaid or (run is not None and names_secrets(run.result))):
        return request
    veil = veil_of(route, request.content, edits=edits_of(request))
    return replace(
        request,
        title=veil.text(request.title),
        route=veil.route(route),
        content=veil.content(request.content),
        answer=veil.text_or_none(request.answer),
        decisions=tuple([veil.decision(made) for made in request.decisions]),
        execution=None if run is None else veil.execution(run),
        advice=tuple([replace(given, note=veil.text_or_none(given.note)) for given in request.advice]),
    )


def seen(arguments: Arguments, pointers: Sequence[str]) -> Arguments:
    """Arguments with marks at these pointers, for what is made of them and kept, as a title."""
    if not pointers:
        return arguments
    shown_so: Arguments = masked(arguments, [names(pointer) for pointer in pointers])
    return shown_so


def uneditable(route: Route) -> frozenset[str]:
    """The arguments that no form may offer, for it would show what is hidden."""
    return frozenset(path[0] for path in paths_of(route) if path)
