"""The stand-in's POST calls over real HTTP: their method, their body, the phone button by its control call."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sandbox import StandIn
from tests.conftest import APP_SECRET, APPID
from tests.integration.phones import PHONE_NUMBER, STABLE_TOKEN


async def ask(stand_in: StandIn, path: str, method: str = "POST", **options: Any) -> dict[str, Any]:
    """The answer's body, whatever its type."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, stand_in.base_url + path, **options) as reply,
    ):
        answer: dict[str, Any] = json.loads(await reply.read())
        return answer


async def test_a_phone_button_a_token_and_a_number(stand_in: StandIn) -> None:
    credentials = {"grant_type": "client_credential", "appid": APPID, "secret": APP_SECRET}
    token = (await ask(stand_in, STABLE_TOKEN, json=credentials))["access_token"]
    code = await ask(stand_in, "/sandbox/phone-code", json={"user": "mei"})
    reply = await ask(stand_in, PHONE_NUMBER, params={"access_token": token}, json=code)

    assert (reply["errcode"], reply["phone_info"]["purePhoneNumber"]) == (0, "13800000001")
    calls = await ask(stand_in, "/sandbox/calls", "GET")
    assert calls["per_path"] == {STABLE_TOKEN: 1, PHONE_NUMBER: 1}
    assert calls["per_code"][code["code"]] == 1


@pytest.mark.parametrize("path", [STABLE_TOKEN, PHONE_NUMBER])
async def test_another_method_or_a_body_that_is_no_json_object_is_refused_as_wechat_does(
    stand_in: StandIn, path: str
) -> None:
    assert (await ask(stand_in, path, "GET"))["errcode"] == 43002
    for body in (b"", b"code=x", b"[]", b"\xff", b"[" * 100_000):
        assert (await ask(stand_in, path, data=body))["errcode"] == 47001


async def test_the_phone_button_of_an_unknown_app_says_so(stand_in: StandIn) -> None:
    reply = await ask(stand_in, "/sandbox/phone-code", json={"appid": "wx1"})
    assert reply["error"] == "invalid_request"
