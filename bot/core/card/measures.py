"""How a channel measures texts, and what it shows of a card by that measure; what is left out is stated (T2)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card.fitting import shorten
from bot.core.card.values import Line, Verdict


class Measure(Struct, frozen=True, kw_only=True):
    """A channel's own. ``size`` says how long a text is as it counts, at most ``worst`` for each of its characters.

    The rest bounds what is shown of one decision, each text by that size: its ``title``, a ``name``, its ``comment``,
    and so many ``edits`` of ``edit`` each.
    """

    size: Callable[[str], int]
    worst: int
    title: int
    name: int
    comment: int
    edits: int
    edit: int

    def clip(self, text: str, limit: int) -> tuple[str, bool]:
        """The text within ``limit``, its elision stated; and whether anything was left out."""
        if len(text) * self.worst <= limit:
            return text, False
        room = limit
        shown, cut = shorten(text, room)
        while (over := self.size(shown)) > limit and room:
            room = min(room - 1, room * limit // over)
            shown, cut = shorten(text, room)
            shown = shown if len(shown) <= room else shown[:room]
        return shown, cut

    def line(self, line: Line, limit: int) -> Line:
        """A line with its text within ``limit`` and its label within half of that."""
        label, cut_label = self.clip(line.label, limit // 2)
        text, cut_text = self.clip(line.text, limit)
        return Line(label, text, elided=line.elided or cut_label or cut_text)

    def warnings(self, texts: tuple[str, ...], most: int, each: int) -> tuple[tuple[str, ...], bool]:
        """The first ``most`` of a card's warnings, within ``each``; and whether anything was left out."""
        clipped = [self.clip(text, each) for text in texts[:most]]
        cut = len(texts) > most or any(was_cut for _, was_cut in clipped)
        shown = [text for text, _ in clipped]
        if len(texts) > most:
            shown.append(f"[{len(texts) - most} more warnings not shown here]")
        return tuple(shown), cut

    def verdict(self, verdict: Verdict) -> Verdict:
        """A decision as far as it is shown."""
        edits = tuple(self.line(edit, self.edit) for edit in verdict.edits[: self.edits])
        if len(verdict.edits) > self.edits:
            edits += (Line("…", f"[{len(verdict.edits) - self.edits} more changes not shown here]", elided=True),)
        return replace(
            verdict,
            title=self.clip(verdict.title, self.title)[0],
            by=self._word(verdict.by, self.name),
            channel=self._word(verdict.channel, self.name),
            category=self._word(verdict.category, self.name),
            comment=self._word(verdict.comment, self.comment),
            answer=self._word(verdict.answer, self.comment),
            edits=edits,
        )

    def _word(self, word: str | None, limit: int) -> str | None:
        return self.clip(word, limit)[0] if word else word
