"""`python server.py keys …` as an operator types it: beside running servers, without one, and when it must refuse."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passport.key_life import PUBLISHED_AHEAD
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import ROOT, ServerProcess, environment, free_port, until

NOBODY = "k" * 43
MINUTE = 60


@dataclass(frozen=True)
class Ended:
    """What the command left behind."""

    status: int
    output: str
    errors: str

    @property
    def rows(self) -> list[list[str]]:
        """The table below its headings, by columns."""
        return [re.split(r" {2,}", line) for line in self.output.splitlines()[1:]]

    @property
    def states(self) -> dict[str, str]:
        """The state of each key."""
        return {row[0]: row[1] for row in self.rows}


async def keys(server: ServerProcess, *arguments: str, **changes: object) -> Ended:
    """Run `server.py keys …` with the settings of this server."""
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(ROOT / "server.py"), "keys", *arguments],
        cwd=server.folder,
        env=environment({**server.settings, **changes}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


async def published(server: ServerProcess) -> list[str]:
    """The key ids in its JWKS, none of them with a private member."""
    _, jwks = await server.probe("/.well-known/jwks.json")
    for each in jwks["keys"]:
        assert each.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    return [each["kid"] for each in jwks["keys"]]


def publishing(server: ServerProcess, *kids: str) -> Callable[[], Awaitable[bool]]:
    """Whether its JWKS has these keys and no other."""

    async def holds() -> bool:
        return await published(server) == list(kids)

    return holds


async def status_of(api: API, token: str) -> int:
    """What the token's bearer is answered."""
    return (await api.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})).status


@pytest.mark.gen_test(timeout=200)
async def test_beside_the_server_that_owns_the_embedded_mongod(
    start_server: StartServer, client_of: Callable[[str], API]
) -> None:
    server = start_server()
    await server.ready()
    (first,) = await published(server)
    mongod = server.mongod_pid

    listed = await keys(server, "list")
    assert (listed.status, listed.states) == (0, {first: "signing"})
    assert listed.output.split()[:6] == ["KID", "STATE", "CREATED", "SIGNS", "FROM", "UNTIL"]
    assert listed.rows[0][4] == "-"

    only = await keys(server, "retire", first)
    assert (only.status, only.output) == (1, "")
    assert "only key that signs" in only.errors
    assert f"keys retire {first} --now" in only.errors
    assert (await keys(server, "list")).states == {first: "signing"}

    rotated = await keys(server, "rotate")
    second = rotated.output.partition(":")[0]
    assert rotated.status == 0
    ahead = datetime.fromisoformat(rotated.output.split()[-1]) - datetime.now(UTC)
    assert PUBLISHED_AHEAD - timedelta(minutes=2) < ahead <= PUBLISHED_AHEAD
    again = await keys(server, "rotate")
    assert (again.status, again.output.partition(":")[0]) == (0, second)
    assert "nothing was changed" in again.output
    assert (await keys(server, "list")).states == {first: "signing", second: "published"}
    await until(publishing(server, first, second), "the server publishes it", seconds=MINUTE)

    withdrawn = await keys(server, "retire", second)
    assert withdrawn.status == 0
    assert (await keys(server, "list")).states == {first: "signing", second: "verifying"}
    assert server.mongod_pid == mongod
    assert server.process.poll() is None


@pytest.mark.gen_test(timeout=200)
async def test_a_leaked_key_is_refused_by_two_processes_within_a_minute(
    start_server: StartServer, client_of: Callable[[str], API], mongodb_uri: str, database: Any
) -> None:
    shared = {"mongodb__uri": mongodb_uri, "mongodb__database": database.name}
    servers = [start_server(**shared) for _ in range(2)]
    clients = [client_of(await each.ready()) for each in servers]
    (leaked,) = await published(servers[0])
    token = await clients[0].signed_in("mei")
    assert [await status_of(each, token) for each in clients] == [200, 200]

    ended = await keys(servers[0], "retire", leaked, "--now")
    assert ended.status == 0
    heir = ended.output.splitlines()[1].partition(":")[0]

    async def refused_by_both() -> bool:
        return [await status_of(each, token) for each in clients] == [401, 401]

    assert await until(refused_by_both, "refused by both", seconds=MINUTE) < MINUTE
    for server in servers:
        assert await published(server) == [heir]
    for client in clients:
        fresh = await client.token(client.wx_login("mei"))
        assert [await status_of(each, fresh.json["access_token"]) for each in clients] == [200, 200]
    listed = await keys(servers[0], "list")
    assert listed.states == {leaked: "retired", heir: "signing"}
    assert (await keys(servers[0], "retire", leaked)).output.startswith(f"{leaked}: retired 2")


@pytest.mark.gen_test(timeout=200)
async def test_without_a_server_its_mongod_is_started_for_the_command(start_server: StartServer) -> None:
    server = start_server()
    await server.ready()
    kept = await published(server)
    server.terminate()
    assert await server.ended() == 0

    listed = await keys(server, "list")
    assert (listed.status, list(listed.states)) == (0, kept)
    rotated = await keys(server, "rotate")
    server.start()
    await server.ready()
    assert await published(server) == [*kept, rotated.output.partition(":")[0]]


async def test_what_cannot_be_done_is_told_with_its_cure_and_changes_nothing(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    server = start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name)
    await server.ready()
    (first,) = await published(server)
    before = list(database.signing_keys.find())

    for unknown in (["retire", NOBODY], ["retire", NOBODY, "--now"]):
        ended = await keys(server, *unknown)
        assert (ended.status, ended.output) == (1, "")
        assert f"there is no key {NOBODY}; these are the keys: keys list" in ended.errors
    for sealed in (["rotate"], ["retire", first, "--now"]):
        ended = await keys(server, *sealed, secret_key="0f1e2d3c4b5a69788796a5b4c3d2e1f0")
        assert (ended.status, ended.output) == (1, "")
        assert "Restore that secret_key" in ended.errors
    away = await keys(server, "list", mongodb__uri=f"mongodb://127.0.0.1:{free_port()}")
    assert (away.status, away.output) == (1, "")
    assert "MongoDB: no answer" in away.errors
    wrong = await keys(server, "list", tokens__key_rotation="1h")
    assert (wrong.status, wrong.output) == (2, "")
    assert "tokens.key_rotation must be at least 1d" in wrong.errors

    assert list(database.signing_keys.find()) == before
