"""What the attacks share: two resource servers, mei who is signed in, and a profiler beside the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passport.services import Services
from tests.client import API
from tests.integration.helpers import OTHER_APPID, Client, with_two_apps
from tests.security.profiler import profiling

SHOP = Client("shop", "kept-between-the-shop-and-us_1f7a93b0c5d2")
GAME = Client("game", "kept-between-the-game-and-us_88e1d40c77ab")
Tokens = dict[str, Any]


def with_resource_servers(stand_in: Any) -> dict[str, Any]:
    """Two apps; the shop may ask about tokens of both, the game about those of the other app alone."""
    servers = [
        {"id": SHOP.id, "secret": SHOP.secret},
        {"id": GAME.id, "secret": GAME.secret, "apps": [OTHER_APPID]},
    ]
    return {**with_two_apps(stand_in), "resource_servers": servers}


@pytest.fixture
def tokens(io_loop: IOLoop, api: API) -> Tokens:
    """What mei's sign-in answered."""
    visit = {**api.wx_login("mei"), "appid": next(iter(api.stand_in.people.apps))}
    io_loop.run_sync(lambda: api.register(visit))
    answered: Tokens = io_loop.run_sync(lambda: api.token(visit)).json
    return answered


@pytest.fixture
def profiled(services: Services, database: Any) -> Iterator[Any]:
    """The database with mongod writing down every operation."""
    with profiling(database):
        yield database
