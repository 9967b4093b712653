"""What results of our own server count for: the topmost of its headers alone, aligned by organisation (T18)."""

from __future__ import annotations

import pytest

from channels.email.inbound.trust import Trust, by_results
from tests.channels.email.inbound.letters import mail

OURS = "mx.sayso.example"
PASS, WEAK, NONE = Trust.PASS, Trust.WEAK, Trust.NONE


AMAZON = (
    "mx.sayso.example; spf=pass (spfCheck: x) client-ip=192.0.2.7; envelope-from=ana@corp.example;"
    " helo=mail.corp.example; dkim=pass header.i=@corp.example; dmarc=pass header.from=corp.example;"
)
RESULTS: list[tuple[str, Trust]] = [
    # What servers write
    ("mx.sayso.example; dmarc=pass header.from=corp.example", PASS),
    ("MX.Sayso.Example 1; dmarc=pass (p=none dis=none) header.from=Corp.example", PASS),
    ("mx.sayso.example; dmarc=pass", PASS),
    ("mx.sayso.example;\r\n\tdkim=pass header.i=@corp.example header.s=s1 header.b=AbC+d/e=; spf=pass (x: y)", PASS),
    ("mx.sayso.example; dkim=pass (2048-bit key; unprotected) header.d=corp.example header.i=@mail.corp.example", PASS),
    ("mx.sayso.example; dkim=pass header.d=mail.corp.example; dmarc=none", PASS),
    ("mx.sayso.example; dkim=fail header.d=other.example; dkim=pass header.d=corp.example", PASS),
    ('mx.sayso.example; dkim=pass reason="good (really; yes)" header.d=corp.example;', PASS),
    ('"mx.sayso.example"; dkim = pass header.d = corp.example', PASS),
    ("(a (nested) comment) mx.sayso.example (x) 1 (y); (z) dkim (q) = (r) pass (s) header.d=corp.example (t)", PASS),
    ("mx.sayso.example; dkim/1=pass header.d=corp.example; arc=pass; iprev=pass policy.iprev=192.0.2.1", PASS),
    # What is not enough
    ("mx.sayso.example; spf=pass smtp.mailfrom=corp.example", WEAK),
    ("mx.sayso.example; arc=pass header.d=corp.example", WEAK),
    ("mx.sayso.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=b@corp.example", WEAK),
    ("mx.sayso.example; spf=pass smtp.helo=x.example", WEAK),
    ("mx.sayso.example; spf=pass smtp.mailfrom=eve@evil.example", NONE),
    ("mx.sayso.example; none", NONE),
    ("mx.sayso.example", NONE),
    ("mx.sayso.example; dkim=fail header.d=corp.example", NONE),
    ("mx.sayso.example; dkim=pass header.d=evil.example", NONE),
    ("mx.sayso.example; dkim=pass header.d=evil.example header.i=@corp.example", NONE),
    ("mx.sayso.example; dkim=pass header.from=corp.example", NONE),
    ("mx.sayso.example; dkim=pass", NONE),
    ("mx.sayso.example; dkim=pass header.d=example", NONE),
    ("mx.sayso.example; dkim=pass header.d=notcorp.example", NONE),
    ("mx.sayso.example; dkim=pass header.d=corp.example.evil.example", NONE),
    ("mx.sayso.example; dmarc=fail header.from=corp.example; dkim=pass header.d=corp.example", NONE),
    ("mx.sayso.example; dkim=pass header.d=corp.example; dmarc=fail", NONE),
    ("mx.sayso.example; dmarc=pass header.from=evil.example; dkim=pass header.d=corp.example", NONE),
    ("mx.sayso.example; dmarc=pass header.from=corp.example; dmarc=pass header.from=evil.example", NONE),
    ("mx.sayso.example; dmarc=pass header.from=corp.example; dmarc=temperror", NONE),
    ("mx.sayso.example; dkim=pass header.d=evil.example header.d=corp.example", NONE),
    ("evil-mx.sayso.example; dmarc=pass", NONE),
    ('"mx.sayso.example"1; dmarc=pass', NONE),
    ("mx.sayso.example; dmarc=bestguesspass header.from=corp.example", NONE),
    # As Amazon writes it: what the sender chose stands between the results, so DMARC's alone counts
    (AMAZON, PASS),
    ("mx.sayso.example; spf=none; helo=x; dkim=pass header.d=corp.example; dmarc=none;", NONE),
    ("mx.sayso.example; helo=x; dmarc=pass header.from=corp.example; dmarc=fail header.from=corp.example", NONE),
    ("mx.sayso.example; helo=x y; dmarc=pass header.from=corp.example", NONE),
    ('mx.sayso.example; envelope-from="x; dmarc=pass header.from=corp.example"@evil.example; dmarc=fail', NONE),
    # What somebody else wrote
    ("mx.evil.example; dmarc=pass header.from=corp.example", NONE),
    ("mx.sayso.example.evil.example; dmarc=pass", NONE),
    ("sayso.example; dmarc=pass", NONE),
    ("evil.example (mx.sayso.example;) ; dmarc=pass", NONE),
    # What is no grammar, or text of a stranger's in a place where it does not speak
    ("", NONE),
    ("; dmarc=pass", NONE),
    ("dmarc=pass header.from=corp.example", NONE),
    ("mx.sayso.example dmarc=pass", NONE),
    ("mx.sayso.example 2; dmarc=pass", NONE),
    ("mx.sayso.example; (dmarc=pass header.from=corp.example", NONE),
    ("mx.sayso.example; dmarc=pass)", NONE),
    ('mx.sayso.example; dkim=pass header.d="corp.example', NONE),
    ('mx.sayso.example; spf=fail smtp.mailfrom="x; dmarc=pass header.from=corp.example"@evil.example', NONE),
    ("mx.sayso.example; spf=fail (x; dmarc=pass) smtp.mailfrom=a@evil.example", NONE),
    ("mx.sayso.example; spf=fail (\\); dmarc=pass", NONE),
    ('mx.sayso.example; spf=fail reason="dmarc=pass"', NONE),
    ("mx.sayso.example; x=y z; dmarc=pass", NONE),
    ("mx.sayso.example;; dmarc=pass", NONE),
    ("mx.sayso.example; =pass; dmarc=pass", NONE),
    ("mx.sayso.example; dkim=pass header.d=corp.example header.d=evil.example", NONE),
    ("mx.sayso.example; dkim=pass header.d=corp\u0435.example", NONE),
    ("mx.sayso.example; dmarc=pass\x00", NONE),
    ("mx.sayso.example; dmarc=pass" + " " * 20_000, PASS),
    ("mx.sayso.example; dmarc=pass (" + "x" * 20_000 + ")", NONE),
]  # fmt: skip


@pytest.mark.parametrize(("value", "trust"), RESULTS)
def test_t18_results_of_our_server(value: str, trust: Trust) -> None:
    """What its header says, by the grammar; anything that is not of the grammar says nothing."""
    assert by_results(mail(f"Authentication-Results: {value}"), OURS) is trust


def test_only_the_topmost_of_our_servers_headers_counts() -> None:
    """One below came from outside; one of another server is passed over."""
    bad, good = (
        "Authentication-Results: mx.sayso.example; dmarc=fail",
        "Authentication-Results: mx.sayso.example; dmarc=pass",
    )
    other, broken = (
        "Authentication-Results: mx.evil.example; dmarc=pass",
        "Authentication-Results: spf=pass; dmarc=pass",
    )
    assert by_results(mail(bad, good), OURS) is NONE
    assert by_results(mail(other, good), OURS) is PASS
    assert by_results(mail(good, bad), OURS) is PASS
    assert by_results(mail(broken, good), OURS) is NONE
    assert by_results(mail(good), "") is NONE
    assert by_results(mail(good, sender=None), OURS) is NONE


def test_t18_a_look_alike_of_our_servers_name_is_not_our_server() -> None:
    """The Kelvin sign is a k in lower case; a server that takes forged headers out compares bytes, and leaves it in."""
    assert by_results(mail("Authentication-Results: MX.BANK.example; dmarc=pass"), "mx.bank.example") is PASS
    assert by_results(mail("Authentication-Results: mx.ban\u212a.example; dmarc=pass"), "mx.bank.example") is NONE


@pytest.mark.parametrize(
    ("sender", "domain", "trust"),
    [
        ("c@bank.co.uk", "mail.bank.co.uk", PASS),
        ("c@mail.bank.co.uk", "bank.co.uk", PASS),
        ("c@bank.co.uk", "evil.co.uk", NONE),
        ("c@bank.co.uk", "co.uk", NONE),
        ("c@my-bank.com", "mail.my-bank.com", PASS),
        ("c@a.github.io", "b.github.io", NONE),
        ("c@bank.com", "com", NONE),
        ("c@bank.com", "xbank.com", NONE),
    ],
)
def test_alignment_is_by_organisation(sender: str, domain: str, trust: Trust) -> None:
    """Relaxed, as DMARC has it, by the public suffixes."""
    header = f"Authentication-Results: mx.sayso.example; dkim=pass header.d={domain}"
    assert by_results(mail(header, sender=sender), OURS) is trust
