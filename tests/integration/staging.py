"""One operation to be called, with a good caller, a good body and things that are really there.

What a good request is to each operation is here; how one goes wrong is `tests.integration.situations`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pymongo

from passport.config import Limits
from passport.services import Services
from sandbox import StandIn, pushes
from tests.client import API, Reply, bearer
from tests.conftest import APPID
from tests.integration.helpers import Client
from tests.integration.pushes import expecting_pushes
from tests.pictures import form, path_of, plain, upload

Database = pymongo.database.Database[dict[str, Any]]
SHOP = Client("shop", "kept-between-the-shop-and-us_1f7a93b0c5d2")
ISSUER_PATH = "passport"
MANY_CALLS = 7


@dataclass
class Stage:
    """One operation to be called, and everything it may need.

    Args:
        operation: its OpenAPI object.
        monkeypatch: pytest's, for what no client can bring about.
        parameters: what stands in the path, instead of what is really there.
    """

    method: str
    path: str
    operation: Mapping[str, Any]
    api: API
    services: Services
    database: Database
    monkeypatch: Any
    headers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    address: str = ""

    @property
    def takes_a_bearer(self) -> bool:
        """Whether the caller needs an access token."""
        return {"bearer": []} in self.operation["security"]

    async def prepare(self) -> None:
        """Make the caller somebody, and let there be what the path names."""
        if self.takes_a_bearer and "Authorization" not in self.headers:
            self.headers |= bearer(await self.api.signed_in("mei"))
        if {"basic": []} in self.operation["security"] and "Authorization" not in self.headers:
            self.headers |= SHOP.basic
        for name in re.findall(r"\{(\w+)\}", self.path):
            if name not in self.parameters:
                self.parameters[name] = await THINGS[name](self)
        self.address = self.path.format(**self.parameters)

    async def call(self, **options: Any) -> Reply:
        """The operation with a good caller and, unless told otherwise, a good request."""
        await self.prepare()
        made = GOOD.get((self.method, self.path))
        if made is not None and not {"data", "json", "params"} & options.keys():
            options |= made(self.api)
        return await self.api.request(self.method.upper(), self.address, headers=self.headers, **options)


async def own_session(stage: Stage) -> str:
    reply = await stage.api.get("/accounts/me/sessions", headers=stage.headers)
    session_id: str = reply.json["sessions"][0]["id"] if reply.status == 200 else "0" * 24
    return session_id


async def uploaded_avatar(stage: Stage) -> str:
    reply = await upload(stage.api, await stage.api.signed_in("mei"), plain())
    return path_of(reply).removeprefix("/avatars/")


async def configured_app(_stage: Stage) -> str:
    return APPID


async def configured_issuer(_stage: Stage) -> str:
    return ISSUER_PATH


# What really is at a path, by the name of its parameter.
THINGS: dict[str, Callable[[Stage], Awaitable[str]]] = {
    "session_id": own_session,
    "avatar_id": uploaded_avatar,
    "appid": configured_app,
    "issuer_path": configured_issuer,
}


def check_of_the_address(api: API) -> dict[str, Any]:
    """What WeChat's console asks."""
    agreed, now = api.stand_in.people.push_secrets, int(api.stand_in.people.now())
    query = pushes.wrap(b"", agreed, appid=APPID, mode="plain", form="XML", at=now).query
    return {"params": query | {"echostr": "4375120948345356249"}}


def push(api: API) -> dict[str, Any]:
    made = api.stand_in.people.push("mei", revoke_info="8")
    return {"params": made.query, "data": made.body}


# A good request of each operation that takes more than a path and a caller.
GOOD: dict[tuple[str, str], Callable[[API], dict[str, Any]]] = {
    ("post", "/oauth/token"): lambda api: {"json": api.wx_login("mei")},
    ("post", "/oauth/revoke"): lambda _: {"data": {"token": "wpr_made-up"}},
    ("post", "/oauth/introspect"): lambda _: {"data": {"token": "made.up.token"}},
    ("post", "/accounts/wxapp"): lambda api: {"json": api.wx_login("mei")},
    ("put", "/accounts/me"): lambda _: {"json": {"nickname": "美美"}},
    ("delete", "/accounts/me"): lambda api: {"json": {"code": api.wx_login("mei")["code"]}},
    ("post", "/accounts/me/close"): lambda api: {"json": {"code": api.wx_login("mei")["code"]}},
    ("post", "/accounts/me/phone"): lambda api: {
        "json": {"phone_code": api.stand_in.people.phone_code("mei")}
    },
    ("post", "/accounts/me/avatar"): lambda _: {"data": form(plain())},
    ("get", "/wechat/events/{appid}"): check_of_the_address,
    ("post", "/wechat/events/{appid}"): push,
}


def configuration_of(stand_in: StandIn, path: str, refusal: str) -> dict[str, Any]:
    """A server that expects pushes and a resource server; what only one refusal needs, only there."""
    shop = {"id": SHOP.id, "secret": SHOP.secret}
    made = {**expecting_pushes(stand_in), "resource_servers": [shop]}
    # The metadata is at one of two paths, and the other is not there.
    if ("{issuer_path}" in path) != (refusal == "NotFound"):
        made["tokens"] = {"issuer": f"https://login.example.com/{ISSUER_PATH}"}
    if refusal == "ConsentRequired":
        made["privacy"] = {"policy_version": "2026-11", "policy_url": "https://example.com/privacy"}
    if refusal == "SlowDown":
        made["limits"] = dict.fromkeys(Limits.model_fields, f"{MANY_CALLS // 2}/hour")
    return made
