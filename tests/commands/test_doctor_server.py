"""`sayso doctor` and the other commands where the store is on a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.stories.program import Program


@pytest.fixture
async def program(tmp_path: Path, cluster: Cluster) -> AsyncIterator[Program]:
    """An installation on an empty database of a server."""
    name = await cluster.make()
    made = Program(tmp_path)
    made.environment["SAYSO_DATABASE_URL"] = cluster.url(name)
    made.rules()
    yield made
    await cluster.drop(name)


_FULL = """
CREATE FUNCTION none_left() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER none_left BEFORE INSERT OR UPDATE ON switches EXECUTE FUNCTION none_left()"""


async def test_a_database_is_looked_at_and_left_as_it_is(program: Program, cluster: Cluster) -> None:
    """Empty it is told to be, whatever is asked of it; with a bot on it, who runs there; and why it cannot be done."""
    status, out, _ = await program.tell("doctor", "--no-round-trip")
    assert "there is nothing in the database yet" in out, out
    status, _, error = await program.tell("pause")
    assert status == 2
    assert "nothing of sayso's in the database" in error
    async with program:
        status, out, _ = await program.tell("doctor", "--no-round-trip")
        assert "writable" in out
        assert "running on this database: " in out
        assert (await program.tell("pause"))[0] == 0
    await cluster.run(_FULL, program.environment["SAYSO_DATABASE_URL"].rpartition("/")[2])
    status, _, error = await program.tell("resume")
    assert (status, "(could not extend file)" in error) == (2, True), error
    status, out, _ = await program.tell("audit", "verify")
    assert (status, "holds" in out) == (0, True), out


async def test_a_server_that_is_not_there_is_said_without_its_password(program: Program, cluster: Cluster) -> None:
    """By each command, in a line that names where it looked."""
    there = program.environment["SAYSO_DATABASE_URL"]
    program.environment["SAYSO_DATABASE_URL"] = there.replace("sayso@", "sayso:hunter2@").replace(
        f":{cluster.port}/", ":9/"
    )
    for words in (("up",), ("pause",), ("doctor", "--no-round-trip")):
        status, out, error = await program.tell(*words)
        assert status != 0
        assert "127.0.0.1:9" in out + error
        assert "hunter2" not in out + error
        assert "Traceback" not in out + error
