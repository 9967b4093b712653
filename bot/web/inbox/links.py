"""Addresses within the inbox."""

from __future__ import annotations

from urllib.parse import quote


def batch_path(batch: str | None) -> str | None:
    """A batch's page; None where there is no batch, or its name cannot stand in an address.

    Browsers take a segment of dots for a way up, however it is written; a lone surrogate has no bytes.
    """
    if not batch or batch in (".", ".."):
        return None
    try:
        return f"/inbox/batches/{quote(batch, safe='')}"
    except UnicodeEncodeError:
        return None
