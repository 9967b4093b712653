"""The form in which a question is answered, an option picked, an exception settled.

Whoever picks an option decides what runs: all that each option holds stands above the buttons. Where it does not fit,
the form says so and cannot be sent (threat T2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.card import Card, Line
from bot.core.card.notes import options_of
from bot.core.errors import Fault, Invalid
from bot.core.model import Kind, Option, Request, Verb
from bot.core.scrutiny import visible
from channels.slack.draw import KEPT, draw, entry_of, web
from channels.slack.forms import Submitted, about, chosen_in, option_of, select_of, typed_in
from channels.slack.sizes import FURNITURE, ONE_TEXT, SAID, TOTAL, clip, size
from channels.slack.words import ANSWER, button_of

_LINES, _RADIOS, _VALUE, _CUT = 60, 10, 150, 300
_ABOVE = 2_000
"""Characters of what the form is about and of the agent's words, where options stand below them."""
_SAYS = 900
_LABELS = {Kind.QUESTION: "Answer", Kind.CHOICE: "Which of them?", Kind.EXCEPTION: "How it was handled"}
_HINTS = {
    Kind.QUESTION: "The agent reads this.",
    Kind.CHOICE: "What you pick is approved as it stands above.",
    Kind.EXCEPTION: "The agent reads this. Nothing runs by itself.",
}


def answer_modal(card: Card, request: Request, metadata: str) -> dict[str, Any]:
    """The form for this request. Without a button to send it where an option could not be shown, or sent, whole."""
    options = request.content.options if request.kind is not Kind.EXCEPTION else ()
    shown, whole = _shown(options_of(request) if options else ())
    fits = whole and _sendable(options)
    view: dict[str, Any] = draw(
        "answer.json.j2",
        metadata=metadata,
        word=button_of(Verb.APPROVE, request.kind),
        title=about(card),
        says=clip(next((line.text for line in card.claims if line.label == KEPT), ""), _SAYS if options else SAID)[0],
        options=[entry_of(line) for line in shown],
        element=_element(request, options) if fits else None,
        label=_LABELS[request.kind],
        hint=_HINTS[request.kind],
        optional=request.kind is Kind.EXCEPTION,
        url=web(card.url),
    )
    return view


def _shown(lines: tuple[Line, ...]) -> tuple[tuple[Line, ...], bool]:
    """What each option holds, and whether that is all of it."""
    longest = max((size(text) for line in lines for text in (line.label, line.text)), default=0)
    total = sum(size(line.label) + size(line.text) for line in lines)
    if len(lines) <= _LINES and longest <= ONE_TEXT and total <= TOTAL - FURNITURE - _ABOVE:
        return lines, True
    cut = [Line(clip(line.label, _CUT // 2)[0], clip(line.text, _CUT)[0], elided=True) for line in lines[: _LINES // 3]]
    if len(lines) > len(cut):
        cut.append(Line("…", f"[{len(lines) - len(cut)} more not shown here]", elided=True))
    return tuple(cut), False


def _sendable(options: tuple[Option, ...]) -> bool:
    """Whether Slack would bring each option's id back: it takes no empty value, no long one, and none twice."""
    ids = [option.id for option in options]
    return all(0 < len(each) <= _VALUE for each in ids) and len(set(ids)) == len(ids)


def _element(request: Request, options: tuple[Option, ...]) -> dict[str, Any]:
    if not options:
        return {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 3000}
    drawn = [option_of(f"{visible(o.id)}: {visible(o.title)}", o.id) for o in options]
    chosen = next((d for d, o in zip(drawn, options, strict=True) if o.id == request.content.chosen), None)
    element = select_of(drawn, chosen)
    if len(options) <= _RADIOS:
        element["type"] = "radio_buttons"
    return {"action_id": "value", **element}


def read_answer(view: Mapping[str, Any], request: Request) -> Submitted:
    """What a submitted form says. Raises `Invalid` with a fault for ``/answer``."""
    block = view["state"]["values"].get(ANSWER)
    option = chosen_in(block)
    answer = option.get("value") if option else (typed_in(block) or "").strip()
    if not answer and request.kind is not Kind.EXCEPTION:
        missing = "Pick one of the options." if request.content.options else "Write the answer."
        raise Invalid(faults=(Fault("/answer", "required", missing),))
    return Submitted(comment=None, category=None, answer=answer or None)
