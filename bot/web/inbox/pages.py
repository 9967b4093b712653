"""Pages out of templates: autoescaped, strict about names, and answered with headers that leave nothing to a browser.

Agent data reaches a template as a value only; it is never compiled (threat T22), and every filter that prints it
makes hidden characters visible first (T4).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from bot.core.alignment import Effort
from bot.core.card import KINDS, literal
from bot.core.joiners import prose
from bot.core.links import batch_path
from bot.core.model import Edit
from bot.core.scrutiny import visible
from bot.web.inbox import wording
from bot.web.inbox.assets import Assets
from bot.web.inbox.diff import EFFORT, Row, rows_of
from bot.web.inbox.guard import Visitor
from bot.web.inbox.language import Language
from bot.web.inbox.record import came_of, state_text

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; worker-src 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: under that, browsers send our own forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


_MARKS = re.compile(r"⟦U\+[0-9A-F]{4,6}⟧|[␠⏎]×[0-9]+|⏎")
"""What `visible` puts in; where the text itself holds these signs they are shown as code points, so none is forged."""


def shown(text: str) -> Markup:
    """A text that is already `visible`, its marks set apart for the eye."""
    # Escaped first, and at once: no mark holds anything that is, and an agent may send 100,000 of them.
    return Markup(_MARKS.sub(_set_apart, str(escape(text))))  # noqa: S704  # escaped, but for the marks


def _set_apart(mark: re.Match[str]) -> str:
    return f'<mark class="{"nl" if mark[0] == "⏎" else "odd"}">{mark[0]}</mark>'


def open_text(text: object) -> Markup:
    """A text with nothing hidden, its marks set apart."""
    return shown(visible(str(text)))


def open_prose(text: object) -> Markup:
    """The same of a text that is only read, such as a reason: joiners stay as they are where a script needs them."""
    return shown(prose(str(text)))


def open_value(value: object) -> Markup:
    """A JSON value as it is, its marks set apart."""
    return shown(literal(value))


def plain(text: object) -> str:
    """A text on one line with nothing hidden."""
    return visible(str(text)).replace("⏎\n", " ⏎ ").replace("\n", " ")


class Pages:
    """The inbox's templates."""

    def __init__(self, assets: Assets, language: Language | None = None) -> None:
        """``language``: None is English."""
        spoken = language or Language()
        self._language = spoken
        self._effort = Effort(EFFORT)
        self._templates = Environment(
            extensions=["jinja2.ext.i18n"],
            loader=PackageLoader("templates", "inbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Not newstyle: that takes what `_` gives back for markup, whoever wrote it, and fails at a percent sign.
        # mypy cannot see what the extension adds to the environment.
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            spoken.gettext, spoken.ngettext, newstyle=False
        )
        self._templates.policies["ext.i18n.trimmed"] = True
        self._templates.filters |= {
            "shown": shown,
            "visible": open_text,
            "prose": open_prose,
            "literal": open_value,
            "plain": plain,
            "span": wording.span,
            "size": wording.size_of,
            "rows": self._rows,
            "batch_path": batch_path,
        }
        self._templates.globals |= {
            "asset": assets.url, "words": wording, "kinds": KINDS, "state_text": state_text, "came_of": came_of,
        }  # fmt: skip
        self._templates.globals["place"] = ""

    def _rows(self, change: Edit) -> tuple[Row, ...]:
        """What a change did; all changes of one page together take no more than one may (threat T22)."""
        return rows_of(change, self._effort)

    def say(self, text: str) -> str:
        """A text in the language of the pages, for what is no page."""
        return self._language.gettext(text)

    def show(
        self, template: str, *, now: datetime, visitor: Visitor | None, status: int = 200, **context: Any
    ) -> Response:
        """Fill a template for a visitor; moments are written on that person's clock."""

        def moment(at: datetime) -> Markup:
            """A time that says itself, its distance from now, and the exact instant for machines."""
            text = wording.clock_time(at, visitor.person if visitor else None, now)
            return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), at.isoformat(" "), text)

        def away(at: datetime) -> str:
            return wording.distance(at, now)

        # Of this page alone: it is filled without a pause, so no other comes in between.
        self._effort = Effort(EFFORT)
        page = self._templates.get_template(template).render(
            visitor=visitor, now=now, moment=moment, away=away, **context
        )
        # A lone surrogate has no UTF-8 form; a page is shown all the same.
        return Response(page.encode("utf-8", "xmlcharrefreplace"), status, HEADERS, "text/html; charset=utf-8")


def see_other(url: str) -> Response:
    """Go and look there: the answer to every form that did something, so that a reload repeats nothing."""
    return RedirectResponse(url, 303, HEADERS)
