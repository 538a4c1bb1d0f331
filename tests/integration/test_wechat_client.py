"""passport.wechat.client against the stand-in: connections, retries, the queue, the breaker, TLS, what is logged."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from passport.config import App, WeChat
from passport.errors import (
    CodeUsed,
    InvalidCode,
    PassportError,
    ServerMisconfigured,
    TemporarilyUnavailable,
)
from passport.wechat.breaker import Breaker
from passport.wechat.client import Unanswered, WeChatClient, WeChatSession
from passport.wechat.errcodes import known_errcodes
from sandbox import StandIn
from sandbox.faults import MODES
from tests.conftest import APP_SECRET, APPID
from tests.integration.helpers import configured, until

DEADLINE = 60
APP = App(appid=APPID, secret=APP_SECRET)


@asynccontextmanager
async def client_of(
    stand_in: StandIn, *, breaker: Breaker | None = None, **wechat: Any
) -> AsyncIterator[WeChatClient]:
    """A client of this stand-in, closed at the end."""
    settings = WeChat.model_validate(configured(stand_in, **wechat)["wechat"])
    client = WeChatClient(settings, breaker=breaker)
    try:
        yield client
    finally:
        await client.aclose()


async def ask(client: WeChatClient, code: str) -> WeChatSession | PassportError:
    """The session or the refusal, never another exception."""
    try:
        return await client.code2session(APP, code)
    except PassportError as error:
        return error


def code_of(stand_in: StandIn, person: str | None = None) -> str:
    return stand_in.people.login(person)["code"]


def connections_to(stand_in: StandIn) -> set[Any]:
    """The connections that the stand-in's server has open."""
    return set(stand_in._server._connections)


async def test_a_code_becomes_the_session_and_its_key_is_in_no_repr(stand_in: StandIn) -> None:
    async with client_of(stand_in) as client:
        session = await ask(client, code_of(stand_in, "mei"))
    people = stand_in.people
    assert session == WeChatSession(people.openid("mei"), people.unionid("mei"), people.session_key("mei"))
    assert people.session_key("mei") not in repr(session)


# Connections


async def test_one_kept_alive_connection_serves_call_after_call(stand_in: StandIn) -> None:
    async with client_of(stand_in) as client:
        await ask(client, code_of(stand_in))
        (first,) = connections_to(stand_in)
        for _ in range(5):
            assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)
        assert connections_to(stand_in) == {first}


@pytest.mark.parametrize("mode", ["reset", "disconnect"])
async def test_a_call_on_a_kept_alive_connection_that_breaks_is_not_repeated(
    stand_in: StandIn, mode: str
) -> None:
    """aiohttp repeats such a GET by itself, which would spend the code twice; the client switches that off."""
    async with client_of(stand_in) as client:
        assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)
        stand_in.faults.set(mode, times=1)
        code = code_of(stand_in)
        assert isinstance(await ask(client, code), Unanswered)
        assert stand_in.calls.of(code) == 1
        assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)


async def test_no_more_calls_are_in_flight_than_configured(stand_in: StandIn) -> None:
    stand_in.faults.set("hang")
    async with client_of(stand_in, max_in_flight=3, timeout="1s") as client:
        calls = [asyncio.create_task(ask(client, code_of(stand_in))) for _ in range(9)]
        await asyncio.wait_for(stand_in.calls.reach(3), DEADLINE)
        assert len(connections_to(stand_in)) == 3
        refusals = await asyncio.wait_for(asyncio.gather(*calls), DEADLINE)
    assert [isinstance(each, TemporarilyUnavailable) for each in refusals] == [True] * 9


async def test_when_the_queue_is_full_the_next_is_refused_at_once_with_its_code_unspent(
    stand_in: StandIn,
) -> None:
    stand_in.faults.set("hang")
    async with client_of(stand_in, max_in_flight=1, timeout="3s") as client:
        waiting = [asyncio.create_task(ask(client, code_of(stand_in))) for _ in range(1 + 10)]
        await asyncio.wait_for(stand_in.calls.reach(1), DEADLINE)
        refused = await ask(client, code_of(stand_in))
        assert not any(call.done() for call in waiting)
        assert isinstance(refused, TemporarilyUnavailable)
        assert not isinstance(refused, Unanswered)
        assert stand_in.calls.total == 1
        await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE)


async def test_when_the_breaker_opens_those_who_wait_are_refused_at_once_with_their_codes_unspent(
    stand_in: StandIn,
) -> None:
    stand_in.faults.set("http_500", delay=0)
    async with client_of(stand_in, max_in_flight=1, timeout="30s") as client:
        refusals = await asyncio.gather(*(ask(client, code_of(stand_in)) for _ in range(9)))
    assert [isinstance(each, Unanswered) for each in refusals] == [True] * 5 + [False] * 4
    assert [isinstance(each, TemporarilyUnavailable) for each in refusals] == [True] * 9
    assert stand_in.calls.total == 5


async def test_who_waited_for_a_place_still_has_time_for_the_call(stand_in: StandIn) -> None:
    stand_in.faults.set("slow", delay=0.6)
    async with client_of(stand_in, max_in_flight=1, timeout="2s") as client:
        first, second, third = await asyncio.gather(*(ask(client, code_of(stand_in)) for _ in range(3)))
    assert isinstance(first, WeChatSession)
    assert isinstance(second, WeChatSession)
    # Its place came too late for a whole call, so it never began one.
    assert isinstance(third, TemporarilyUnavailable)
    assert not isinstance(third, Unanswered)
    assert stand_in.calls.total == 2


# One retry, and only where nothing was spent


async def test_a_refused_connection_is_tried_exactly_once_more(
    stand_in: StandIn, log_records: list[logging.LogRecord]
) -> None:
    await stand_in.stop()
    async with client_of(stand_in) as client:
        refused = await ask(client, "any-code")
    assert isinstance(refused, TemporarilyUnavailable)
    assert not isinstance(refused, Unanswered)
    told = [record.getMessage() for record in log_records if record.name == "wxpassport.wechat"]
    assert told == ["repeating a call that never left", "WeChat cannot be reached"]


async def test_system_error_is_asked_again_exactly_once(stand_in: StandIn) -> None:
    stand_in.faults.set("errcode", errcode=-1)
    async with client_of(stand_in) as client:
        refused = await ask(client, code_of(stand_in))
    assert isinstance(refused, TemporarilyUnavailable)
    assert (refused.wechat_errcode, stand_in.calls.total) == (-1, 2)


async def test_system_error_once_is_not_noticed(stand_in: StandIn) -> None:
    stand_in.faults.set("errcode", errcode=-1, times=1)
    async with client_of(stand_in) as client:
        assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)
    assert [call.outcome for call in stand_in.calls] == ["errcode", "ok"]


# The breaker


async def test_the_breaker_opens_after_five_failures_in_a_row_and_a_trial_closes_it(
    stand_in: StandIn,
) -> None:
    stand_in.faults.set("http_502")
    async with client_of(stand_in, breaker=Breaker(pause=0.2)) as client:
        for _ in range(5):
            assert isinstance(await ask(client, code_of(stand_in)), Unanswered)
        assert not isinstance(await ask(client, code_of(stand_in)), Unanswered)
        assert stand_in.calls.total == 5

        stand_in.faults.clear()
        code = code_of(stand_in)

        async def answered() -> bool:
            return isinstance(await ask(client, code), WeChatSession)

        await until(answered)
        assert stand_in.calls.total == 6
        assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)


@pytest.mark.expects_log("WeChat refused the code")  # 45009 is the operator's to solve
@pytest.mark.parametrize("errcode", [40029, -1, 45009])
async def test_an_errcode_between_failures_shows_that_wechat_lives(stand_in: StandIn, errcode: int) -> None:
    async with client_of(stand_in, breaker=Breaker(pause=60)) as client:
        for _ in range(3):
            stand_in.faults.set("empty", times=4)
            stand_in.faults.then("errcode", errcode=errcode, times=2 if errcode == -1 else 1)
            for _ in range(5):
                await ask(client, code_of(stand_in))
        assert isinstance(await ask(client, code_of(stand_in)), WeChatSession)


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that no system knows."""
    return trustme.CA()


@asynccontextmanager
async def over_tls(authority: trustme.CA, *names: str) -> AsyncIterator[StandIn]:
    """A stand-in with a certificate of this authority for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    stand_in = StandIn({APPID: APP_SECRET}, ssl_options=context)
    stand_in.start()
    try:
        yield stand_in
    finally:
        await stand_in.stop()


def pem_of(authority: trustme.CA, folder: Path) -> str:
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


async def test_the_configured_authority_is_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    ca_file = pem_of(authority, tmp_path)
    async with over_tls(authority, "127.0.0.1") as wechat, client_of(wechat, ca_file=ca_file) as client:
        assert isinstance(await ask(client, code_of(wechat)), WeChatSession)


@pytest.mark.expects_log("WeChat's certificate cannot be verified")
async def test_an_unknown_authority_is_the_operators_to_solve_and_no_code_is_sent(
    authority: trustme.CA,
) -> None:
    async with over_tls(authority, "127.0.0.1") as wechat, client_of(wechat) as client:
        assert isinstance(await ask(client, code_of(wechat)), ServerMisconfigured)
        assert wechat.calls.total == 0


@pytest.mark.expects_log("WeChat's certificate cannot be verified")
async def test_a_certificate_for_another_host_is_not_accepted(authority: trustme.CA, tmp_path: Path) -> None:
    async with over_tls(authority, "api.weixin.qq.com") as wechat:
        async with client_of(wechat, ca_file=pem_of(authority, tmp_path)) as client:
            assert isinstance(await ask(client, code_of(wechat)), ServerMisconfigured)
        assert wechat.calls.total == 0


# Errcodes, and what is written down


async def test_an_errcode_in_quotes_is_the_same_errcode(stand_in: StandIn) -> None:
    for errcode, refusal in ((40163, CodeUsed), (40029, InvalidCode)):
        stand_in.faults.set("string_errcode", errcode=errcode)
        async with client_of(stand_in) as client:
            refused = await ask(client, code_of(stand_in))
        assert isinstance(refused, refusal)
        assert refused.wechat_errcode == errcode


RID = "[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"


@pytest.mark.parametrize(
    ("errmsg", "rid"), [(None, RID), ("invalid code, hints: [ req_id: abcDEF12 ]", "abcDEF12")]
)
async def test_the_rid_is_logged_for_wechats_support(
    stand_in: StandIn, log_records: list[logging.LogRecord], errmsg: str | None, rid: str
) -> None:
    stand_in.faults.set("errcode", errcode=40029, errmsg=errmsg)
    async with client_of(stand_in) as client:
        refused = await ask(client, code_of(stand_in))
    (record,) = [each for each in log_records if each.getMessage() == "WeChat refused the code"]
    assert re.fullmatch(rid, record.rid)
    assert (record.rid, record.wechat_errcode) == (refused.rid, 40029)


def everything_in(record: logging.LogRecord) -> str:
    """All that any formatter could print of the record, its exception included."""
    return logging.Formatter("%(message)s").format(record) + repr(record.__dict__)


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.parametrize("mode", [*MODES, "refused connection"])
async def test_no_log_and_no_error_holds_the_secret_or_the_code(
    stand_in: StandIn, log_records: list[logging.LogRecord], mode: str
) -> None:
    code = code_of(stand_in)
    if mode == "refused connection":
        await stand_in.stop()
    else:
        stand_in.faults.set(mode, delay=0.5, errcode=40125)
    async with client_of(stand_in, timeout="300ms") as client:
        outcome = await ask(client, code)
    told = [everything_in(record) for record in log_records] + [str(outcome)]
    assert any("wxpassport.wechat" in each for each in told) or isinstance(outcome, WeChatSession)
    for secret in (APP_SECRET, code):
        assert not [each for each in told if secret in each]


@pytest.mark.parametrize("errcode", sorted(known_errcodes()))
def test_an_errcode_the_operator_must_act_on_says_what_to_do(errcode: int) -> None:
    meaning = known_errcodes()[errcode]
    assert bool(meaning.operator) == (meaning.refusal is ServerMisconfigured or errcode == 45009)
