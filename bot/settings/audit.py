"""The variables of the audit's checkpoints: which keys sign them, where they go, how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from bot.core.durations import duration_of
from bot.settings.problems import not_the_example

_KEY = re.compile(r"auditsk_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""As `bot.core.checkpoint` writes one: 32 bytes leave two bits of the last character at nought."""

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=7)
_S3_OPTIONS = {"endpoint", "region"}
_S3_SERVER = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
"""The library of buckets does not refuse an address that is none: it panics as it first calls there."""
_S3_ACCESS = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_REGION": "region",
    "AWS_ENDPOINT_URL": "endpoint",
}


class Audit(Struct, frozen=True, kw_only=True):
    """What the variables of checkpoints say, checked. ``keys`` are private, the first is the house's own.

    ``places``: files (a path), webhooks (http, https), buckets (s3). ``access`` is what `obstore` calls the credentials
    and the address of buckets, as far as they are told; what is not told it finds as Amazon's own programs do.
    """

    keys: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    every: timedelta = timedelta(hours=1)
    access: Mapping[str, str] = {}

    @property
    def on(self) -> bool:
        """Whether checkpoints are made."""
        return bool(self.keys)


def audit_of(values: Mapping[str, str], problems: list[str]) -> Audit:
    """The variables, checked."""
    keys = tuple(part for part in re.split(r"[\s,]+", values["SAYSO_AUDIT_KEY"]) if part)
    if not all(map(_KEY.fullmatch, keys)):
        problems.append("SAYSO_AUDIT_KEY: must be auditsk_ and 43 characters; sayso audit key makes one.")
    elif len(set(keys)) != len(keys):
        problems.append("SAYSO_AUDIT_KEY: the same key stands in it twice.")
    not_the_example("SAYSO_AUDIT_KEY", keys, problems)
    places = tuple(part for part in re.split(r"[\s,]+", values["SAYSO_AUDIT_CHECKPOINTS"]) if part)
    if places and not keys:
        problems.append("SAYSO_AUDIT_KEY: missing, and SAYSO_AUDIT_CHECKPOINTS is set; sayso audit key makes one.")
    wrong = [fault for fault in map(_fault, places) if fault]
    problems += [f"SAYSO_AUDIT_CHECKPOINTS: {fault}" for fault in wrong]
    hooks = any(place.startswith(("http://", "https://")) for place in places)
    if hooks and not values["SAYSO_WEBHOOK_SECRET"]:
        problems.append("SAYSO_WEBHOOK_SECRET: missing, and SAYSO_AUDIT_CHECKPOINTS names a webhook.")
    if values["AWS_ENDPOINT_URL"] and not _S3_SERVER.fullmatch(values["AWS_ENDPOINT_URL"]):
        problems.append("AWS_ENDPOINT_URL: not an address; write it as https://minio.example.com:9000.")
    access = {name: values[variable] for variable, name in _S3_ACCESS.items() if values[variable]}
    return Audit(
        keys=keys, places=places, every=_every(values["SAYSO_AUDIT_CHECKPOINT_EVERY"], problems), access=access
    )


def _every(text: str, problems: list[str]) -> timedelta:
    try:
        every = duration_of(text)
    except OverflowError:
        every = None
    if every is None or not _SHORTEST <= every <= _LONGEST or every % _SHORTEST:
        problems.append("SAYSO_AUDIT_CHECKPOINT_EVERY: must be whole seconds up to 7d, such as 1h.")
        return timedelta(hours=1)
    return every


def _fault(place: str) -> str | None:
    """What is wrong with a place, or None."""
    try:
        parts = urlsplit(place)
        host = parts.hostname
    except ValueError:
        return f"{place} is no address."
    if parts.scheme in ("http", "https"):
        return None if host else f"{place} names no host."
    if parts.scheme == "s3":
        told = parse_qs(parts.query, keep_blank_values=True)
        servers = told.get("endpoint", [])
        if not host or told.keys() - _S3_OPTIONS or parts.fragment or not all(map(_S3_SERVER.fullmatch, servers)):
            return f"{place}: write s3://bucket/prefix, with ?endpoint=https://… and &region=… where needed."
        return None
    if parts.scheme not in ("", "file") or (parts.scheme == "file" and (host or not parts.path)):
        return f"{place}: must be a file, https://…, or s3://bucket/prefix."
    return None
