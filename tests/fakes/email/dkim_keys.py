"""DKIM: keys made here, without any tool, and letters signed with them by dkimpy."""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Iterable, Sequence

import dkim
from msgspec import Struct

_EXPONENT = 65537
_ROUNDS = 24
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
_HEADERS = (b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references")


class DkimKey(Struct, frozen=True):
    """A key: ``private`` in PEM, and the ``record`` that the DNS holds (RFC 6376, 3.6.1)."""

    private: bytes
    record: str

    @classmethod
    def new(cls, bits: int = 1024) -> DkimKey:
        """A key that nobody has; not for anything but tests, since its primes are plainly chosen."""
        while True:
            p, q = _prime(bits // 2), _prime(bits // 2)
            if p != q and math.gcd(_EXPONENT, (p - 1) * (q - 1)) == 1:
                break
        n, d = p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1))
        numbers = (0, n, _EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
        private = base64.encodebytes(_sequence(_integer(number) for number in numbers))
        public = _sequence([_RSA, _tagged(3, b"\0" + _sequence([_integer(n), _integer(_EXPONENT)]))])
        pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + private + b"-----END RSA PRIVATE KEY-----\n"
        return cls(pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def signed(
    raw: bytes, domain: str, selector: str, key: DkimKey, *, headers: Sequence[bytes] = _HEADERS, **how: object
) -> bytes:
    """The letter with a signature of this domain; ``how`` goes to ``dkim.sign`` (``identity``, ``length``)."""
    names = {line.partition(b":")[0].strip().lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    present = [name for name in headers if name in names]
    signature: bytes = dkim.sign(raw, selector.encode(), domain.encode(), key.private, include_headers=present, **how)
    return signature + raw


def _prime(bits: int) -> int:
    while True:
        found = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(found % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and _is_prime(found):
            return found


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(secrets.randbelow(number - 3) + 2, odd, twos, number) for _ in range(_ROUNDS))


def _passes(base: int, odd: int, twos: int, number: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def _tagged(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _integer(number: int) -> bytes:
    return _tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _sequence(parts: Iterable[bytes]) -> bytes:
    return _tagged(0x30, b"".join(parts))
