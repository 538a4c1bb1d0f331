"""What a session adds to the secrets stays inside (R-015): canaries in each, everything done with them, then a search.

A secret is in no log line, in no answer but the one that hands it over, and in no document. What a user tells of
themselves is in no log line of ours, in no answer to anybody else, and in no document but their own.
"""

from __future__ import annotations

import logging
from typing import Any

import bson
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import APP_SECRET, APPID
from tests.integration.helpers import configured
from tests.integration.pushes import deliver
from tests.pictures import SECRET as TAKEN_AT
from tests.pictures import fetched, path_of, upload, with_gps
from tests.security.conftest import SHOP, Tokens
from tests.security.test_secrets import printed as printed
from tests.security.test_secrets import spellings

# Made here, since Pillow logs what it writes, and our log is what is searched.
PHOTO = with_gps()
NUMBER = "13977001234"
TOKENS = "/cgi-bin/stable_token"
NICKNAME, CITY = "c4n4ry昵称", "c4n4ry-city"
# WeChat's server credential as the stand-in makes it, and what our refresh tokens begin with.
PREFIXES = {"wxat-", "wpr_"}
PERSONAL = {NUMBER, NICKNAME, CITY, NICKNAME.encode("unicode_escape").decode()}
Records = list[logging.LogRecord]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """One app that hears pushes, and a resource server."""
    agreed = stand_in.people.push_secrets
    push = {"token": agreed.token, "encoding_aes_key": agreed.encoding_aes_key}
    app: Any = {"appid": APPID, "secret": APP_SECRET, "push": push}
    servers = [{"id": SHOP.id, "secret": SHOP.secret}]
    return {**configured(stand_in, apps=[app]), "resource_servers": servers}


class Life:
    """Mei's life here, with a canary in everything; keeps what she is told, and what others are."""

    def __init__(self, api: API, services: Services, tokens: Tokens) -> None:
        self.api, self.services, self.tokens = api, services, tokens
        self.hers, self.others = list[Reply](), list[Reply]()
        self.pictures: list[bytes] = []
        agreed = api.stand_in.people.push_secrets
        self.secrets = {agreed.token, agreed.encoding_aes_key}
        self.secrets |= spellings(SHOP.secret) | {SHOP.basic["Authorization"].partition(" ")[2]}
        self.secrets |= PREFIXES | spellings(TAKEN_AT)

    async def bind(self, code: str | None = None) -> Reply:
        code = code or self.a_code()
        headers = bearer(self.tokens["access_token"])
        reply = await self.api.post("/accounts/me/phone", json={"phone_code": code}, headers=headers)
        self.hers.append(reply)
        return reply

    def a_code(self) -> str:
        code = self.api.stand_in.people.phone_code("mei", phoneNumber=NUMBER, purePhoneNumber=NUMBER)
        self.secrets.add(code)
        return code

    async def refresh(self) -> None:
        for _ in range(3):
            before = self.tokens["refresh_token"]
            self.secrets |= {before, before.removeprefix("wpr_")}
            self.tokens = (await self.api.refresh(before)).json
        self.secrets |= {self.tokens["refresh_token"], self.tokens["refresh_token"].removeprefix("wpr_")}

    async def enter(self) -> None:
        headers, body = bearer(self.tokens["access_token"]), {"nickname": NICKNAME, "city": CITY}
        self.hers.append(await self.api.put("/accounts/me", json=body, headers=headers))
        self.hers.append(await self.api.put("/accounts/me", json={**body, "gender": "x"}, headers=headers))
        self.hers.append(
            await self.api.put("/accounts/me", json={"nickname": NICKNAME * 20}, headers=headers)
        )

    async def show_a_face(self) -> None:
        reply = await upload(self.api, self.tokens["access_token"], PHOTO)
        self.hers.append(reply)
        self.pictures.append((await fetched(self.api, path_of(reply)))[2])

    async def look(self) -> None:
        for path in ("/accounts/me", "/accounts/me/export", "/accounts/me/sessions"):
            self.hers.append(await self.api.get(path, headers=bearer(self.tokens["access_token"])))

    async def be_asked_about(self) -> None:
        """By the shop, by a stranger, by bo, and by WeChat."""
        for token in (self.tokens["access_token"], self.tokens["refresh_token"], "x"):
            for caller in (SHOP.basic, {"Authorization": "Basic eDp5"}, {}):
                self.others.append(
                    await self.api.post("/oauth/introspect", data={"token": token}, headers=caller)
                )
        body = {"token": "x", "client_id": SHOP.id, "client_secret": f"{SHOP.secret}x"}
        self.others.append(await self.api.post("/oauth/revoke", data=body))
        bo = bearer(await self.api.signed_in("bo"))
        for path in (
            "/accounts/me",
            "/accounts/me/export",
            "/accounts/me/sessions",
            "/openapi.json",
            "/readyz",
        ):
            self.others.append(await self.api.get(path, headers=bo))
        push = self.api.stand_in.people.push("bo", revoke_info="8")
        self.others.append(await deliver(self.api, push))
        self.others.append(await deliver(self.api, push, body=push.body.replace(b"A", b"B")))

    async def all_of_it(self) -> None:
        await self.refresh()
        await self.enter()
        assert (await self.bind()).status == 200
        await self.show_a_face()
        await self.look()
        await self.be_asked_about()


@pytest.fixture
def life(api: API, services: Services, log_records: Records, tokens: Tokens) -> Life:
    """Mei's, from her first sign-in on with every log line kept."""
    return Life(api, services, tokens)


def found(words: set[str], text: object) -> set[str]:
    """Those that are in it, in a text or in bytes."""
    data = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
    return {word for word in words if word.encode() in data}


def logged(records: Records, printed: Any, *, ours: bool) -> str:
    """All that was logged, as printed and as it was; ours alone, or MongoDB's driver's too."""
    chosen = [record for record in records if not ours or not record.name.startswith("pymongo")]
    return "\n".join(f"{printed(record)} {record.getMessage()} {record.__dict__!r}" for record in chosen)


def documents(database: Any, *, but: str = "") -> bytes:
    """Every document of every collection but one, as MongoDB has it."""
    names = [name for name in database.list_collection_names() if name != but]
    return b"".join(
        bson.encode(each) + repr(each).encode() for name in names for each in database[name].find()
    )


async def assert_nothing_told(life: Life, records: Records, printed: Any, database: Any) -> None:
    """The rules of this file's docstring."""
    # What is recorded of refused attempts is written a moment later.
    await life.services.refusals.flush()
    answers = f"{life.hers} {life.others} {[dict(reply.headers) for reply in life.hers + life.others]}"
    # /openapi.json shows a made-up refresh token as an example.
    example = "wpr_ZvDB6a2LdCbpPRwKAAAAAbWvT0xq"
    assert found(life.secrets, answers.replace(example, "")) == set()
    assert found(life.secrets, logged(records, printed, ours=False)) == set()
    assert found(life.secrets, documents(database)) == set()
    assert found(PERSONAL, life.others) == set()
    assert found(PERSONAL, logged(records, printed, ours=True)) == set()
    assert found(PERSONAL, documents(database, but="users")) == set()
    for picture in life.pictures:
        assert found({TAKEN_AT.decode(), "Exif", "xmpmeta"}, picture) == set()


async def test_a_whole_life_tells_no_secret_and_nothing_of_the_person(
    life: Life, log_records: Records, printed: Any, database: Any
) -> None:
    await life.all_of_it()
    assert len(log_records) > 100
    assert found(PERSONAL, life.hers) >= {NUMBER, NICKNAME, CITY}
    assert found({NUMBER, NICKNAME}, documents(database)) == {NUMBER, NICKNAME}
    assert {200, 401} <= {reply.status for reply in life.others}
    await assert_nothing_told(life, log_records, printed, database)
    assert database.refusals.count_documents({}) >= 5


async def test_the_search_finds_what_is_there(life: Life, log_records: Records, printed: Any) -> None:
    await life.refresh()
    for secret in (SHOP.secret, life.tokens["refresh_token"], NICKNAME):
        logging.getLogger("wxpassport").debug("canary", extra={"told": secret})
    shown = logged(log_records, printed, ours=True)
    assert found(life.secrets, shown) >= {SHOP.secret, life.tokens["refresh_token"]}
    assert found(PERSONAL, shown)
    assert found(life.secrets, bson.encode({"a": TAKEN_AT}))


@pytest.mark.expects_log("WeChat")
@pytest.mark.parametrize("errcode", [40001, 40029, 45011, 48001, -1, 99999])
@pytest.mark.parametrize("path", ["/wxa/business/getuserphonenumber", TOKENS])
async def test_an_errmsg_that_quotes_our_call_is_not_passed_on(
    life: Life, log_records: Records, printed: Any, database: Any, path: str, errcode: int
) -> None:
    code, agreed = life.a_code(), life.api.stand_in.people.access_tokens.give(APPID, force_refresh=False)
    # What WeChat was called with is the worst that it could quote.
    called_with = f"secret={APP_SECRET}" if path == TOKENS else f"access_token={agreed.value} code: {code}"
    errmsg = f"invalid {path}?{called_with}, rid: 1-2-3"
    times = 1 if errcode == 40001 else 3  # or the second would quote the token before
    life.secrets |= spellings(APP_SECRET) | {agreed.value}
    life.api.stand_in.faults.set("errcode", path=path, errcode=errcode, errmsg=errmsg, times=times)
    await life.enter()
    assert (await life.bind(code)).status >= 400 or errcode == 40001
    await assert_nothing_told(life, log_records, printed, database)


@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize(
    ("service", "method"), [("phones", "bind"), ("users", "enter"), ("sessions", "refresh"), ("export", "of")]
)
async def test_an_exception_of_ours_tells_nothing_either(
    life: Life,
    services: Services,
    log_records: Records,
    printed: Any,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    method: str,
) -> None:
    async def fail(*arguments: Any, **_: Any) -> None:
        # The worst that an exception's text could hold: the models that it was called with.
        raise RuntimeError(
            f"unexpected: {[each for each in arguments if not isinstance(each, str | dict)]!r}"
        )

    await life.all_of_it()
    monkeypatch.setattr(getattr(services, service), method, fail)
    await life.enter()
    await life.bind()
    refused = await life.api.refresh(life.tokens["refresh_token"])
    life.hers += [refused] if refused.error else []
    await life.look()
    assert [reply.error for reply in life.hers].count("server_error") >= 1
    assert "Traceback" in logged(log_records, printed, ours=True)
    await assert_nothing_told(life, log_records, printed, database)


async def test_a_replayed_refresh_token_is_not_in_the_warning(
    life: Life, clock: Any, log_records: Records, printed: Any, database: Any
) -> None:
    first = life.tokens["refresh_token"]
    await life.refresh()
    clock.advance(minutes=1)
    life.hers.append(await life.api.refresh(first))
    assert life.hers[-1].error == "invalid_grant"
    assert "replayed" in logged(log_records, printed, ours=True)
    await assert_nothing_told(life, log_records, printed, database)


async def test_a_closed_account_leaves_no_canary_at_all(life: Life, database: Any) -> None:
    await life.all_of_it()
    body = {"code": life.api.wx_login("mei")["code"]}
    reply = await life.api.delete("/accounts/me", json=body, headers=bearer(life.tokens["access_token"]))
    assert reply.status == 200
    await life.services.refusals.flush()
    assert found(PERSONAL | life.secrets, documents(database)) == set()


async def test_reprs_hide_what_a_session_adds(life: Life, services: Services) -> None:
    """A repr ends up in a log sooner or later."""
    await life.all_of_it()
    pair = await services.sessions.refresh(life.tokens["refresh_token"])
    user = await services.users.find(life.tokens["account_id"])
    assert user is not None
    identity = user.identities[0].openid
    shown = repr([services, services.settings, pair, user, services.resource_servers])
    hidden = life.secrets | PERSONAL | {pair.access_token, pair.refresh_token, identity, str(user.unionid)}
    assert found(hidden, shown) == set()
