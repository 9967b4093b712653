"""The parts of a letter that a card is drawn in, the same whatever the letter is about."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.core.card import KINDS, Card, Line, Verdict, by_house, ended
from bot.core.grammar import OPTION
from bot.core.model import ExecutionState, Kind, Person, Replies, Risk, State, Verb
from channels.email.letters.sheets import Section, Tag, entries
from channels.email.letters.sizes import asked_names, guarded, one_line

_NOTHING_RUNS = "Nothing runs: the agent is told what you say."
OPEN = "Open the full request"
_SUBJECT = 150
_TAIL = 6
_OFFERS = 3
"""Options that the sentence on how to answer names; the letter shows all."""
_TONES = {
    State.APPROVED: "good",
    State.APPROVED_WITH_EDITS: "good",
    State.REJECTED: "bad",
    State.EXPIRED: "flat",
    State.CANCELLED: "flat",
    State.BLOCKED: "bad",
}
_ASKS = {
    Kind.APPROVAL: "Please decide",
    Kind.QUESTION: "Please answer",
    Kind.CHOICE: "Please choose",
    Kind.EXCEPTION: "Please see to it",
}
_RAN = {
    ExecutionState.EXECUTED: "good",
    ExecutionState.ROLLED_BACK: "flat",
    ExecutionState.FAILED: "bad",
    ExecutionState.UNKNOWN: "alarm",
    ExecutionState.CANCELLED: "flat",
}


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def moment(at: datetime, person: Person) -> str:
    """A moment on the person's own clock, the zone named: ``Wed 25 Nov 2026, 16:35 (Europe/Lisbon)``."""
    return f"{at.astimezone(_zone(person.timezone)):%a %d %b %Y, %H:%M} ({person.timezone})"


def subject_of(card: Card) -> str:
    """The subject of every letter of a request, on one line, ``_SUBJECT`` characters at most."""
    tail = f" (#{card.request[-_TAIL:]})"
    title = one_line(card.title) or one_line(card.action) or "Untitled"
    room = _SUBJECT - len("[Sayso] ") - len(tail)
    return f"[Sayso] {title if len(title) <= room else title[: room - 1] + '…'}{tail}"


def what(card: Card) -> tuple[str, str]:
    """How it stands in a word or two, by what is asked; and the tone of that."""
    if card.state is State.PENDING:
        return _ASKS[card.kind], "wait"
    if card.state is State.NEEDS_INFO:
        return "Waits for the agent", "wait"
    return ended(card.kind, card.state), _TONES[card.state]


def tags(card: Card) -> tuple[Tag, ...]:
    """How risky it is and how sure the agent, then what else is worth a word: each with its tone."""
    risk = one_line(card.risk).replace("_", " ")
    sure = one_line(card.confidence) or "not given"
    kind = [] if card.kind is Kind.APPROVAL else [Tag(KINDS[card.kind], "flat")]
    danger = [Tag(f"Risk: {risk}", "bad" if card.risk == Risk.IRREVERSIBLE else "flat")] if card.kind.runs else []
    told = [
        *kind,
        *danger,
        Tag(f"⚠ confidence {sure}", "wait") if card.below_gate else Tag(f"confidence {sure}", "flat"),
    ]
    if card.escalation_level:
        told.append(Tag(f"escalated (level {card.escalation_level})", "alarm"))
    if card.progress:
        together = len(_stages(card))
        told.append(Tag(f"{together} stages at once" if together > 1 else one_line(card.progress), "flat"))
    if card.revision > 1:
        told.append(Tag(f"revision {card.revision}", "flat"))
    return tuple(told)


def _stages(card: Card) -> list[str]:
    """What each of the stages under way has, as the card's progress says it."""
    return one_line(card.progress).split("; ")


def status(card: Card) -> str:
    """The same on one line."""
    return " · ".join(tag.text for tag in tags(card))


def noted(note: str | None) -> tuple[Section, ...]:
    """What the house says beside the request."""
    return (Section(kind="note", tone="wait", lead=tuple(note.split("\n"))),) if note else ()


def changed(card: Card, person: Person) -> list[Section]:
    """That it is not what was asked before, and what people changed in it."""
    head = f"This request has changed: this is revision {card.revision}, and only answers to it count."
    edited = [verdict(v, person) for v in card.verdicts if v.edits]
    last = card.verdicts[-1] if card.verdicts else None
    own = last is not None and bool(last.edits) and last.person == person.id
    lead = ("You made this change yourself, and your approval of it counts wherever you are asked.",) if own else ()
    return [Section(kind="note", tone="alarm", head=head, lead=lead), *edited]


def warnings(card: Card) -> list[Section]:
    """The house's warnings, each on its own."""
    return [Section(kind="note", tone="alarm", lead=(f"⚠ {one_line(mark)}",)) for mark in card.marks]


def action(card: Card) -> Section:
    """What would run, or ran, with every argument; the options of a choice or a question among them."""
    asked = f"Asked by {one_line(card.agent)}, {'with' if card.arguments else 'with no arguments'}"
    return Section(
        kind="action",
        head="Action: ",
        title=one_line(card.action) or "(no name)",
        lead=(*(() if card.kind.runs else (_NOTHING_RUNS,)), f"{asked}:" if card.arguments else f"{asked}."),
        entries=entries(card.arguments),
    )


def notes(card: Card) -> tuple[Section, ...]:
    """What the house adds: its checks, second opinions, what is other than in a request before."""
    if not card.notes:
        return ()
    return (Section(kind="facts", head="Sayso adds", entries=entries(card.notes, changes=True)),)


def answered(card: Card) -> tuple[Section, ...]:
    """What was answered, or picked, so far."""
    if card.answer is None:
        return ()
    picked = next((offer for offer in card.offers if offer.id == card.answer), None)
    line = Line("Its answer", card.answer) if picked is None else Line(f"Option {picked.id}", picked.title)
    head = "This answer was given already" if card.state.open else "What was answered"
    return (Section(kind="note", tone="wait" if card.state.open else "good", head=head, entries=entries((line,))),)


def speaker(card: Card) -> str:
    """Whose words the claims are."""
    return "Sayso says" if by_house(card) else "The agent says (its own words, unchecked)"


def claims(card: Card, *, only: str | None = None) -> Section:
    """What the agent says of itself, or the house of what it asks, under a label that says so.

    ``only``: the one line of that label.
    """
    said = tuple(line for line in card.claims if only is None or line.label == only)
    label = speaker(card) + ("" if said else ": nothing")
    return Section(kind="claims", head=label, entries=entries(said))


def facts(card: Card, person: Person, *, brief: bool = False) -> Section:
    """Who is asked and until when; how it is undone and why it is asked."""
    lines: list[Line] = []
    if card.state.open:
        lines.append(Line("Asked", asked_names(card)))
        if len(_stages(card)) > 1:
            lines.append(Line("Stages under way", "\n".join(_stages(card))))
        if card.deadline:
            lines.append(Line("Next in the chain is asked", moment(card.deadline, person)))
        lines.append(Line("Expires", moment(card.expires_at, person)))
    if not brief:
        lines += [Line("How to undo it", card.undo)] if card.undo else []
        lines += [Line("Why it is asked", card.why)] if card.why else []
    return Section(kind="facts", entries=entries(lines, ours=True))


def verdict(verdict: Verdict, person: Person) -> Section:
    """One decision: whose, when and how, then what they wrote and changed."""
    by = f"{verdict.title} by {verdict.by}" if verdict.by else verdict.title
    if guarded(by) != by:
        # "Handled" is a word of the grammar, and no line of a letter begins with one.
        by = f"It was {by[0].lower()}{by[1:]}"
    how = [f"through {one_line(verdict.channel)}"] if verdict.channel else []
    when = [moment(verdict.at, person)] if verdict.at else []
    said = [Line("Reason given", one_line(verdict.category).replace("_", " "))] if verdict.category else []
    said += [Line("Answer", verdict.answer)] if verdict.answer else []
    said += [Line("Comment", verdict.comment)] if verdict.comment else []
    return Section(
        kind="note",
        head=one_line(by),
        lead=(", ".join((*how, *when)),) if how or when else (),
        entries=(*entries(said, ours=True), *entries(verdict.edits, changes=True)),
    )


def run(card: Card) -> tuple[Section, ...]:
    """What came of the run, where there was one."""
    run = card.execution
    if run is None:
        return ()
    came = entries((Line("Result" if card.run is ExecutionState.EXECUTED else "Error", run.text),), ours=True)
    tone = _RAN.get(card.run, "wait") if card.run else "flat"
    return (Section(kind="note", tone=tone, head=one_line(run.label), entries=came if run.text else ()),)


def answer(card: Card, link: str, *, hears: bool) -> Section:
    """How to answer, as `Card.replies` allows."""
    lead = () if card.fully_shown else ("✂ Too long for a letter: not everything is shown here.",)
    return Section(kind="answer", lead=lead, how=how_to_answer(card, hears=hears), link=link, link_says=OPEN)


def how_to_answer(card: Card, *, hears: bool) -> str:
    """The sentence that says what an answer may decide, commands in backticks."""
    if card.state is State.NEEDS_INFO:
        return "Nothing can be decided until the agent has answered what it was asked."
    if card.state is not State.PENDING:
        return "There is nothing left to decide."
    if not hears or card.replies is Replies.OFF:
        return "Decide on the request’s page. An answer to this letter decides nothing."
    if card.replies is Replies.REJECT_ONLY:
        return f"{_by_page(card)} Or reply with one line: `reject: why`, or `ask: question`, or `escalate`."
    if card.kind is not Kind.APPROVAL or card.needs_reason:
        words = "`approve: why you do`" if card.needs_reason else _in_its_words(card)
        return f"Reply with one line: {words}, or `reject: why`, or `ask: question`, or `escalate`."
    edit = "or `edit name=value`, " if Verb.APPROVE_WITH_EDITS in card.buttons else ""
    return f"Reply with one line: `approve`, or `reject: why`, {edit}or `ask: question`, or `escalate`."


def _by_page(card: Card) -> str:
    """Why it is approved, or answered, on its page alone."""
    do, done = ("approve", "approved") if card.kind is Kind.APPROVAL else ("answer", "answered")
    why = f"by the rules it is {done} there alone"
    if not card.fully_shown:
        why = "not everything is shown here"
    elif card.risk == Risk.IRREVERSIBLE and card.kind.runs:
        why = "it cannot be undone"
    return f"To {do}, open the request’s page: {why}."


def _in_its_words(card: Card) -> str:
    """In which words a question, a choice or an exception is answered."""
    if card.kind is Kind.EXCEPTION:
        return "`handled`, or `answer: your words`"
    offered = [offer for offer in card.offers if OPTION.fullmatch(offer.id)]
    if not offered:
        return "`answer: your words`"
    chosen = next((f"`approve` (it approves option {offer.id}), or " for offer in offered if offer.chosen), "")
    more = ", or another of the options" if len(offered) > _OFFERS else ""
    return chosen + ", or ".join(f"`choose {offer.id}`" for offer in offered[:_OFFERS]) + more
