"""The shape of a mapping."""

from __future__ import annotations

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One clause: ``asks``, ``answers`` (what of Sayso supports it), ``evidence`` (sections of the report), ``not_``.

    ``not_`` is what Sayso does not answer, and the house has to.
    """

    clause: str
    asks: str
    answers: str
    evidence: tuple[int, ...]
    not_: str


class Text(Struct, frozen=True, kw_only=True):
    """One published text, by its full name; ``key`` names its table in the document, ``note`` bounds the claim."""

    key: str
    name: str
    note: str
    rows: tuple[Row, ...]
