"""RSA keys of any size, made here and the same each time, so that no key lies in the tree and no test waits long.

A modulus is a product of primes of 256 bits: weak, quick to make, and as good as any to whoever verifies.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

import dkim
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import HASH_ALGORITHMS, parse_pem_private_key

_PRIME_BITS = 256


class Key:
    """A key of ``bits``, with this public exponent (0: a long one)."""

    def __init__(self, bits: int, exponent: int = 65_537) -> None:
        self._bits = bits
        self._exponent = exponent

    @cached_property
    def _numbers(self) -> list[int]:
        random_numbers = random.Random(self._bits + self._exponent)  # noqa: S311  # test keys are the same each time
        primes = list(islice(_primes(random_numbers), self._bits // _PRIME_BITS))
        first, second = (primes[: len(primes) // 2], primes[len(primes) // 2 :])
        p, q = math.prod(first), math.prod(second)
        order = [math.prod(prime - 1 for prime in half) for half in (first, second)]
        e = self._exponent
        while not e or math.gcd(e, order[0] * order[1]) != 1:
            e = random_numbers.getrandbits(self._bits - 8) | 1
        d = pow(e, -1, order[0] * order[1])
        return [0, p * q, e, d, p, q, d % order[0], d % order[1], pow(q, -1, p)]

    @property
    def pem(self) -> bytes:
        """The private key (PKCS #1)."""
        return (
            b"-----BEGIN RSA PRIVATE KEY-----\n"
            + base64.b64encode(_der(self._numbers))
            + b"\n-----END RSA PRIVATE KEY-----\n"
        )

    @property
    def record(self) -> bytes:
        """The TXT record of the public key."""
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(_der(self._numbers[1:3]))

    def signed_until(self, raw: bytes, expires: int, names: tuple[bytes, ...] = (b"from", b"to", b"subject")) -> bytes:
        """A letter signed for ``corp.example``, until then (seconds since 1970), and these fields of it alone.

        dkimpy's own signing knows no x=, and always covers From.
        """
        signer = dkim.DKIM(raw)
        signer.hasher = HASH_ALGORITHMS[b"rsa-sha256"]
        policy = CanonicalizationPolicy(dkim.canonicalization.Relaxed, dkim.canonicalization.Relaxed)
        body = signer.hasher(policy.canonicalize_body(signer.body)).digest()
        fields = [
            (b"v", b"1"), (b"a", b"rsa-sha256"), (b"c", b"relaxed/relaxed"), (b"d", b"corp.example"), (b"s", b"s1"),
            (b"x", b"%d" % expires), (b"h", b":".join(names)), (b"bh", base64.b64encode(body)), (b"b", b"0" * 60),
        ]  # fmt: skip
        made = signer.gen_header(fields, names, policy, b"DKIM-Signature", parse_pem_private_key(self.pem))
        return b"DKIM-Signature: " + bytes(made) + raw


def _primes(random_numbers: random.Random) -> Iterator[int]:
    while True:
        number = random_numbers.getrandbits(_PRIME_BITS) | (3 << (_PRIME_BITS - 2)) | 1
        # Fermat's test, by four bases: nobody chose these numbers to deceive it.
        if (number - 1) % 65_537 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)):
            yield number


def _der(numbers: list[int]) -> bytes:
    return _element(0x30, b"".join(_element(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


KEYS = {
    "512": Key(512),
    "1024": Key(1024),
    "2048": Key(2048),
    "8192": Key(8192),
    "exponent": Key(2048, 0),
}
"""By name; each is made when it is first used."""
