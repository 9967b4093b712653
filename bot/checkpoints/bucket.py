"""A bucket of S3 or of whatever speaks like it, one object a checkpoint. Imported only where there is a bucket.

An object is put only where nothing stands at its name (``If-None-Match: *``), with a checksum, as buckets with an
Object Lock want it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from bot.checkpoints.place import WITHIN, PlaceFailed
from bot.core.checkpoint import Signed, name_of, read, text
from bot.core.keyring import Attested

_NEWEST = 100
"""How many are read, of however many there are: the newest says it for all before it."""

_OURS = re.compile(r"\d+-[0-9a-f]+\.json")
"""The name of a checkpoint. In a bucket without a prefix others may keep folders of theirs, whose names sort last."""

_TAKEN = "status code: 412"
"""What S3 answers where an object has the name already."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE, _MESSAGE = re.compile(r"<Code>([^<]{1,60})</Code>"), re.compile(r"<Message>([^<]{1,200})</Message>")


class BucketPlace:
    """A bucket, or what is below a prefix of it."""

    def __init__(self, address: str, access: Mapping[str, str]) -> None:
        """``address`` is ``s3://bucket/prefix``; its ``?endpoint=`` and ``&region=`` win over ``access``."""
        parts = urlsplit(address)
        self.name = f"s3://{parts.netloc}{parts.path}"
        told: dict[str, Any] = {"checksum_algorithm": "SHA256", **access, **dict(parse_qsl(parts.query))}
        plain = str(told.get("endpoint", "")).startswith("http://")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=told,  # type: ignore[arg-type]  # the settings have looked at the names
            client_options={"allow_http": plain, "timeout": WITHIN / 2},
            # Who gives the checkpoint tries again, with pauses that grow.
            retry_config={"max_retries": 0},
        )

    async def put(self, signed: Signed) -> None:
        """See `Place.put`."""
        body = text(signed).encode()
        kind = {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(WITHIN.total_seconds()):
                await obstore.put_async(
                    self._store, f"{name_of(signed)}.json", body, mode="create", attributes=kind, use_multipart=False
                )
        except AlreadyExistsError as fault:
            # The library says so of 409, too, by which S3 says that something else is under way and to try again.
            if _TAKEN not in str(fault):
                raise PlaceFailed(_reason(fault)) from fault
            # The name is made of the content.
            return
        except (BaseError, OSError) as fault:
            raise PlaceFailed(_reason(fault)) from fault

    async def read(self) -> tuple[Attested, ...]:
        """See `Place.read`: the newest `_NEWEST` by line."""
        names: list[str] = []
        try:
            async for page in obstore.list(self._store):
                names += [entry["path"] for entry in page if _OURS.fullmatch(entry["path"])]
            newest = sorted(names)[-_NEWEST:]
            return tuple([told for name in newest if (told := await self._one(name))])
        except (BaseError, OSError) as fault:
            raise PlaceFailed(_reason(fault)) from fault

    async def _one(self, name: str) -> Attested | None:
        found = await obstore.get_async(self._store, name)
        try:
            return Attested(signed=read(bytes(await found.bytes_async())), where=f"{self.name}: {name}")
        except msgspec.DecodeError:
            return None


def _reason(fault: Exception) -> str:
    """What S3 answered, where it did; else the first line of what the library says, which goes on with its inside."""
    if isinstance(fault, TimeoutError):
        return f"no answer within {WITHIN.total_seconds():g} s"
    said = str(fault)
    answered = [found[1] for found in (one.search(said) for one in (_STATUS, _CODE, _MESSAGE)) if found]
    if len(answered) > 1:
        return f"the bucket's server says {': '.join(answered)}"
    return said.partition("\n")[0][:300] or type(fault).__name__
