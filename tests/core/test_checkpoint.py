"""Keys as they are written, what a checkpoint signs, and how it is read again."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec.structs import replace

from bot.core import checkpoint
from tests.core.trails import NEXT, OURS, Trail

SIGNED = Trail().grow(3).signed(OURS, NEXT)


def test_a_checkpoint_verifies_without_us() -> None:
    """Each signature is Ed25519 over the sorted JSON of the checkpoint, by the key at the same place."""
    told = json.loads(checkpoint.text(SIGNED))
    message = json.dumps(told["checkpoint"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(told["signatures"]) == 2
    for key, signature in zip(told["checkpoint"]["keys"], told["signatures"], strict=True):
        raw = base64.urlsafe_b64decode(key.removeprefix("auditpk_") + "=")
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature), message)


def test_it_is_read_as_it_was_written() -> None:
    """From its line of JSON, and as an event carries it; anything else is refused."""
    assert checkpoint.read(checkpoint.text(SIGNED)) == SIGNED
    assert checkpoint.genuine(msgspec.convert(checkpoint.document(SIGNED), checkpoint.Signed))
    for none in ("{}", "", '{"checkpoint":{},"signatures":[]}', checkpoint.text(SIGNED)[:-1] + ',"more":1}'):
        with pytest.raises(msgspec.DecodeError):
            checkpoint.read(none)


def test_its_name_sorts_by_line() -> None:
    """And no two checkpoints share one."""
    later = Trail().grow(20).signed(OURS)
    names = [checkpoint.name_of(signed) for signed in (SIGNED, later)]
    assert names == sorted(names)
    assert names[0].startswith("00000000000000000003-")
    assert checkpoint.name_of(replace(SIGNED, signatures=SIGNED.signatures[::-1])) != names[0]


@pytest.mark.parametrize("change", [{"seq": 2**60}, {"keys": ()}, {"keys": (OURS.public,) * 2}, {"keys": ("a", "b")}])
def test_t24_what_cannot_have_been_signed_is_not_genuine(change: dict[str, object]) -> None:
    """No keys, one twice, none at all, a number beyond what JSON holds: no error, just not genuine."""
    touched = replace(SIGNED, checkpoint=replace(SIGNED.checkpoint, **change))
    assert not checkpoint.genuine(touched)
    assert not checkpoint.genuine(replace(SIGNED, signatures=("no base64!", SIGNED.signatures[1])))
    assert not checkpoint.genuine(replace(SIGNED, signatures=SIGNED.signatures[::-1]))


def test_keys_are_written_in_one_way() -> None:
    """A private key is no public one, and what is nearly a key is none."""
    private = checkpoint.private_key(b"x" * 32)
    public = checkpoint.SigningKey(private).public
    assert checkpoint.is_public_key(public)
    assert not checkpoint.is_public_key(private)
    assert private not in repr(checkpoint.SigningKey(private))
    for wrong in (public, private[:-1], private + "A", private[:-1] + "5", "auditsk_" + "=" * 43, ""):
        with pytest.raises(ValueError, match="key"):
            checkpoint.SigningKey(wrong)
    with pytest.raises(ValueError, match="32"):
        checkpoint.private_key(b"short")
