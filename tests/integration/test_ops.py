"""GET and HEAD of /healthz and /readyz."""

from __future__ import annotations

import json
from typing import Any

import pymongo
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API
from tests.integration.helpers import exchange, until


async def test_healthz_says_ok_and_touches_nothing(api: API) -> None:
    reply = await api.get("/healthz")
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert api.stand_in.calls.total == 0


async def test_readyz_says_ready(api: API) -> None:
    reply = await api.get("/readyz")
    assert (reply.status, reply.json) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_head_answers_as_get_without_the_body(api: API, path: str) -> None:
    request = f" {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    status, headers, body = await exchange(api.base_url, b"GET" + request)
    head_status, head_headers, head_body = await exchange(api.base_url, b"HEAD" + request)

    assert (status, head_status, head_body) == (200, 200, b"")
    assert int(head_headers["Content-Length"]) == len(body)
    assert json.loads(body)["status"] in ("ok", "ready")
    assert head_headers.keys() == headers.keys()


async def test_readyz_names_what_is_wrong_and_healthz_goes_on(
    api: API, services: Services, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    fault = {"failCommands": ["ping"], "errorCode": 8000, "appName": "wxpassport"}
    admin = database.client.admin
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fault)
    try:
        reply = await api.get("/readyz")
        assert (await api.get("/healthz")).status == 200
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")

    assert reply.status == 503
    assert reply.headers["Retry-After"] == "2"
    assert reply.json.keys() == {"status", "problem"}
    assert reply.json["status"] == "unavailable"
    assert reply.json["problem"].startswith("MongoDB does not answer (")

    # The probe is remembered for a second, and then asks again.
    async def ready() -> bool:
        return (await api.get("/readyz")).status == 200

    await until(ready)


async def test_while_draining_it_is_alive_and_not_ready(api: API, services: Services) -> None:
    services.readiness.draining = True
    reply = await api.get("/readyz")
    assert (reply.status, reply.json["status"]) == (503, "unavailable")
    assert "shutting down" in reply.json["problem"]
    assert (await api.get("/healthz")).status == 200


async def test_a_wechat_that_hangs_is_no_reason_to_be_unready(api: API, stand_in: StandIn) -> None:
    stand_in.faults.set("hang")
    assert (await api.get("/readyz")).status == 200
    assert stand_in.calls.total == 0
