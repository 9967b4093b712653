"""The variables of checkpoints: what they mean, and what is wrong with them, said in a line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.checkpoint import SigningKey, private_key
from bot.settings import VARIABLES, Audit, audit_of

FIRST, SECOND = private_key(b"1" * 32), private_key(b"\xff" * 32)
EXAMPLE = next(variable.example for variable in VARIABLES if variable.name == "SAYSO_AUDIT_KEY")


def told(**given: str) -> tuple[Audit, list[str]]:
    """What these values, beside the defaults, come to, and what is wrong with them."""
    problems: list[str] = []
    values = {variable.name: variable.default for variable in VARIABLES}
    return audit_of(values | given, problems), problems


def test_nothing_said_is_nothing_signed() -> None:
    """No key, no place, and an hour for whoever sets them."""
    audit, problems = told()
    assert (audit, audit.on, problems) == (Audit(every=timedelta(hours=1)), False, [])


def test_everything_said() -> None:
    """Keys and places by commas or spaces; how to come into buckets, under the library's own names."""
    audit, problems = told(
        SAYSO_AUDIT_KEY=f"{FIRST}, {SECOND}",
        SAYSO_AUDIT_CHECKPOINTS="kept.jsonl file:///mnt/kept,https://audit.example.com/x\ts3://bucket/a/b?region=eu",
        SAYSO_AUDIT_CHECKPOINT_EVERY="90s",
        SAYSO_WEBHOOK_SECRET="whsec_x",
        AWS_ACCESS_KEY_ID="AKIA",
        AWS_SECRET_ACCESS_KEY="s",
        AWS_SESSION_TOKEN="t",
        AWS_REGION="eu",
        AWS_ENDPOINT_URL="https://minio",
    )
    assert (problems, audit.keys, audit.on) == ([], (FIRST, SECOND), True)
    assert audit.places[0] == "kept.jsonl"
    assert audit.places[3] == "s3://bucket/a/b?region=eu"
    assert audit.every == timedelta(seconds=90)
    assert audit.access == {
        "access_key_id": "AKIA", "secret_access_key": "s", "session_token": "t", "region": "eu",
        "endpoint": "https://minio",
    }  # fmt: skip
    assert all(map(SigningKey, audit.keys))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"SAYSO_AUDIT_KEY": "secret"}, "SAYSO_AUDIT_KEY: must be auditsk_"),
        ({"SAYSO_AUDIT_KEY": FIRST[:-1] + "5"}, "SAYSO_AUDIT_KEY: must be auditsk_"),
        ({"SAYSO_AUDIT_KEY": SigningKey(FIRST).public}, "SAYSO_AUDIT_KEY: must be auditsk_"),
        ({"SAYSO_AUDIT_KEY": f"{FIRST},{FIRST}"}, "SAYSO_AUDIT_KEY: the same key"),
        ({"SAYSO_AUDIT_KEY": EXAMPLE}, "SAYSO_AUDIT_KEY: "),
        ({"SAYSO_AUDIT_KEY": "", "SAYSO_AUDIT_CHECKPOINTS": "a"}, "SAYSO_AUDIT_KEY: missing"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "https://a.example"}, "SAYSO_WEBHOOK_SECRET: missing"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "s3://"}, "write s3://bucket/prefix"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "s3://b?key=x"}, "write s3://bucket/prefix"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "s3://b?endpoint=minio"}, "write s3://bucket/prefix"),
        ({"AWS_ENDPOINT_URL": "minio:9000"}, "AWS_ENDPOINT_URL: not an address"),
        ({"AWS_ENDPOINT_URL": "https://a b"}, "AWS_ENDPOINT_URL: not an address"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "ftp://b/c"}, "must be a file"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "file://b/c"}, "must be a file"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "https://"}, "names no host"),
        ({"SAYSO_AUDIT_CHECKPOINTS": "https://[x"}, "is no address"),
        ({"SAYSO_AUDIT_CHECKPOINT_EVERY": "500ms"}, "SAYSO_AUDIT_CHECKPOINT_EVERY: must be"),
        ({"SAYSO_AUDIT_CHECKPOINT_EVERY": "8d"}, "SAYSO_AUDIT_CHECKPOINT_EVERY: must be"),
        ({"SAYSO_AUDIT_CHECKPOINT_EVERY": "hourly"}, "SAYSO_AUDIT_CHECKPOINT_EVERY: must be"),
        ({"SAYSO_AUDIT_CHECKPOINT_EVERY": "999999999999d"}, "SAYSO_AUDIT_CHECKPOINT_EVERY: must be"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(given: dict[str, str], says: str) -> None:
    """Which names the variable and what to do, and repeats no key."""
    _, problems = told(**{"SAYSO_AUDIT_KEY": FIRST} | given)
    assert any(says in problem for problem in problems), problems
    assert not any(FIRST in problem for problem in problems)
