"""Whether a letter is really from who it says: by the results of our own mail server, or by keys we look up (T18).

Only DMARC, or DKIM by the sender's own organisation, says so. SPF vouches for an envelope and ARC for somebody else's
word; neither decides. Everything that cannot be read says nothing.
"""

from __future__ import annotations

from enum import StrEnum

from channels.email.inbound.alignment import aligned, domain_of
from channels.email.inbound.asking import Resolve
from channels.email.inbound.charsets import decoded
from channels.email.inbound.headers import every
from channels.email.inbound.results import Result, results_of
from channels.email.inbound.values import Mail, Reason


class Trust(StrEnum):
    """How far a letter's sender is known to be who they say."""

    PASS = "pass"  # noqa: S105  # a verdict's name, no secret
    """Their own organisation vouches for the letter."""
    WEAK = "weak"
    """Something speaks for it, not enough to decide by: they are answered with the link."""
    NONE = "none"
    """Nobody knows."""


def by_results(mail: Mail, authserv_id: str) -> Trust:
    """As our mail server found: its topmost Authentication-Results header, and no other.

    ``authserv_id`` is the name that server writes (any case). It strips copies under that name that came from outside.
    """
    if mail.sender is None or not authserv_id:
        return Trust.NONE
    domain = domain_of(mail.sender)
    for value in every(mail.headers, "authentication-results"):
        found = results_of(decoded(value, ""))
        if found is None:
            # Nobody can say whose this is, and it stands above what our server may have written: no guess.
            return Trust.NONE
        if found.authserv_id == authserv_id.lower():
            return _judged(found.results or (), domain)
    return Trust.NONE


def by_keys(mail: Mail, resolve: Resolve) -> Trust:
    """As the DKIM signatures say, with keys that ``resolve`` gives. Raises `KeysUnknown` where it cannot say now.

    A signature that does not cover the address with the token is weak: the letter could have been written to another
    token, or to somebody else, and be shown to this one. So To or Cc must name it, and stand there once: of two
    fields a signature covers the lower one, and whoever passes the letter on can put another above it.
    """
    if mail.sender is None or mail.fault in (Reason.MALFORMED, Reason.TOO_LARGE):
        return Trust.NONE
    from channels.email.inbound.keys import signed_by  # noqa: PLC0415  # with its own server's results none needs it

    held = signed_by(mail, domain_of(mail.sender), resolve)
    if not held:
        return Trust.NONE
    fields = [name.lower() for name, _ in mail.headers if name.lower() in ("to", "cc")]
    known = mail.addressed and len(fields) == len(set(fields))
    return Trust.PASS if known and any(covered.issuperset(fields) for covered in held) else Trust.WEAK


def _judged(results: tuple[Result, ...], domain: str) -> Trust:
    dmarc = [result for result in results if result.method == "dmarc"]
    if len(dmarc) > 1 or any(result.result == "fail" for result in dmarc):
        return Trust.NONE
    if any(result.result == "pass" for result in dmarc):
        return Trust.PASS if all(_is_for(result, domain) for result in dmarc) else Trust.NONE
    if any(result.method == "dkim" and result.result == "pass" and _speaks_for(result, domain) for result in results):
        return Trust.PASS
    weak = any(_hints_at(result, domain) for result in results)
    return Trust.WEAK if weak else Trust.NONE


def _is_for(dmarc: Result, domain: str) -> bool:
    """A result for another From than the one read here is about another letter."""
    return domain_of(dmarc.properties.get("header.from", domain)) == domain


def _hints_at(result: Result, domain: str) -> bool:
    """Something to answer by, not to decide by; SPF for somebody else's envelope is not even that."""
    if result.result != "pass" or result.method not in ("spf", "arc"):
        return False
    return result.method == "arc" or aligned(domain_of(result.properties.get("smtp.mailfrom", domain)), domain)


def _speaks_for(dkim: Result, domain: str) -> bool:
    """By ``d=`` or ``i=``, each as far as it is given. ``header.from`` is no identity of DKIM."""
    named = [dkim.properties[name] for name in ("header.d", "header.i") if name in dkim.properties]
    return bool(named) and all(aligned(domain_of(name), domain) for name in named)
