"""Every refusal has a sentence, a stable name and a status."""

from __future__ import annotations

import pytest

from bot.core import errors
from bot.core.errors import Fault, SaysoError, SendFailed


def kinds(base: type[SaysoError] = SaysoError) -> list[type[SaysoError]]:
    """Every kind of error in the core, the base among them."""
    own = [base] if base.__module__ == errors.__name__ else []
    return own + [kind for child in base.__subclasses__() for kind in kinds(child)]


@pytest.mark.parametrize("kind", [k for k in kinds() if k is not SendFailed])
def test_the_docstring_is_the_message(kind: type[SaysoError]) -> None:
    """Raised bare it says its class's own sentence; with a detail it says that, and carries what it was given."""
    bare = kind()
    assert bare.detail
    assert bare.detail == (kind.__doc__ or "").strip() == str(bare)
    assert bare.detail[0].isupper()
    assert bare.detail.endswith(".")
    fault = Fault("/amount", "minimum", "must be at least 0")
    told = kind("Because.", faults=(fault,), retry_after=3)
    assert (told.detail, told.faults, told.extra) == ("Because.", (fault,), {"retry_after": 3})


def test_names_are_unique_and_statuses_are_refusals() -> None:
    """A client can tell every refusal by its code; a conflict is 409 whatever its name."""
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))
    assert all(400 <= kind.status < 600 for kind in kinds())
    assert all(kind.status == 409 for kind in kinds(errors.Conflict))


def test_a_failed_send_says_whether_to_try_again() -> None:
    """Temporary or not, and after how many seconds."""
    failed = SendFailed("no answer", temporary=True, retry_after=2.5)
    assert (failed.temporary, failed.retry_after, failed.detail) == (True, 2.5, "no answer")
    assert SendFailed("gone", temporary=False).retry_after is None
