"""The WeChat stand-in over real HTTP: its answers, its faults as they look on the wire, and its end."""

import asyncio
import base64
import contextlib
import json
import logging
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import zlib
from pathlib import Path

import aiohttp
import pytest
import trustme
from Crypto.Cipher import AES
from Crypto.Util.Padding import unpad

from sandbox import StandIn
from sandbox.code2session import SPECIMEN
from sandbox.faults import MODES
from sandbox.people import payload_for

APPID, SECRET = "wx4f4bc4dec97d474b", "secret-a"
OTHER_APPID = "wx00000000000000bb"
ROOT = Path(__file__).parents[2]

# WeChat's official example (aes-sample.zip of the page on open data), unchanged.
OFFICIAL_SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
OFFICIAL_IV = "r7BXXKkLb8qrSNn05n0qiA=="
OFFICIAL_ENCRYPTED_DATA = (
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+"
    "3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6"
    "/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs"
    "8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns"
    "/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG"
    "20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
)
OFFICIAL_OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"


class Clock:
    def __init__(self):
        self.at = time.time()

    def __call__(self):
        return self.at


class WeChat:
    """The stand-in and a client that, unlike a pooled one, opens a connection for every call."""

    def __init__(self, stand_in, session):
        self.stand_in = stand_in
        self.session = session

    def query(self, code, **changes):
        query = {"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}
        return {name: value for name, value in (query | changes).items() if value is not None}

    async def get(self, code="", **changes):
        """(status, content type, body)"""
        url = f"{self.stand_in.base_url}/sns/jscode2session"
        query = self.query(code, **changes)
        async with self.session.get(url, params=query, allow_redirects=False) as reply:
            return reply.status, reply.headers.get("Content-Type"), await reply.read()

    async def code2session(self, code, **changes):
        return json.loads((await self.get(code, **changes))[2])

    async def control(self, method, path, **arguments):
        """(status, decoded JSON)"""
        url = f"{self.stand_in.base_url}{path}"
        async with self.session.request(method, url, **arguments) as reply:
            assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
            return reply.status, await reply.json()

    async def raw(self, code="any"):
        """A connection on which the call was sent and nothing read yet."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(self.stand_in.base_url.split(":")[-1])
        )
        query = "&".join(f"{name}={value}" for name, value in self.query(code).items())
        writer.write(f"GET /sns/jscode2session?{query} HTTP/1.1\r\nHost: wechat\r\n\r\n".encode())
        return reader, writer


def with_wechat(scenario, **options):
    """Run the scenario against a fresh stand-in; whatever it leaves running fails the test."""

    async def run():
        stand_in = StandIn({APPID: SECRET, OTHER_APPID: "secret-b"}, **options)
        stand_in.start()
        try:
            connector = aiohttp.TCPConnector(force_close=True)
            timeout = aiohttp.ClientTimeout(total=10)
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                # aiohttp sends a GET again when its connection breaks, which would use up one-time faults.
                session._retry_connection = False
                await scenario(WeChat(stand_in, session))
        finally:
            await stand_in.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _never_logs(caplog):
    caplog.set_level(logging.WARNING)
    yield
    assert caplog.record_tuples == []


def decrypt(encrypted_data, iv, session_key):
    cipher = AES.new(base64.b64decode(session_key), AES.MODE_CBC, base64.b64decode(iv))
    return unpad(cipher.decrypt(base64.b64decode(encrypted_data)), 16).decode()


# The call


def test_a_success_is_text_plain_without_errcode_on_a_connection_that_stays_open():
    async def scenario(wechat):
        code = wechat.stand_in.people.login("mei")["code"]
        reader, writer = await wechat.raw(code)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "Content-Type: text/plain\r\n" in head
        assert "Connection: keep-alive\r\n" in head
        body = await reader.readexactly(int(re.search(r"Content-Length: (\d+)", head)[1]))
        assert set(json.loads(body)) == {"openid", "session_key", "unionid"}
        writer.write(b"GET /sns/jscode2session HTTP/1.1\r\nHost: wechat\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()

    with_wechat(scenario)


def test_a_code_burns_at_its_first_use_and_expires_after_five_minutes():
    clock = Clock()

    async def scenario(wechat):
        used, forgotten = (wechat.stand_in.people.login("mei")["code"] for _ in range(2))
        assert "openid" in await wechat.code2session(used)
        assert (await wechat.code2session(used))["errcode"] == 40163
        clock.at += 300
        assert (await wechat.code2session(forgotten))["errcode"] == 40029
        assert wechat.stand_in.calls.of(used) == 2
        assert wechat.stand_in.calls.total == 3
        assert [call.outcome for call in wechat.stand_in.calls] == ["ok", "40163", "40029"]

    with_wechat(scenario, now=clock)


def test_the_minted_payload_decrypts_with_the_returned_key_and_wechats_json_comes_out():
    async def scenario(wechat):
        login = wechat.stand_in.people.login("bo", profile={"nickName": "🐲👩‍👧‍👦"}, timestamp=1718000000)
        session = await wechat.code2session(login["code"])
        plain = decrypt(login["encryptedData"], login["iv"], session["session_key"])
        assert plain == (
            f'{{"openId":"{session["openid"]}","nickName":"🐲👩‍👧‍👦","gender":0,"language":"","city":"",'
            '"province":"","country":"","avatarUrl":"https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0K'
            'lMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132",'
            f'"unionId":"{session["unionid"]}","watermark":{{"timestamp":1718000000,"appid":"{APPID}"}}}}'
        )

    with_wechat(scenario)


def test_the_wrong_order_fails_with_the_returned_key_and_the_right_order_works_next():
    async def scenario(wechat):
        people = wechat.stand_in.people
        wrong = people.login("newcomer", order="wrong")
        key = (await wechat.code2session(wrong["code"]))["session_key"]
        with contextlib.suppress(ValueError):  # by chance the padding fits, the JSON never
            assert "openId" not in json.loads(decrypt(wrong["encryptedData"], wrong["iv"], key))
        right = people.login("newcomer")
        new_key = (await wechat.code2session(right["code"]))["session_key"]
        assert new_key != key
        assert "openId" in json.loads(decrypt(right["encryptedData"], right["iv"], new_key))

    with_wechat(scenario)


def test_the_official_vector_is_served_and_decrypts():
    async def scenario(wechat):
        wechat.stand_in.people.script("official", openid=OFFICIAL_OPENID, session_key=OFFICIAL_SESSION_KEY)
        session = await wechat.code2session("official")
        assert session == {"session_key": OFFICIAL_SESSION_KEY, "openid": OFFICIAL_OPENID}
        data = json.loads(decrypt(OFFICIAL_ENCRYPTED_DATA, OFFICIAL_IV, session["session_key"]))
        assert (data["openId"], data["nickName"]) == (OFFICIAL_OPENID, "Band")
        assert data["watermark"] == {"timestamp": 1477314187, "appid": APPID}

    with_wechat(scenario)


@pytest.mark.parametrize(
    ("changes", "errcode", "errmsg"),
    [
        ({"appid": None}, 41002, "appid missing"),
        ({"appid": ""}, 41002, "appid missing"),
        ({"appid": APPID.upper()}, 40013, "invalid appid"),
        ({"secret": None}, 41004, "appsecret missing"),
        ({"secret": "secret-b"}, 40125, "invalid appsecret"),
        ({"js_code": None}, 41008, "missing code"),
        ({"js_code": ""}, 41008, "missing code"),
        ({"grant_type": None}, 40002, "invalid grant_type"),
        ({"grant_type": "client_credential"}, 40002, "invalid grant_type"),
        ({"js_code": "the code is a mock one"}, 40029, "invalid code"),
        ({"appid": OTHER_APPID, "secret": "secret-b"}, 40029, "invalid code"),
    ],
)
def test_what_is_wrong_is_refused_as_wechat_does_and_burns_nothing(changes, errcode, errmsg):
    async def scenario(wechat):
        code = wechat.stand_in.people.login("mei")["code"]
        status, content_type, body = await wechat.get(code, **changes)
        assert (status, content_type) == (200, "text/plain")
        refusal = json.loads(body)
        assert refusal["errcode"] == errcode
        assert re.fullmatch(rf"{errmsg}, rid: 652d44d0-[0-9a-f]{{8}}-[0-9a-f]{{8}}", refusal["errmsg"])
        assert "openid" in await wechat.code2session(code)

    with_wechat(scenario, now=lambda: float(0x652D44D0))


def test_a_post_is_told_to_be_a_get():
    async def scenario(wechat):
        url = f"{wechat.stand_in.base_url}/sns/jscode2session"
        async with wechat.session.post(url, data={"js_code": "x"}) as reply:
            assert json.loads(await reply.read())["errcode"] == 43001
        async with wechat.session.head(url) as reply:
            assert reply.status == 200

    with_wechat(scenario)


# Faults on the wire

SPECIMEN_BODY = json.dumps(SPECIMEN, separators=(",", ":")).encode()
PLAIN = "text/plain"
PAGE = "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("mode", "details", "status", "content_type", "body"),
    [
        (
            "errcode",
            {"errcode": 45011},
            200,
            PLAIN,
            rb'\{"errcode":45011,"errmsg":"api minute-quota .*, rid: .*"\}',
        ),
        ("errcode", {"errcode": -1}, 200, PLAIN, rb'\{"errcode":-1,"errmsg":"system error, rid: .*"\}'),
        ("errcode", {"errcode": 7, "errmsg": "x"}, 200, PLAIN, rb'\{"errcode":7,"errmsg":"x, rid: .*"\}'),
        ("string_errcode", {}, 200, PLAIN, rb'\{"errcode":"40029","errmsg":"invalid code, rid: .*"\}'),
        ("empty", {}, 200, PLAIN, rb""),
        ("http_500", {}, 500, PAGE, rb"<html>.*500 Internal Server Error.*"),
        ("http_502", {}, 502, PAGE, rb"<html>.*502 Bad Gateway.*"),
        ("http_503", {}, 503, PAGE, rb"<html>.*503 Service Unavailable.*"),
        ("html", {}, 200, PAGE, rb"<!DOCTYPE html>.*"),
        ("cut", {}, 200, PLAIN, re.escape(SPECIMEN_BODY[: len(SPECIMEN_BODY) // 2])),
        ("array", {}, 200, PLAIN, rb"\[\{.*\}\]"),
        ("no_openid", {}, 200, PLAIN, rb'\{"session_key":"[^"]+"\}'),
        ("bad_utf8", {}, 200, PLAIN, rb'\{"session_key":.*,"extra":"\xff\xfe\xc0"\}'),
    ],
)
def test_a_fault_in_the_content_is_sent_once_and_leaves_the_code(mode, details, status, content_type, body):
    async def scenario(wechat):
        wechat.stand_in.faults.set(mode, times=1, **details)
        code = wechat.stand_in.people.login("mei")["code"]
        reply = await wechat.get(code)
        assert reply[:2] == (status, content_type)
        assert re.fullmatch(body, reply[2])
        assert "openid" in await wechat.code2session(code)

    with_wechat(scenario)


@pytest.mark.parametrize("mode", sorted({*MODES} - {"ok", "hang", "drip", "slow"}))
def test_a_fault_that_burns_takes_the_code_with_it(mode):
    async def scenario(wechat):
        wechat.stand_in.faults.set(mode, times=1, burns=True, size=10)
        code = wechat.stand_in.people.login("mei")["code"]
        with contextlib.suppress(aiohttp.ClientError):
            await wechat.get(code)
        assert (await wechat.code2session(code))["errcode"] == 40163
        assert [call.outcome for call in wechat.stand_in.calls] == [mode, "40163"]

    with_wechat(scenario)


def test_slow_is_the_right_answer_after_the_delay():
    async def scenario(wechat):
        wechat.stand_in.faults.set("slow", delay=0.1, times=1)
        code = wechat.stand_in.people.login("mei")["code"]
        started = time.monotonic()
        assert "openid" in await wechat.code2session(code)
        assert time.monotonic() - started >= 0.1

    with_wechat(scenario)


def test_drip_is_the_right_answer_byte_by_byte():
    async def scenario(wechat):
        wechat.stand_in.faults.set("drip", delay=0.002, times=1)
        login = wechat.stand_in.people.login("mei")
        reader, writer = await wechat.raw(login["code"])
        head = await reader.readuntil(b"\r\n\r\n")
        pieces = []
        while sum(map(len, pieces)) < int(re.search(rb"Content-Length: (\d+)", head)[1]):
            pieces.append(await reader.read(1000))
        assert json.loads(b"".join(pieces))["openid"] == wechat.stand_in.people.openid("mei")
        assert len(pieces) > 10
        writer.close()

    with_wechat(scenario)


def test_reset_is_a_tcp_reset_before_any_byte():
    async def scenario(wechat):
        wechat.stand_in.faults.set("reset")
        reader, writer = await wechat.raw()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()

    with_wechat(scenario)


def test_disconnect_is_an_orderly_close_before_any_byte():
    async def scenario(wechat):
        wechat.stand_in.faults.set("disconnect")
        reader, writer = await wechat.raw()
        assert await reader.read() == b""
        writer.close()

    with_wechat(scenario)


def test_truncated_closes_before_the_promised_length():
    async def scenario(wechat):
        wechat.stand_in.faults.set("truncated")
        reader, writer = await wechat.raw()
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        promised = int(re.search(rb"Content-Length: (\d+)", head)[1])
        assert 0 < len(body) < promised == len(SPECIMEN_BODY)
        writer.close()

    with_wechat(scenario)


def test_hang_accepts_the_call_and_says_nothing_until_stop_cuts_it():
    async def scenario(wechat):
        wechat.stand_in.faults.set("hang")
        reader, writer = await wechat.raw()
        await asyncio.wait_for(wechat.stand_in.calls.reach(1), 60)
        reading = asyncio.ensure_future(reader.read())
        url = f"{wechat.stand_in.base_url}/sandbox/"
        async with wechat.session.get(url) as reply:  # the stand-in lives, and had the time to answer
            assert reply.status == 200
        assert not reading.done()
        await wechat.stand_in.stop()
        assert await asyncio.wait_for(reading, 60) == b""
        writer.close()

    with_wechat(scenario)


def test_huge_promises_100_mb_and_streams_until_the_client_leaves():
    async def scenario(wechat):
        wechat.stand_in.faults.set("huge")
        reader, writer = await wechat.raw()
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 104857600\r\n" in head
        await reader.readexactly(2**20)
        writer.transport.abort()
        wechat.stand_in.faults.clear()
        code = wechat.stand_in.people.login("mei")["code"]
        assert "openid" in await wechat.code2session(code)

    with_wechat(scenario)


def test_gzip_bomb_is_small_on_the_wire_and_100_mb_unpacked():
    async def scenario(wechat):
        wechat.stand_in.faults.set("gzip_bomb")
        reader, writer = await wechat.raw()
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Encoding: gzip\r\n" in head
        packed = await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
        assert len(packed) < 2**20
        assert len(zlib.decompress(packed, wbits=31)) == 100 * 2**20
        writer.close()

    with_wechat(scenario)


def test_redirect_leads_to_a_place_that_counts_who_follows():
    async def scenario(wechat):
        wechat.stand_in.faults.set("redirect")
        url = f"{wechat.stand_in.base_url}/sns/jscode2session"
        async with wechat.session.get(url, allow_redirects=False) as reply:
            assert reply.status == 302
            assert reply.headers["Location"] == f"{wechat.stand_in.base_url}/sandbox/redirected"
        assert wechat.stand_in.calls.redirects_followed == 0
        async with wechat.session.get(url) as reply:
            assert json.loads(await reply.read()) == SPECIMEN
        assert wechat.stand_in.calls.redirects_followed == 1
        wechat.stand_in.faults.set("redirect", location="https://127.0.0.1:1/x")
        async with wechat.session.get(url, allow_redirects=False) as reply:
            assert reply.headers["Location"] == "https://127.0.0.1:1/x"

    with_wechat(scenario)


# The control API


def test_login_over_http_gives_the_five_fields_from_body_query_or_nothing():
    async def scenario(wechat):
        arguments = [
            {"json": {"user": "mei", "profile": {"nickName": "新"}, "timestamp": 5, "appid": APPID}},
            {"params": {"user": "mei", "order": "wrong", "rotate": "false"}},
            {},
        ]
        sessions = []
        for each in arguments:
            status, login = await wechat.control("POST", "/sandbox/login", **each)
            assert status == 200
            assert list(login) == ["code", "encryptedData", "iv", "rawData", "signature"]
            sessions.append(await wechat.code2session(login["code"]))
        assert sessions[0]["openid"] == sessions[1]["openid"] != sessions[2]["openid"]
        assert sessions[0]["session_key"] == sessions[1]["session_key"]

    with_wechat(scenario)


def test_faults_and_codes_and_calls_are_driven_over_http():
    async def scenario(wechat):
        fault = {"mode": "errcode", "errcode": 45011, "times": 1}
        status, reply = await wechat.control("POST", "/sandbox/faults", json=fault)
        assert status == 200
        assert reply["faults"][0]["errcode"] == 45011
        script = {"code": "c1", "openid": "oX", "session_key": "kX", "unionid": "uX"}
        assert await wechat.control("POST", "/sandbox/codes", json=script) == (200, {"code": "c1"})
        assert (await wechat.code2session("c1"))["errcode"] == 45011
        assert await wechat.code2session("c1") == {"session_key": "kX", "openid": "oX", "unionid": "uX"}
        status, calls = await wechat.control("GET", "/sandbox/calls")
        assert (calls["total"], calls["per_code"]) == (2, {"c1": 2})
        assert calls["recent"][0] == {"appid": APPID, "code": "c1", "outcome": "errcode"}
        await wechat.control("POST", "/sandbox/faults", params={"mode": "hang"})
        assert await wechat.control("DELETE", "/sandbox/faults") == (200, {"faults": []})
        status, index = await wechat.control("GET", "/sandbox/")
        assert set(index) == {"apps", "users", "faults", "calls"}
        assert SECRET not in json.dumps(index)

    with_wechat(scenario)


@pytest.mark.parametrize(
    ("path", "body", "cause"),
    [
        ("login", "{", "not JSON"),
        ("login", "[]", "must be a JSON object"),
        ("login", b"\xff", "not JSON"),
        ("login", "[" * 100_000, "not JSON"),
        ("login", '{"\\ud800": 1}', "unicode string"),
        ("login", '{"profile": {"nickName": "\\ud800"}}', "surrogates not allowed"),
        ("login", '{"user": "<b>"}', "a person's name is"),
        ("login", '{"usr": "mei"}', "usr: Extra inputs"),
        ("login", '{"order": "left"}', "order: Input should be"),
        ("login", '{"appid": "wx0"}', "appid 'wx0' is not one of"),
        ("login?user=%FF", "", "Bad Request"),
        ("faults", '{"mode": "explode"}', "mode: Input should be"),
        ("faults", '{"mode": "redirect", "location": "http://example.com"}', "location: "),
        ("faults", "{}", "mode: Field required"),
        ("codes", '{"code": "x"}', "openid: Field required"),
        ("codes", '{"code": "x", "openid": "o", "session_key": "k", "appid": "wx0"}', "appid 'wx0'"),
    ],
)
def test_bad_control_input_is_a_400_that_names_the_cause(path, body, cause):
    async def scenario(wechat):
        status, reply = await wechat.control("POST", f"/sandbox/{path}", data=body)
        assert (status, reply["error"]) == (400, "invalid_request")
        assert cause in reply["error_description"]
        assert wechat.stand_in.faults.describe() == []

    with_wechat(scenario)


def test_unknown_paths_and_methods_get_the_same_error_shape():
    async def scenario(wechat):
        for method, path, status, error in [
            ("GET", "/sandbox/nowhere", 404, "not_found"),
            ("GET", "/cgi-bin/token", 404, "not_found"),
            ("GET", "/sandbox/login", 405, "method_not_allowed"),
        ]:
            reply = await wechat.control(method, path)
            assert reply[0] == status
            assert reply[1].keys() == {"error", "error_description", "hint"}
            assert reply[1]["error"] == error

    with_wechat(scenario)


# Beginning and end


def test_stop_cuts_what_hangs_drips_and_streams_and_leaves_no_task():
    async def scenario(wechat):
        stand_in = wechat.stand_in
        stand_in.faults.set("hang", times=2)
        stand_in.faults.then("drip", times=2)
        stand_in.faults.then("slow", delay=60, times=1)
        stand_in.faults.then("huge", times=1)
        connections = [await wechat.raw(stand_in.people.login()["code"]) for _ in range(6)]
        idle = await asyncio.open_connection("127.0.0.1", int(stand_in.base_url.split(":")[-1]))
        await asyncio.wait_for(stand_in.calls.reach(6), 60)
        before = time.monotonic()
        await stand_in.stop()
        await stand_in.stop()
        assert time.monotonic() - before < 20  # what is slow takes 60 s
        for reader, writer in [*connections, idle]:
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 60)
            writer.close()

    with_wechat(scenario)


def test_a_stopped_stand_in_refuses_connections_and_can_be_started_again_where_it_was():
    async def scenario(wechat):
        code = wechat.stand_in.people.login("mei")["code"]
        await wechat.stand_in.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await wechat.get(code)
        wechat.stand_in.start(port=int(wechat.stand_in.base_url.split(":")[-1]))
        assert "openid" in await wechat.code2session(code)
        with pytest.raises(RuntimeError, match="already listens"):
            wechat.stand_in.start()

    with_wechat(scenario)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "localhost"])  # noqa: S104  refused
def test_it_listens_on_loopback_addresses_only(address):
    with pytest.raises(ValueError, match="loopback"):
        StandIn({APPID: SECRET}).start(address=address)


@pytest.mark.parametrize("mode", ["reset", "disconnect", "truncated"])
def test_faults_work_over_tls_as_well(mode):
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)

    async def scenario(wechat):
        url = f"{wechat.stand_in.base_url}/sns/jscode2session"
        assert url.startswith("https://127.0.0.1:")
        query = wechat.query(wechat.stand_in.people.login("mei")["code"])
        wechat.stand_in.faults.set(mode, times=1)
        with pytest.raises(aiohttp.ClientError):
            async with wechat.session.get(url, params=query, ssl=client) as reply:
                await reply.read()
        async with wechat.session.get(url, params=query, ssl=client) as reply:
            assert "openid" in json.loads(await reply.read())

    with_wechat(scenario, ssl_options=server)


def test_python_m_sandbox_serves_auto_codes_over_tls_until_sigterm(tmp_path):
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", "--app", f"{APPID}:{SECRET}"]
    options = ["--auto-codes", "--certfile", str(tmp_path / "both.pem")]

    async def call(base_url):
        query = {"appid": APPID, "secret": SECRET, "js_code": "bench-3-x", "grant_type": "authorization_code"}
        connector = aiohttp.TCPConnector(ssl=client)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{base_url}/sns/jscode2session", params=query) as reply,
        ):
            return json.loads(await reply.read())

    with subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    ) as process:
        try:
            session = asyncio.run(call(process.stdout.readline().decode().strip()))
        finally:
            process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, b"", b"")
    fields = payload_for(3, 1718000000, APPID)
    data = json.loads(decrypt(fields["encryptedData"], fields["iv"], session["session_key"]))
    assert data["openId"] == session["openid"]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--address", "0.0.0.0"], "loopback"),  # noqa: S104  refused
        (["--app", "wx1"], "APPID:SECRET"),
        (["--certfile", "/nowhere.pem"], "No such file"),
        (["--keyfile", "/nowhere.pem"], "--keyfile needs --certfile"),
    ],
)
def test_python_m_sandbox_refuses_what_cannot_be_with_status_2(arguments, cause):
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert cause in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sandbox_imports_nothing_of_ours():
    for source in (ROOT / "sandbox").glob("*.py"):
        assert not re.search(r"^\s*(from|import) (passport|handlers)\b", source.read_text(), re.MULTILINE)
