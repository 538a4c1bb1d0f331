"""How one gets each refusal of each operation: one function a refusal, over real HTTP.

A function takes a `Stage` and answers with the reply. `SITUATIONS` maps the `error` to the function that provokes it at
any operation; `AT` holds what only one operation has.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pymongo

from handlers.base import APIHandler
from passport.services import Services
from tests.client import API, Reply

Database = pymongo.database.Database[dict[str, Any]]
# What stands in a path for a parameter of this name.
PARAMETERS: dict[str, str] = {}


@dataclass
class Stage:
    """One operation to be called, and everything it may need.

    Args:
        operation: its OpenAPI object.
        monkeypatch: pytest's, for what no client can bring about.
    """

    method: str
    path: str
    operation: Mapping[str, Any]
    api: API
    services: Services
    database: Database
    monkeypatch: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The path with its parameters filled in; what is not in PARAMETERS is an id of nothing."""
        return re.sub(r"\{(\w+)\}", lambda match: PARAMETERS.get(match[1], "0" * 24), self.path)

    @property
    def takes_login(self) -> bool:
        """Whether it is one of the calls that a code of wx.login opens."""
        return self.path in ("/oauth/token", "/accounts/wxapp")

    async def call(self, body: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        """The operation with a good caller and, unless told otherwise, a good body."""
        if {"bearer": []} in self.operation["security"] and "Authorization" not in self.headers:
            self.headers["Authorization"] = f"Bearer {await self.api.signed_in('mei')}"
        if "requestBody" in self.operation and not {"data", "json"} & options.keys():
            options["json"] = self.api.wx_login("mei") if body is None and self.takes_login else body or {}
        return await self.api.request(self.method.upper(), self.address, headers=self.headers, **options)


Situation = Callable[[Stage], Awaitable[Reply]]


async def ask_for_what_is_not_there(stage: Stage) -> Reply:
    return await stage.call()


async def send_an_empty_object(stage: Stage) -> Reply:
    return await stage.call(json={})


async def send_plain_text(stage: Stage) -> Reply:
    stage.headers["Content-Type"] = "text/plain"
    return await stage.call(data=b"code")


async def send_far_too_much(stage: Stage) -> Reply:
    return await stage.call(json={"code": "x" * 70_000})


async def send_a_made_up_code(stage: Stage) -> Reply:
    return await stage.call({**stage.api.wx_login(), "code": "made-up"})


async def send_a_redeemed_code(stage: Stage) -> Reply:
    visitor = stage.api.wx_login()
    stage.api.stand_in.people.redeem(visitor["code"], next(iter(stage.api.stand_in.people.apps)))
    return await stage.call(visitor)


async def be_high_risk(stage: Stage) -> Reply:
    stage.api.stand_in.faults.set("errcode", errcode=40226)
    return await stage.call()


async def fetch_the_data_before_wx_login(stage: Stage) -> Reply:
    login = stage.api.wx_login("mei", order="wrong")
    return await stage.call({name: login[name] for name in ("code", "encryptedData", "iv")})


async def reformat_the_raw_data(stage: Stage) -> Reply:
    login = stage.api.wx_login("mei")
    return await stage.call({**login, "rawData": login["rawData"].replace(",", ", ")})


async def log_in_too_often(stage: Stage) -> Reply:
    stage.api.stand_in.faults.set("errcode", errcode=45011)
    return await stage.call()


async def come_after_the_secret_was_reset(stage: Stage) -> Reply:
    apps = stage.api.stand_in.people.apps
    apps[next(iter(apps))] = "0" * 32
    return await stage.call()


async def be_banned(stage: Stage) -> Reply:
    account_id = await stage.api.registered("mei")
    if {"bearer": []} in stage.operation["security"]:
        stage.headers["Authorization"] = f"Bearer {await stage.api.signed_in('mei')}"
    await stage.services.users.ban(account_id, reason="spam", by="lin")
    return await stage.call()


async def bring_a_made_up_token(stage: Stage) -> Reply:
    stage.headers["Authorization"] = "Bearer made.up.token"
    return await stage.call()


async def be_a_stranger(stage: Stage) -> Reply:
    return await stage.call(stage.api.wx_login())


async def ask_for_another_grant(stage: Stage) -> Reply:
    return await stage.call({**stage.api.wx_login("mei"), "grant_type": "password"})


async def come_before_the_database(stage: Stage) -> Reply:
    if {"bearer": []} in stage.operation["security"]:
        stage.headers["Authorization"] = f"Bearer {await stage.api.signed_in('mei')}"
    stage.services.readiness._prepared.clear()
    return await stage.call()


async def meet_a_fault_of_ours(stage: Stage) -> Reply:
    """No client can bring one about, or it would be a fault to mend; so the first answer is made to fail."""
    original, failed = APIHandler.reply, []

    def fail_once(handler: APIHandler, *args: Any) -> None:
        if handler.request.path == stage.address and not failed:
            failed.append(handler)
            raise RuntimeError("for this test")
        original(handler, *args)

    if {"bearer": []} in stage.operation["security"]:
        stage.headers["Authorization"] = f"Bearer {await stage.api.signed_in('mei')}"
    await stage.api.registered("mei")
    stage.monkeypatch.setattr(APIHandler, "reply", fail_once)
    return await stage.call()


SITUATIONS: dict[str, Situation] = {
    "account_disabled": be_banned,
    "code_used": send_a_redeemed_code,
    "decrypt_failed": fetch_the_data_before_wx_login,
    "invalid_code": send_a_made_up_code,
    "invalid_request": send_an_empty_object,
    "invalid_token": bring_a_made_up_token,
    "not_found": ask_for_what_is_not_there,
    "payload_too_large": send_far_too_much,
    "server_error": meet_a_fault_of_ours,
    "server_misconfigured": come_after_the_secret_was_reset,
    "signature_mismatch": reformat_the_raw_data,
    "slow_down": log_in_too_often,
    "temporarily_unavailable": come_before_the_database,
    "unregistered": be_a_stranger,
    "unsupported_grant_type": ask_for_another_grant,
    "unsupported_media_type": send_plain_text,
    "user_blocked": be_high_risk,
}
# Where one operation gets a refusal in another way: {("post", "/accounts/me/phone", "invalid_code"): function}.
AT: dict[tuple[str, str, str], Situation] = {}


def situation_of(method: str, path: str, error: str) -> Situation | None:
    """None when nobody has said yet how one gets there."""
    return AT.get((method, path, error)) or SITUATIONS.get(error)
