"""Where the inbox's pages are, as cards, letters and the pages themselves link to them."""

from __future__ import annotations

from urllib.parse import quote


def inbox_of(page: str) -> str:
    """The address of all that waits for somebody, by that of a request's own page."""
    return f"{page.rpartition('/requests/')[0]}/inbox"


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


def batch_page(page: str, batch: str | None) -> str:
    """The address of a batch's page, by that of one of its requests; of the inbox where the batch has none."""
    path = batch_path(batch)
    return inbox_of(page) if path is None else page.rpartition("/requests/")[0] + path
