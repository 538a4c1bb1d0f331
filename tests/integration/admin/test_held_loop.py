"""What keeps the event loop free for requests (R-041). How long it is held at most is told by `benchmarks/held.py`."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import serving
from passport.config import Settings
from passport.exports import CSVFormat, Row
from passport.services import Services
from programs.serving import running_services
from tests.conftest import SECRET_KEY, Clock
from tests.integration.admin.dashboard import Dashboard
from tests.integration.jobs.conftest import register


@pytest.fixture
def thawed() -> Iterator[None]:
    """Nothing is set apart from the collector, nor is it for the tests that follow."""
    gc.unfreeze()
    yield
    gc.unfreeze()


async def test_the_collector_does_not_look_through_what_the_start_made(
    services: Services, configuration: dict[str, Any], mongodb_uri: str, tmp_path: Path, thawed: None
) -> None:
    """It would hold all requests meanwhile, for 50 ms and more."""
    mongodb = {"uri": mongodb_uri, "database": services.settings.mongodb.database, "data_dir": tmp_path}
    settings = Settings.model_validate(
        {**configuration, "mongodb": mongodb, "secret_key": SECRET_KEY.decode()}
    )
    async with running_services(settings) as (_, starting):
        await starting
        assert gc.get_freeze_count() > len(gc.get_objects())


async def test_nor_through_the_templates(
    services: Services, monkeypatch: pytest.MonkeyPatch, thawed: None
) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(serving, "_compile", compiled.append)
    server = serving.make_http_server(services)
    server.dashboard_opened.set()
    await serving.warm(server)
    assert compiled == ["zh", "en"]
    assert gc.get_freeze_count() > len(gc.get_objects())


async def test_rows_are_encoded_beside_the_loop(
    lin: Dashboard, database: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(database, clock, 3)
    encode, threads = CSVFormat.rows, list[threading.Thread]()

    def noted(form: CSVFormat, rows: Iterable[Row]) -> bytes:
        threads.append(threading.current_thread())
        return encode(form, rows)

    monkeypatch.setattr(CSVFormat, "rows", noted)
    page = await lin.get("/admin/users/export?format=csv")
    assert page.html.count("\n") == 4
    assert threads
    assert threading.current_thread() not in threads
