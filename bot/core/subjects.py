"""Whose data a request carries (threat T23): one subject, for good, or erasing a subject would leave some of it.

A request's lines are sealed with the key of its subject, and it is found again by that. So what it offers to run is
all of one subject, no later revision is another's, and of another's request it repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import json

from bot.core import errors
from bot.core.edits import differences
from bot.core.model import Arguments, Edit, Option, Request, Revision, Submission
from bot.core.pointers import below, names, value_at
from bot.core.redaction import WITHHELD, edits_of, veil_of

_encoder = json.Encoder()


def subject_text(value: Any) -> str | None:
    """A subject as it is hashed: text as it is, a number as JSON; None where the argument says nobody."""
    if value is None or isinstance(value, dict | list | bool):
        return None
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def subjects_in(pointer: str, arguments: Arguments, options: Iterable[Option] = ()) -> frozenset[str]:
    """Whose data stands in arguments and in what is offered beside them, as the argument at ``pointer`` says."""
    given = [arguments, *(option.arguments for option in options)]
    path = names(pointer)
    found = (subject_text(value_at(each, path)) for each in given)
    return frozenset(subject for subject in found if subject is not None)


def subject_of(request: Request) -> str | None:
    """Whose data a request carries; None where it is nobody's."""
    pointer, content = request.route.subject, request.content
    return None if pointer is None else min(subjects_in(pointer, content.arguments, content.options), default=None)


def check_offer(pointer: str, submission: Submission) -> None:
    """Refuse a proposal whose options are of several subjects: none of them could be forgotten alone."""
    if len(subjects_in(pointer, submission.arguments, submission.options)) > 1:
        said = f"{pointer} says whose data this is, and differs between them: propose one of each"
        raise errors.Invalid.at("/options", "subject", said)


def check_kept(request: Request, content: Revision) -> None:
    """Refuse a revision that carries the data of somebody else than the request does."""
    pointer, old = request.route.subject, request.content
    if pointer is None:
        return
    if subjects_in(pointer, content.arguments) - subjects_in(pointer, old.arguments, old.options):
        said = "says whose data this is, which no answer and no edit changes: it has to be proposed anew"
        raise errors.Invalid.at(f"/arguments{pointer}", "subject", said)


def revised(earlier: Request, submission: Submission, subject: str | None) -> tuple[Edit, ...]:
    """What is other than in the request that a proposal revises, as the house may repeat it for good.

    ``subject`` is the pointer of the proposal's own action. What the earlier one hides stays hidden, and where it is
    of another subject, or this one of nobody, nothing of it is repeated: it could not be erased here.
    """
    old, given = earlier.content.arguments, submission.arguments
    whose = subject_of(earlier)
    if whose is None or (subject is not None and whose in subjects_in(subject, given, submission.options)):
        return veil_of(earlier.route, earlier.content, edits=edits_of(earlier)).edits(differences(old, given))
    found = tuple(
        Edit(below("", name), WITHHELD, value)
        for name, value in given.items()
        if name not in old or differences({name: old[name]}, {name: value})
    )
    return found or ((Edit("/", WITHHELD, WITHHELD),) if differences(old, given) else ())


def fixed(request: Request) -> frozenset[str]:
    """The argument that no form may offer, for it says whose data this is."""
    path = names(request.route.subject) if request.route.subject is not None else ()
    return frozenset(path if len(path) == 1 else ())
