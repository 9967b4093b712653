"""From what the settings name to places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.checkpoints.file import FilePlace
from bot.checkpoints.hook import HookPlace
from bot.checkpoints.place import Place
from bot.core.ports import Herald


def open_places(places: Sequence[str], herald: Herald | None, access: Mapping[str, str]) -> tuple[Place, ...]:
    """The places that these texts name, checked by the settings; without a ``herald`` webhooks are left out."""
    found: list[Place] = []
    for place in places:
        parts = urlsplit(place)
        if parts.scheme in ("http", "https"):
            found += [HookPlace(place, herald)] if herald is not None else []
        elif parts.scheme == "s3":
            from bot.checkpoints.bucket import BucketPlace  # noqa: PLC0415  # its library only where there is a bucket

            found.append(BucketPlace(place, access))
        else:
            found.append(FilePlace(Path(unquote(parts.path) if parts.scheme == "file" else place)))
    return tuple(found)
