"""The playground's endpoints: in `--demo` alone, for this machine's own pages alone, and without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from handlers.serving import make_http_server
from passport.services import Services
from playground import playground_urls
from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET

Played = tuple[int, dict[str, Any]]


class Playground:
    """`await playground.post("/demo/wx/login", user="visitor-1")`, as the page would, from a server of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Played:
        return await self.send("POST", path, headers=headers, json=fields)

    async def send(self, method: str, path: str, **options: Any) -> Played:
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.url + path, **options) as response,
        ):
            return response.status, json.loads(await response.text())


@pytest.fixture
def playground(io_loop: IOLoop, api: API, services: Services, stand_in: StandIn) -> Iterator[Playground]:
    """A second door to the services of this test, with the routes of `--demo`."""
    sockets = bind_sockets(0, "127.0.0.1")

    async def open_door() -> Any:
        server = make_http_server(services, playground_urls(stand_in))
        server.add_sockets(sockets)
        return server

    server = io_loop.run_sync(open_door)
    yield Playground(f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
    server.stop()
    io_loop.run_sync(server.close_all_connections)


async def sign_in(playground: Playground, user: str) -> dict[str, Any]:
    """The visitor's first visit; the last answer."""
    _, login = await playground.post("/demo/wx/login", user=user)
    _, info = await playground.post("/demo/wx/user-info", user=user)
    visit = {"code": login["code"], "encryptedData": info["encryptedData"], "iv": info["iv"]}
    assert (await playground.post("/oauth/token", **visit))[0] == 401
    assert (await playground.post("/accounts/wxapp", **visit))[0] == 201
    status, answer = await playground.post("/oauth/token", **visit)
    assert status == 200
    return answer


@pytest.mark.parametrize("path", ["/demo", "/demo/bare", "/demo/static/wx.js", "/demo/passport.js"])
async def test_without_demo_there_is_no_playground(api: API, path: str) -> None:
    assert (await api.get(path)).status == 404
    assert (await api.post("/demo/wx/login", json={"user": "mei"})).status == 404


async def test_a_visitor_signs_in_and_no_secret_is_among_what_is_told(
    playground: Playground, stand_in: StandIn
) -> None:
    answer = await sign_in(playground, "visitor-1")
    _, told = await playground.post("/demo/exchanges", user="visitor-1")
    [exchange] = told["exchanges"]
    assert exchange["path"] == "/sns/jscode2session"
    assert exchange["answered_at"] >= exchange["arrived_at"]
    assert exchange["fields"]["secret"] == "[secret]"
    assert json.loads(exchange["body"])["session_key"] == "[secret]"
    assert json.loads(exchange["body"])["openid"] == stand_in.people.openid("visitor-1")
    everything = json.dumps([answer, told])
    assert APP_SECRET not in everything
    assert stand_in.people.session_key("visitor-1") not in everything


async def test_a_visitor_is_told_of_no_one_elses_exchanges(playground: Playground) -> None:
    await sign_in(playground, "visitor-1")
    assert await playground.post("/demo/exchanges", user="visitor-2") == (200, {"exchanges": []})


async def test_a_fault_is_for_one_visitor_alone_and_can_be_taken_back(
    playground: Playground, stand_in: StandIn
) -> None:
    assert (await playground.post("/demo/faults", user="visitor-1", mode="errcode", errcode=40226))[0] == 200
    await sign_in(playground, "visitor-2")
    _, login = await playground.post("/demo/wx/login", user="visitor-1")
    _, info = await playground.post("/demo/wx/user-info", user="visitor-1")
    visit = {"code": login["code"], "encryptedData": info["encryptedData"], "iv": info["iv"]}
    status, refused = await playground.post("/oauth/token", **visit)
    assert (status, refused["error"]) == (403, "user_blocked")
    assert (await playground.post("/demo/faults", user="visitor-1", mode="ok"))[0] == 200
    assert stand_in.faults.describe() == []
    await sign_in(playground, "visitor-1")


async def test_an_aged_token_is_refused_and_its_session_goes_on(playground: Playground) -> None:
    answer = await sign_in(playground, "visitor-1")
    status, aged = await playground.post("/demo/tokens/expired", access_token=answer["access_token"])
    assert status == 200
    for token, expected in ((aged["access_token"], 401), (answer["access_token"], 200)):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await playground.send("GET", "/accounts/me", headers=headers))[0] == expected
    assert (await playground.post("/demo/tokens/expired", access_token="no token"))[0] == 401


async def test_a_ban_is_real_and_the_record_tells_it_as_the_dashboard_does(playground: Playground) -> None:
    assert (await playground.post("/demo/users/ban", user="visitor-1"))[0] == 404
    await sign_in(playground, "visitor-1")
    assert (await playground.post("/demo/users/ban", user="visitor-1"))[0] == 200
    _, login = await playground.post("/demo/wx/login", user="visitor-1")
    _, info = await playground.post("/demo/wx/user-info", user="visitor-1")
    status, refused = await playground.post("/oauth/token", code=login["code"], **info)
    assert (status, refused["error"]) == (403, "account_disabled")
    path = f"/demo/refusals/{refused['request_id']}?lang=en"
    _, row = await playground.send("GET", path)
    assert row["title"] == "A banned account was turned away"
    assert row["url"].startswith("/admin/refusals/")
    assert (await playground.send("GET", "/demo/refusals/0000000000000000"))[0] == 404


async def test_sessions_that_were_ended_take_their_tokens_with_them(playground: Playground) -> None:
    answer = await sign_in(playground, "visitor-1")
    assert (await playground.post("/demo/users/end-sessions", user="visitor-1"))[0] == 200
    fields = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    assert (await playground.post("/oauth/token", **fields))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
        {"Host": "rebound.example"},
    ],
)
async def test_a_foreign_page_drives_nothing(
    playground: Playground, stand_in: StandIn, headers: dict[str, str]
) -> None:
    fields = {"user": "visitor-1", "mode": "http_503"}
    status, refused = await playground.post("/demo/faults", headers=headers, **fields)
    assert (status, refused["error"]) == (403, "invalid_request")
    assert stand_in.faults.describe() == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_a_form_of_a_foreign_page_can_send_is_no_json(
    playground: Playground, stand_in: StandIn, media_type: str
) -> None:
    text = json.dumps({"user": "visitor-1", "mode": "http_503"})
    options: dict[str, Any] = {"data": text, "headers": {"Content-Type": media_type}}
    assert (await playground.send("POST", "/demo/faults", **options))[0] == 415
    assert stand_in.faults.describe() == []


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("/demo/wx/login", {}, "user"),
        ("/demo/wx/login", {"user": "a b"}, "user"),
        ("/demo/wx/user-info", {"user": "x" * 65}, "user"),
        ("/demo/faults", {"user": "mei", "mode": "huge"}, "mode"),
        ("/demo/faults", {"user": "mei", "mode": "slow", "delay": 1e9}, "delay"),
        ("/demo/tokens/expired", {"access_token": "x" * 5000}, "access_token"),
    ],
)
async def test_what_is_malformed_is_named(
    playground: Playground, path: str, fields: dict[str, Any], named: str
) -> None:
    status, refused = await playground.post(path, **fields)
    assert (status, refused["error"]) == (403, "invalid_request")
    assert named in refused["error_description"]
