"""Secrets stay inside (R-015): canaries in every secret, the whole flow and its faults, then a search of all output."""

from __future__ import annotations

import base64
import io
import logging
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import bson
import pytest

from passport.logs import configure_logging
from passport.services import Services
from passport.wechat.client import WeChatSession
from sandbox import StandIn, payloads
from sandbox.faults import MODES
from tests.client import API, Reply
from tests.conftest import APPID, SECRET_KEY, Clock

APP_SECRET = "c4n4ryAppSecret0123456789abcdef7"
SESSION_KEY_BYTES = b"c4n4rySESSIONkey"
SESSION_KEY = base64.b64encode(SESSION_KEY_BYTES).decode()
OPENID = "oCANARYcanaryCANARYcanary001"
CODE_PREFIX = "c4n4ryCODE"


def spellings(secret: str | bytes) -> set[str]:
    """The forms in which a secret could turn up."""
    data = secret.encode() if isinstance(secret, str) else secret
    forms = {
        data.decode(),
        data.hex(),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
    }
    forms |= {form.rstrip("=") for form in forms} | {quote(form, safe="") for form in forms}
    return forms | {form.upper() for form in forms if re.fullmatch("[0-9a-f]+", form)}


CANARIES = (
    spellings(APP_SECRET)
    | spellings(SECRET_KEY)
    | spellings(SESSION_KEY)
    | spellings(SESSION_KEY_BYTES)
    | {CODE_PREFIX}
)


def found_in(text: str | bytes) -> set[str]:
    """The canaries in it."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return {canary for canary in CANARIES if canary.encode() in data}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """One app with the canary for its AppSecret."""
    stand_in.people.apps[APPID] = APP_SECRET
    app = {"appid": APPID, "secret": APP_SECRET}
    return {"wechat": {"base_url": stand_in.base_url, "timeout": "300ms", "apps": [app]}}


@pytest.fixture
def printed() -> Iterator[Any]:
    """How our own log formatter prints a record."""
    root, general = logging.getLogger(), logging.getLogger("tornado.general")
    handlers, level, general_level = list(root.handlers), root.level, general.level
    configure_logging(io.StringIO(), level=logging.DEBUG)
    ours = root.handlers[0]
    root.handlers[:] = handlers
    root.setLevel(level)
    yield ours.format
    general.setLevel(general_level)


class Visit:
    """Visits of one person whose code and session_key are canaries; keeps every answer."""

    def __init__(self, api: API, services: Services, clock: Clock) -> None:
        self.api, self.services, self.clock = api, services, clock
        self.replies = list[Reply]()

    def credentials(self, **changes: str) -> dict[str, str]:
        """A code of their own and the payload that belongs to it."""
        code = CODE_PREFIX + secrets.token_hex(8)
        self.api.stand_in.people.script(code, OPENID, SESSION_KEY)
        data = payloads.user_info(
            appid=APPID, openid=OPENID, unionid=None, profile={}, timestamp=int(self.clock.timestamp())
        )
        return {"code": code} | payloads.seal(data, SESSION_KEY) | changes

    async def both(self, credentials: dict[str, str]) -> None:
        """Register and sign in with it, twice, so that repeated answers are among them."""
        for _ in range(2):
            self.replies.append(await self.api.register(credentials))
            self.replies.append(await self.api.token(credentials))


@pytest.fixture
def visit(api: API, services: Services, clock: Clock) -> Visit:
    """The visitor."""
    return Visit(api, services, clock)


async def assert_nothing_told(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any
) -> None:
    """No canary in an answer, in a record as written or as printed, or in the raw bytes of a document."""
    # What is recorded of refused attempts is written a moment later.
    await visit.services.refusals.flush()
    for reply in visit.replies:
        assert found_in(str(reply)) == set()
    for record in log_records:
        assert found_in(f"{printed(record)} {record.getMessage()} {record.__dict__!r}") == set()
    for name in database.list_collection_names():
        for document in database[name].find():
            assert found_in(bson.encode(document)) == set()
            assert found_in(repr(document)) == set()


def access_tokens(visit: Visit) -> set[str]:
    return {reply.json["access_token"] for reply in visit.replies if "access_token" in reply.json}


def test_a_canary_is_found_however_it_is_spelt() -> None:
    for text in (
        APP_SECRET,
        f"secret={APP_SECRET}&",
        SESSION_KEY,
        SESSION_KEY_BYTES.hex(),
        quote(SESSION_KEY),
    ):
        assert found_in(f"… {text} …")
    assert found_in(bson.encode({"key": SESSION_KEY_BYTES}))


async def test_the_whole_flow_tells_no_secret_and_stores_none(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any
) -> None:
    await visit.both(visit.credentials())
    await visit.both(visit.credentials(signature="0" * 40))
    await visit.both(visit.credentials(iv="A" * 22))
    await visit.both(visit.credentials(encryptedData="A" * 64))
    await visit.both(visit.credentials(code=CODE_PREFIX + "unknown"))
    await visit.both(visit.credentials(appid="wx0000000000000000"))
    await visit.both(visit.credentials(code=CODE_PREFIX + "\u202e" + "x" * 200))
    statuses = {reply.status for reply in visit.replies}
    assert {200, 201, 403} <= statuses
    assert visit.api.stand_in.calls.total >= 5
    await assert_nothing_told(visit, log_records, printed, database)
    refused = list(database.refusals.find({}))
    assert len(refused) >= 10
    assert OPENID not in repr(refused)


async def test_no_access_token_is_in_the_database_or_in_the_log(
    visit: Visit, api: API, log_records: list[logging.LogRecord], database: Any
) -> None:
    await visit.both(visit.credentials())
    (token,) = access_tokens(visit)
    await api.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})
    await api.get("/accounts/me", headers={"Authorization": f"Bearer {token[:-1]}"})
    parts = [part.encode() for part in (token, token.split(".")[2], token.split(".")[1])]
    dump = b"".join(
        bson.encode(document)
        for name in database.list_collection_names()
        for document in database[name].find()
    )
    logged = b"".join(f"{record.getMessage()} {record.__dict__!r}".encode() for record in log_records)
    assert [part for part in parts if part in dump or part in logged] == []


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("ok", "slow", "drip", "hang")])
async def test_no_fault_of_wechats_makes_a_secret_known(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any, mode: Any
) -> None:
    visit.api.stand_in.faults.set(mode, times=4, burns=True, size=200_000)
    await visit.both(visit.credentials())
    assert visit.replies[0].status in (403, 503)
    await assert_nothing_told(visit, log_records, printed, database)


@pytest.mark.parametrize("mode", ["slow", "drip", "hang"])
async def test_no_silence_of_wechats_makes_a_secret_known(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any, mode: Any
) -> None:
    visit.api.stand_in.faults.set(mode, times=1, delay=3600)
    await visit.both(visit.credentials())
    assert visit.replies[0].status == 503
    await assert_nothing_told(visit, log_records, printed, database)


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.parametrize("errcode", [40029, 40163, 45011, 40013, 40125, -1, 99999])
async def test_an_errmsg_that_quotes_our_call_is_not_passed_on(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any, errcode: int
) -> None:
    credentials = visit.credentials()
    quoting = f"invalid /sns/jscode2session?secret={APP_SECRET}&js_code={credentials['code']}, rid: 1-2-3"
    visit.api.stand_in.faults.set("errcode", errcode=errcode, errmsg=quoting)
    await visit.both(credentials)
    assert visit.replies[0].status >= 400
    await assert_nothing_told(visit, log_records, printed, database)


@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize(
    ("service", "method"),
    [("users", "find_by_sessions"), ("users", "record_sign_ins"), ("tokens", "issue"), ("wechat", "_call")],
)
async def test_an_exception_of_ours_makes_no_secret_known(
    visit: Visit,
    services: Services,
    log_records: list[logging.LogRecord],
    printed: Any,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    method: str,
) -> None:
    async def fail(*arguments: Any, **options: Any) -> None:
        # The worst that an exception's text could hold: what it was called with.
        raise RuntimeError(f"unexpected: {[each for each in arguments if not isinstance(each, str)]!r}")

    def fail_at_once(**_: Any) -> None:
        raise RuntimeError("unexpected")

    await visit.both(visit.credentials())
    failing = fail_at_once if method == "issue" else fail
    monkeypatch.setattr(getattr(services, service), method, failing)
    await visit.both(visit.credentials())
    assert 500 in {reply.status for reply in visit.replies}
    assert any("Traceback" in printed(record) for record in log_records)
    await assert_nothing_told(visit, log_records, printed, database)


@pytest.mark.expects_log("uncaught")
async def test_a_database_that_fails_makes_no_secret_known(
    visit: Visit, log_records: list[logging.LogRecord], printed: Any, database: Any
) -> None:
    failing = {"failCommands": ["insert", "update", "findAndModify"], "errorCode": 8000}
    database.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=failing)
    try:
        await visit.both(visit.credentials())
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert {reply.status for reply in visit.replies} == {503}
    await visit.both(visit.credentials())
    assert visit.replies[-1].status == 200
    await assert_nothing_told(visit, log_records, printed, database)


async def test_what_is_kept_of_a_code_is_sealed_and_opens_nowhere_else(
    visit: Visit, services: Services, database: Any
) -> None:
    visit.replies.append(await visit.api.token(visit.credentials()))
    (kept,) = database.pending_logins.find()
    assert kept["status"] == "kept"
    assert isinstance(kept["_id"], bytes)
    assert isinstance(kept["sealed_session"], bytes)
    assert found_in(kept["sealed_session"] + kept["_id"]) == set()


async def test_reprs_hide_what_they_hold(services: Services, visit: Visit) -> None:
    """A repr ends up in a log sooner or later."""
    shown = repr(
        [services, services.settings, WeChatSession(OPENID, None, SESSION_KEY), services.keys.signer]
    )
    assert found_in(shown) == set()
    assert "PRIVATE" not in shown
