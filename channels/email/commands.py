"""From the text of an answer to ballots: each bound to what its letter showed, and to the mail that said it."""

from __future__ import annotations

import hashlib

from bot.core.edits import differences
from bot.core.errors import NotFound, Stale
from bot.core.forms import Field
from bot.core.grammar import WORDS, Command, NotUnderstood, parse
from bot.core.model import Replies, Request, Verb
from bot.core.numbered import parse_numbered
from bot.core.ports import Ballot, KeyItem, ReplyKey
from bot.core.replying import allowed, answer_to, edited_by, replies_to
from channels.email.answers import NeedsPage, RepliesOff
from channels.email.inbound.links import holds_link
from channels.email.inbound.values import Reason
from channels.email.names import Names
from channels.email.settings import NAME

_WRAPPED = NotUnderstood(
    Reason.EDIT_MAYBE_WRAPPED,
    "An edit must stand on one line, and the line below it may be the rest of it. Leave an empty line after the edit, "
    'and put a value of several words in double quotes: edit note="a few words".',
)

_LINKED = NotUnderstood(
    "edit_malformed",
    "A mail program put a link into a value, so nobody knows what you typed. Edit it on the request's page.",
)

Commands = tuple[tuple[KeyItem, Command], ...]


def commands_in(text: str, key: ReplyKey, *, reasons: bool = False) -> Commands | NotUnderstood:
    """What an answer to a letter says about which of its requests; ``reasons`` as `parse` has it."""
    by_number = {item.number: item for item in key.items}
    if Names.is_digest(key.letter):
        found = parse_numbered(text, by_number)
        given = found if isinstance(found, NotUnderstood) else tuple((by_number[n], command) for n, command in found)
    else:
        command = parse(text, reasons=reasons)
        given = command if isinstance(command, NotUnderstood) else ((key.items[0], command),)
    if isinstance(given, NotUnderstood):
        return given
    if any(holds_link(value) for _, command in given for _, value in command.edits):
        return _LINKED
    return _WRAPPED if _maybe_wrapped(text, given) else given


def _maybe_wrapped(text: str, given: Commands) -> bool:
    """Whether an edit may go on in the line below: mail programs break long lines, and half an edit is another one."""
    if not any(command.verb is Verb.APPROVE_WITH_EDITS for _, command in given):
        return False
    lines = [line.strip() for line in text.strip().split("\n")]
    edits = [at for at, line in enumerate(lines) if line.casefold().startswith("edit")]
    return any(at + 1 < len(lines) and lines[at + 1] and not _is_command(lines[at + 1]) for at in edits)


def _is_command(line: str) -> bool:
    return line.split(maxsplit=1)[0].casefold() in WORDS


def decision_id(message_id: str, key: ReplyKey, item: KeyItem) -> str:
    """The id of the decision that this mail makes about this request, however often the mail arrives."""
    said = f"{message_id}\n{key.letter}\n{item.request}"
    return "dec_" + hashlib.sha256(said.encode()).hexdigest()[:26]


def check(request: Request | None, item: KeyItem, command: Command, by: str) -> Request:
    """Whether replies may decide this here; raises the refusal.

    What is over, has changed, or is somebody else's to decide is left to the house to say.
    """
    if request is None:
        raise NotFound
    if by not in request.assignees or (request.revision, request.digest) != (item.revision, item.digest):
        return request
    mode = replies_to(request)
    if mode is Replies.OFF:
        raise RepliesOff
    approves = command.verb in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
    # What was not shown whole is refused under its own name by the house, like any letter that was too long.
    if not allowed(mode, command.verb) or (item.by_page and approves and item.fully_shown):
        raise NeedsPage
    return request


def ballot_of(
    request: Request, command: Command, item: KeyItem, *, by: str, decision: str, fields: tuple[Field, ...]
) -> Ballot:
    """A person's decision on exactly what the letter showed.

    Raises `Invalid` with a fault for each bad edit, and what `answer_to` raises where the words do not fit.
    """
    arguments = None
    same = (request.revision, request.digest) == (item.revision, item.digest)
    # What is not the present revision is refused by the house, whatever it answers.
    answer = answer_to(request, command) if same else command.answer
    if command.edits and same:
        arguments = edited_by(fields, command, request.content.arguments)
        if not differences(request.content.arguments, arguments):
            arguments = dict(request.content.arguments)
    elif command.edits and request.state.open:
        # What was written belongs to other arguments than the present ones: it must not be laid over them.
        raise Stale
    return Ballot(
        id=decision,
        request=item.request,
        decision=command.verb,
        by=by,
        channel=NAME,
        revision=item.revision,
        digest=item.digest,
        fully_shown=item.fully_shown,
        arguments=arguments,
        comment=command.comment,
        answer=answer,
    )
