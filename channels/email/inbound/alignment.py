"""Whether a domain may speak for another: relaxed alignment by organisational domain (RFC 7489, 3.1 and 3.2)."""

from __future__ import annotations

import re
from functools import cache

from publicsuffixlist import PublicSuffixList

_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*+"
)


def domain_of(address: str) -> str:
    """What stands behind the last ``@``, in lower case; a bare domain is itself."""
    return address.rpartition("@")[2].lower()


def is_domain(text: str) -> bool:
    """Whether a text is a domain in lower case, in the letters that the DNS has (IDNs as ``xn--``)."""
    return _DOMAIN.fullmatch(text) is not None


def aligned(domain: str, other: str) -> bool:
    """Whether two domains (lower case) belong to one organisation. A public suffix belongs to nobody but itself."""
    if not is_domain(domain) or not is_domain(other):
        return False
    if domain == other:
        return True
    ours, theirs = _suffixes().privatesuffix(domain), _suffixes().privatesuffix(other)
    return ours is not None and ours == theirs


@cache
def _suffixes() -> PublicSuffixList:
    """Read when it is first asked for: 10,000 lines, and only who gets mail needs them."""
    return PublicSuffixList()
