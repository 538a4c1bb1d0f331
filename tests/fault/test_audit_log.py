"""The audit log while mongod is killed, and `python server.py audit …` as an operator types it (R-057)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest

from passport.audit import Audit
from passport.audit.anchor import read_anchor
from passport.errors import StoreUnavailable
from passport.store import Store
from passport.store.embedded import EmbeddedMongo
from tests.fault.conftest import StartServer
from tests.fault.running import ROOT, ServerProcess, environment, report, until
from tests.unit.test_audit_chain import ACT, KEY
from tests.unit.test_exports import cells


async def command(server: ServerProcess, *arguments: str, **changes: object) -> tuple[int, str, str]:
    """Run `server.py …` with the settings of this server: status, output, errors."""
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(ROOT / "server.py"), *arguments],
        cwd=server.folder,
        env=environment({**server.settings, **changes}),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in ended.stderr
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.mark.gen_test(timeout=200)
async def test_killing_mongod_during_writes_leaves_no_gap_and_loses_nothing_acknowledged(
    folder: Path,
) -> None:
    mongo = EmbeddedMongo(folder / "mongodb")
    await mongo.start()
    store = Store(mongo.uri, "test", timeout=timedelta(seconds=3))
    audits = [
        Audit(store=store.audit, secret_key=KEY, anchor=folder / f"{n}/audit-head", now=lambda: ACT.at)
        for n in range(2)
    ]
    kept: set[int] = set()
    failed = 0
    stopping = asyncio.Event()

    async def write(audit: Audit, start: int) -> None:
        nonlocal failed
        number = start
        while not stopping.is_set():
            number += 1
            try:
                await audit.record(replace(ACT, after={"count": number}))
                kept.add(number)
            except StoreUnavailable:
                failed += 1
                await asyncio.sleep(0.02)

    await store.make_indexes()
    writers = [asyncio.create_task(write(audits[n % 2], n * 1_000_000)) for n in range(12)]
    for _ in range(2):
        reached = len(kept) + 200
        await until(lambda reached=reached: len(kept) >= reached, "acts are recorded")
        os.kill(mongo.pid, signal.SIGKILL)
    reached = len(kept) + 200
    await until(lambda: len(kept) >= reached, "acts are recorded again")
    stopping.set()
    await asyncio.gather(*writers)

    verdict = await audits[0].verify()
    with pymongo.MongoClient(mongo.uri) as client:
        there = [each["after"]["count"] for each in client.test.audit_events.find()]
    report(f"2 kills: {len(kept)} acts acknowledged, {failed} refused, {verdict.checked} entries")
    assert verdict.sound, verdict.text
    assert kept - set(there) == set()
    assert len(there) == len(set(there))
    for audit in audits:
        await audit.aclose()
    await store.aclose()
    await mongo.stop()


@pytest.mark.gen_test(timeout=200)
async def test_the_commands_beside_a_server(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    server = start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name)
    await server.ready()
    # Under another secret_key an act would look like a forged one.
    status, _, errors = await command(server, "keys", "rotate", secret_key="0f1e2d3c4b5a69788796a5b4c3d2e1f0")
    assert (status, "Restore that secret_key" in errors) == (1, True)
    assert database.audit_events.count_documents({}) == 0

    assert (await command(server, "keys", "rotate"))[0] == 0
    head = read_anchor(Path(str(server.settings["mongodb__data_dir"])) / "audit-head")
    status, output, errors = await command(server, "audit", "verify")
    assert (status, errors) == (0, "")
    assert output == f"1 entries, all sound; the head is {head}\nIt holds the anchored head {head}\n"

    status, output, _ = await command(server, "audit", "export", "--format", "csv")
    table = cells(output.encode())
    assert (status, table[0][:3], len(table)) == (0, ["seq", "at", "kind"], 2)
    assert (table[1][2], table[1][4]) == ("key.rotate", "command-line")

    database.audit_events.delete_one({"_id": 1})
    status, output, errors = await command(server, "audit", "verify")
    assert (status, output) == (1, "")
    assert "the audit log is not sound: entry 1 and those after it are missing" in errors
