"""A mongod that has bound its socket but not read its replica set configuration yet, which no test can hold still."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from passport.store.embedded import EmbeddedMongo


class _NotReadYet:
    """A real mongod's commands, but for the one whose answer is a moment old."""

    def __init__(self, admin: Any) -> None:
        self._admin = admin
        self.refused: list[int | None] = []

    async def command(self, name: str, *arguments: Any, **options: Any) -> Any:
        if name == "replSetGetStatus":
            raise OperationFailure("no replset config has been received", 94)
        try:
            return await self._admin.command(name, *arguments, **options)
        except OperationFailure as error:
            self.refused.append(error.code)
            raise


def test_a_replica_set_that_was_initiated_long_ago_is_no_failed_start(tmp_path: Path) -> None:
    async def story() -> list[int | None]:
        mongo = EmbeddedMongo(tmp_path)
        await mongo.start()
        try:
            async with AsyncMongoClient[dict[str, Any]](mongo.uri) as client:
                admin = _NotReadYet(client.admin)
                await mongo._configure_replica_set(admin)
                return admin.refused
        finally:
            await mongo.stop()

    assert asyncio.run(story()) == [23]
