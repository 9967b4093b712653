"""How mail servers' certificates are judged."""

from __future__ import annotations

import ssl
import threading
from functools import lru_cache
from pathlib import Path

_Stamp = tuple[str, int, int]
_making = threading.Lock()
"""Connections are opened side by side, and each would make the first."""


def context_for(*, verify: bool) -> ssl.SSLContext:
    """The context for every connection; ``verify``: against the authorities that this machine trusts.

    Made once for as long as their file stays as it is, for reading them takes 20 ms and 0.7 MB each time. It is shared
    between connections and threads, and nobody may change it. Raises ``OSError``.
    """
    with _making:
        return _made(_authorities(), verify=verify)


@lru_cache(maxsize=2)
def _made(authorities: tuple[_Stamp, ...], *, verify: bool) -> ssl.SSLContext:
    del authorities  # another file makes another context
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authorities() -> tuple[_Stamp, ...]:
    paths = ssl.get_default_verify_paths()
    stats = {name: Path(name).stat() for name in (paths.cafile, paths.capath) if name is not None}
    return tuple((name, stat.st_mtime_ns, stat.st_ino) for name, stat in stats.items())
