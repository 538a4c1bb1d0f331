"""The cast of the dashboard: vera is a viewer, lin an operator, ada an admin; each signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from passport.models import Device, Role
from passport.services import Services
from tests.client import API
from tests.integration.admin.dashboard import Dashboard


async def signed_in(services: Services, base_url: str, name: str, role: Role) -> Dashboard:
    """A new operator of this role in a browser of their own."""
    operator = await services.store.operators.insert(name, role=role, at=services.admin.now())
    assert operator
    token = await services.admin.sessions.start(operator, Device("192.0.2.7", "a browser"))
    return Dashboard(base_url, token)


def _operator(io_loop: IOLoop, services: Services, api: API, name: str, role: Role) -> Iterator[Dashboard]:
    dashboard = io_loop.run_sync(lambda: signed_in(services, api.base_url, name, role))
    yield dashboard
    io_loop.run_sync(dashboard.close)


@pytest.fixture
def vera(io_loop: IOLoop, services: Services, api: API) -> Iterator[Dashboard]:
    """A viewer."""
    yield from _operator(io_loop, services, api, "vera", "viewer")


@pytest.fixture
def lin(io_loop: IOLoop, services: Services, api: API) -> Iterator[Dashboard]:
    """An operator."""
    yield from _operator(io_loop, services, api, "lin", "operator")


@pytest.fixture
def ada(io_loop: IOLoop, services: Services, api: API) -> Iterator[Dashboard]:
    """An admin."""
    yield from _operator(io_loop, services, api, "ada", "admin")


@pytest.fixture
def visitor(io_loop: IOLoop, api: API) -> Iterator[Dashboard]:
    """Somebody who is not signed in."""

    async def arrive() -> Dashboard:
        return Dashboard(api.base_url)

    dashboard = io_loop.run_sync(arrive)
    yield dashboard
    io_loop.run_sync(dashboard.close)
