"""Addresses that others name: the client's own (R-060, 12 spoofs) and an avatar's (R-050, never fetched)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from handlers.addresses import client_ip
from passport.profiles import AVATAR_HOSTS, profile_from_payload
from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET, APPID

PROXY, CLIENT, SPOOF = "10.0.0.2", "203.0.113.7", "198.51.100.66"
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))

Headers = list[tuple[str, str]]

# What an attacker sends to seem to be SPOOF.
SPOOFS: dict[str, Headers] = {
    "X-Forwarded-For": [("X-Forwarded-For", SPOOF)],
    "X-Forwarded-For chain": [("X-Forwarded-For", f"{SPOOF}, {PROXY}")],
    "X-Forwarded-For twice": [("X-Forwarded-For", SPOOF), ("X-Forwarded-For", SPOOF)],
    "X-Forwarded-For proxies": [("X-Forwarded-For", f"{SPOOF}, 10.1.1.1, 10.2.2.2")],
    "X-Forwarded-For not an address": [("X-Forwarded-For", "localhost, unknown, _hidden")],
    "X-Forwarded-For port": [("X-Forwarded-For", f"{SPOOF}:443")],
    "X-Forwarded-For empty": [("X-Forwarded-For", ""), ("X-Forwarded-For", ",,,")],
    "X-Forwarded-For flood": [("X-Forwarded-For", ", ".join([SPOOF] * 500))],
    "X-Real-Ip": [("X-Real-Ip", SPOOF)],
    "Forwarded": [("Forwarded", f"for={SPOOF};proto=https")],
    "others": [(name, SPOOF) for name in ("X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Client-Ip")],
    "all": [("X-Real-Ip", SPOOF), ("X-Forwarded-For", SPOOF), ("Forwarded", f"for={SPOOF}")],
}


class Request:
    """What client_ip looks at."""

    def __init__(self, remote_ip: str, headers: Headers) -> None:
        self.remote_ip, self.headers = remote_ip, HTTPHeaders()
        for name, value in headers:
            self.headers.add(name, value)


def seen(remote_ip: str, headers: Headers, trusted: Any = TRUSTED) -> str:
    request: Any = Request(remote_ip, headers)
    return client_ip(request, trusted)


@pytest.mark.parametrize("name", SPOOFS)
def test_a_client_that_connects_directly_is_who_it_is(name: str) -> None:
    assert seen(CLIENT, SPOOFS[name]) == CLIENT
    assert seen(CLIENT, SPOOFS[name], trusted=()) == CLIENT


@pytest.mark.parametrize("name", SPOOFS)
def test_behind_a_proxy_that_appends_the_client_is_who_the_proxy_saw(name: str) -> None:
    through_the_proxy = [*SPOOFS[name], ("X-Forwarded-For", CLIENT)]
    assert seen(PROXY, through_the_proxy) == CLIENT


def test_a_chain_of_proxies_is_followed_from_the_right_to_the_first_stranger() -> None:
    assert seen(PROXY, [("X-Forwarded-For", f"{SPOOF}, {CLIENT}, 10.9.9.9")]) == CLIENT
    assert seen("fd00::1", [("X-Forwarded-For", f"{SPOOF}, {CLIENT}, 10.9.9.9")]) == CLIENT


def test_a_proxy_that_names_nobody_is_itself_the_client() -> None:
    assert seen(PROXY, []) == PROXY
    assert seen(PROXY, [("X-Forwarded-For", f"{CLIENT}, unknown")]) == PROXY


def test_a_proxy_seen_through_a_dual_stack_socket_is_still_the_proxy() -> None:
    assert seen(f"::ffff:{PROXY}", [("X-Forwarded-For", CLIENT)]) == CLIENT


@pytest.mark.parametrize("spelling", ["2001:DB8::7", "2001:db8:0:0:0:0:0:7", "2001:0db8::0007"])
def test_one_client_has_one_spelling(spelling: str) -> None:
    assert seen(PROXY, [("X-Forwarded-For", spelling)]) == "2001:db8::7"


def test_an_ipv4_client_on_a_dual_stack_socket_has_its_ipv4_address() -> None:
    assert seen(f"::ffff:{CLIENT}", []) == CLIENT
    assert seen(f"::ffff:{CLIENT}", [], trusted=()) == CLIENT


def test_a_zone_cannot_carry_text_into_the_records() -> None:
    assert seen(PROXY, [("X-Forwarded-For", "fe80::1%<script>alert(1)</script>")]) == "fe80::1"


# --- over HTTP ------------------------------------------------------------------------------------------------


async def recorded_ip(api: API, database: Any, headers: Headers) -> str:
    assert (await api.register(api.wx_login("mei"))).status in (200, 201)
    assert (await api.token(api.wx_login("mei"), headers=headers)).status == 200
    ip: str = database.sessions.find_one(sort=[("_id", -1)])["ip"]
    return ip


class TestDirect:
    """No proxy is configured."""

    async def test_no_header_changes_the_recorded_address(self, api: API, database: Any) -> None:
        recorded = {name: await recorded_ip(api, database, spoof) for name, spoof in SPOOFS.items()}
        assert recorded == dict.fromkeys(SPOOFS, "127.0.0.1")


class TestBehindAProxy:
    """The proxy is this machine, and it appends the address it saw."""

    @pytest.fixture
    def configuration(self, stand_in: StandIn) -> dict[str, Any]:
        return {
            "server": {"trusted_proxies": ["127.0.0.1/32"]},
            "wechat": {"base_url": stand_in.base_url, "apps": [{"appid": APPID, "secret": APP_SECRET}]},
        }

    async def test_the_recorded_address_is_the_one_the_proxy_saw(self, api: API, database: Any) -> None:
        appended = ("X-Forwarded-For", CLIENT)
        recorded = {
            name: await recorded_ip(api, database, [*spoof, appended]) for name, spoof in SPOOFS.items()
        }
        assert recorded == dict.fromkeys(SPOOFS, CLIENT)

    async def test_the_log_line_has_the_same_address(self, api: API, log_records: list[Any]) -> None:
        await api.get("/healthz", headers=[("X-Real-Ip", SPOOF), ("X-Forwarded-For", f"{SPOOF}, {CLIENT}")])
        assert [record.ip for record in log_records if record.name == "wxpassport.access"] == [CLIENT]


# --- an avatar's --------------------------------------------------------------------------------------------

_GOOD = "https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132"
_HOST = "thirdwx.qlogo.cn"
BAD_URLS = [
    *(
        f"{scheme}://{_HOST}/a"
        for scheme in ("ftp", "file", "javascript", "data", "gopher", "ws", "", "httpsx", "x")
    ),
    *(
        f"https://{host}/a"
        for host in ("127.0.0.1", "localhost", "[::1]", "0", "0x7f000001", "2130706433", "0177.1")
    ),
    *(
        f"https://{host}/a"
        for host in ("169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "metadata.internal", "")
    ),
    *(
        f"https://{_HOST}{suffix}/a"
        for suffix in (".evil.example", "@evil.example", ":8080", ":443", ":", ".", "%00")
    ),
    *(
        f"https://{_HOST}{suffix}"
        for suffix in ("\\@evil.example", "\\.x.example", "\t.x.example", "。x.example")
    ),
    *(
        f"https://{prefix}{_HOST}/a"
        for prefix in ("x.example@", "user:pw@", "x.", "x.example/", "x.example#", "@")
    ),
    *(f"https:{slashes}{_HOST}/a" for slashes in ("", "/", "///", "////", "\\\\", "/\\")),
    *(
        f"{prefix}{_HOST}/a"
        for prefix in ("//", "/", "", "\\\\", "https//", "https;//", "https:evil.example//")
    ),
    "javascript:alert(1)//thirdwx.qlogo.cn",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    "https://thirdwx.qlogo.cn\r\nHost: evil.example/a",
    "https://thirdwx.qlogo.cn/a\x00",
    "https://thirdwx.qlogo.cn/é",
    "https://ｔhirdwx.qlogo.cn/a",
    "https://thirdwx.qlogo.xn--cn/a",
    "https://THIRDWX.qlogo.cn.evil.example/a",
    "https://[thirdwx.qlogo.cn]/a",
    "https://[",
    f"{_GOOD}?{'a' * 512}",
    "blob:https://thirdwx.qlogo.cn/a",
    "view-source:https://thirdwx.qlogo.cn/a",
]


def test_a_good_avatar_is_kept_and_made_https() -> None:
    assert profile_from_payload({"avatarUrl": _GOOD}) == {"avatar_url": _GOOD}
    assert profile_from_payload({"avatarUrl": _GOOD.replace("https", "http")}) == {"avatar_url": _GOOD}


def test_the_corpus_of_bad_urls_is_as_large_as_it_should_be() -> None:
    assert len(set(BAD_URLS)) == len(BAD_URLS) >= 60


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_avatar_anywhere_else_is_no_avatar(url: str) -> None:
    assert profile_from_payload({"avatarUrl": url}) == {}


def test_the_hosts_are_names_and_not_addresses() -> None:
    for host in AVATAR_HOSTS:
        with pytest.raises(ValueError, match="does not appear"):
            ip_address(host)
