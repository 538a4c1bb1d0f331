"""The home page, the error page and the static files: headers, language, readiness, escaping, methods.

How they look and behave in a browser is in tests/browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import aiohttp
import pytest
from tornado.ioloop import IOLoop

from handlers.pages import HomePage
from passport.services import Services
from tests.client import API
from tests.conftest import APP_SECRET, APPID, SECRET_KEY

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
INLINE = re.compile(r"<script|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """An HTML answer."""

    status: int
    headers: Mapping[str, str]
    html: str

    @property
    def language(self) -> str:
        """What the html element says."""
        found = re.search(r'<html lang="([\w-]+)">', self.html)
        assert found
        return found[1]


class Visitor:
    """Fetches pages and checks what must hold for every one."""

    def __init__(self, base_url: str) -> None:
        self.base_url, self._http = base_url, aiohttp.ClientSession()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def fetch(self, path: str, method: str = "GET", **options: Any) -> tuple[int, Any, bytes]:
        """Anything, unchecked but for what every answer carries."""
        url = aiohttp.client.URL(self.base_url + path, encoded=True)
        async with self._http.request(method, url, allow_redirects=False, **options) as response:
            body = await response.read()
        assert "Server" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert len(response.headers["X-Request-Id"]) == 16
        return response.status, response.headers, body

    async def visit(self, path: str, method: str = "GET", **options: Any) -> Page:
        """A page."""
        status, headers, body = await self.fetch(path, method, **options)
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Vary"] == "Accept-Language"
        html = body.decode()
        if method != "HEAD":
            assert html.count("<h1") == 1
            assert not INLINE.search(html)
        return Page(status, headers, html)


@pytest.fixture
def public_url() -> str | None:
    """server.public_url; a test overrides it by a parameter of this name."""
    return None


@pytest.fixture
def configuration(configuration: dict[str, Any], public_url: str | None) -> dict[str, Any]:
    """The configuration, with this test's server.public_url."""
    return {**configuration, "server": {"public_url": public_url}}


@pytest.fixture
def visitor(io_loop: IOLoop, api: API) -> Iterator[Visitor]:
    """Somebody with a browser."""

    async def start() -> Visitor:
        return Visitor(api.base_url)

    made = io_loop.run_sync(start)
    yield made
    io_loop.run_sync(made.close)


@pytest.mark.parametrize(
    ("query", "accept_language", "language"),
    [
        ("", None, "zh-CN"),
        ("", "fr", "zh-CN"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh-CN"),
        ("?lang=zh&lang=en", "zh", "en"),
        ("?lang=fr", "en", "en"),
        ("?lang=EN", "zh", "zh-CN"),
        ("?lang=", "en", "en"),
        ("?lang=%ff", "en", "en"),
        ("?lang=en%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "zh", "zh-CN"),
    ],
)
async def test_the_language_is_the_one_asked_for_in_the_url_else_the_browsers(
    visitor: Visitor, query: str, accept_language: str | None, language: str
) -> None:
    headers = {} if accept_language is None else {"Accept-Language": accept_language}
    page = await visitor.visit(f"/{query}", headers=headers)
    assert (page.status, page.language) == (200, language)
    assert ("微信小程序登录与注册" in page.html) == (language == "zh-CN")
    assert "alert(1)" not in page.html


async def test_each_language_links_to_the_other_and_home_keeps_the_choice(visitor: Visitor) -> None:
    chinese, english = await visitor.visit("/"), await visitor.visit("/?lang=en")
    assert 'href="?lang=en"' in chinese.html
    assert 'class="brand" href="/"' in chinese.html
    assert 'href="?lang=zh"' in english.html
    assert 'class="brand" href="/?lang=en"' in english.html


async def test_a_server_that_is_ready_says_so(visitor: Visitor) -> None:
    assert "已就绪" in (await visitor.visit("/")).html
    assert ">Ready<" in (await visitor.visit("/?lang=en")).html


async def test_a_server_that_is_not_ready_says_why_and_what_to_do_and_still_answers_200(
    visitor: Visitor, services: Services
) -> None:
    services.readiness.draining = True
    page = await visitor.visit("/")
    assert page.status == 200
    assert "尚未就绪" in page.html
    assert "已就绪" not in page.html
    assert "the server is shutting down" in page.html
    assert "python server.py check" in page.html


async def test_the_two_endpoints_and_the_three_links_are_there(visitor: Visitor) -> None:
    html = (await visitor.visit("/")).html
    for path in ("/oauth/token", "/accounts/wxapp"):
        assert f"<code>{path}</code>" in html
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json"):
        assert f'<a href="{path}">' in html
        assert (await visitor.fetch(path))[0] == 200


async def test_the_example_calls_in_the_right_order(visitor: Visitor) -> None:
    html = unescape((await visitor.visit("/")).html)
    steps = ["wx.login()", "wx.getUserInfo()", "post('/oauth/token'", "post('/accounts/wxapp'"]
    assert sorted(steps, key=html.index) == steps


async def test_without_a_public_url_the_page_says_that_none_is_set(visitor: Visitor) -> None:
    html = (await visitor.visit("/")).html
    assert "server.public_url" in html
    assert "不校验合法域名" in html
    assert f"const server = '{visitor.base_url}'" in html


@pytest.mark.parametrize("public_url", ["https://login.example.com:8443/passport"])
async def test_the_request_domain_is_the_public_url_without_its_path(visitor: Visitor) -> None:
    html = (await visitor.visit("/")).html
    assert "<code>https://login.example.com:8443</code>" in html
    assert "const server = 'https://login.example.com:8443/passport'" in html
    assert "微信不接受这个地址" not in html


@pytest.mark.parametrize(
    "public_url",
    ["http://login.example.com", "https://203.0.113.7", "https://[::1]:8443", "https://localhost"],
)
async def test_a_public_url_that_wechat_does_not_take_is_called_that(visitor: Visitor) -> None:
    assert "微信不接受这个地址" in (await visitor.visit("/")).html


@pytest.mark.parametrize("public_url", ["https://lin:canary-password@login.example.com"])
async def test_credentials_in_the_public_url_stay_out_of_the_page(visitor: Visitor) -> None:
    html = (await visitor.visit("/")).html
    assert "https://login.example.com" in html
    assert "canary-password" not in html


async def test_the_page_reveals_neither_version_nor_app_nor_configuration(
    visitor: Visitor, services: Services, mongodb_uri: str
) -> None:
    html = (await visitor.visit("/")).html
    database, upstream = services.settings.mongodb.database, services.settings.wechat.base_url
    for secret in (
        APPID,
        APP_SECRET,
        SECRET_KEY.decode(),
        mongodb_uri,
        database,
        upstream,
        "0.1.0",
        "Tornado",
    ):
        assert secret not in html


@pytest.mark.parametrize("host", ["evil.test'+alert(1)+'", "a&lt;b", "x" * 300, "%3Cscript%3E", "a;b"])
async def test_a_host_header_that_is_no_address_is_not_repeated(visitor: Visitor, host: str) -> None:
    page = await visitor.visit("/", headers={"Host": host})
    assert page.status == 200
    assert host not in unescape(page.html)
    assert "const server = 'https://login.example.com'" in page.html


@pytest.mark.parametrize(
    "host", ["a.test/<script>alert(1)</script>", '"><svg onload=alert(1)>', "a b", "a@b"]
)
async def test_a_host_header_that_is_no_host_is_refused_without_a_word(api: API, host: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{api.base_url}/", headers={"Host": host}) as response,
    ):
        assert (response.status, await response.read()) == (400, b"")


async def test_whatever_is_wrong_is_told_as_text(
    visitor: Visitor, services: Services, monkeypatch: Any
) -> None:
    async def problem() -> str:
        return "<script>alert('x')</script> & \"more\""

    monkeypatch.setattr(services.readiness, "problem", problem)
    page = await visitor.visit("/")
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;more&#34;" in page.html


async def test_head_answers_like_get_without_the_page(visitor: Visitor) -> None:
    page, head = await visitor.visit("/"), await visitor.visit("/", "HEAD")
    assert (head.status, head.html) == (200, "")
    assert head.headers["Content-Length"] == page.headers["Content-Length"] == str(len(page.html.encode()))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_gets_the_error_page(visitor: Visitor, method: str) -> None:
    page = await visitor.visit("/", method)
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD")
    assert "method_not_allowed" in page.html
    assert page.headers["X-Request-Id"] in page.html
    assert "请改用响应头 Allow 中列出的方法" in page.html
    english = await visitor.visit("/?lang=en", method)
    assert english.language == "en"
    assert "Use one of the methods in the Allow header." in english.html


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
async def test_a_body_that_no_page_takes_is_not_even_parsed(visitor: Visitor, content_type: str) -> None:
    body = b"&".join(b"%d=1" % number for number in range(5000))
    page = await visitor.visit("/", "POST", data=body, headers={"Content-Type": content_type})
    assert page.status == 405


@pytest.mark.expects_log("uncaught")
async def test_an_exception_in_a_page_is_an_error_page_without_its_text(
    visitor: Visitor, monkeypatch: Any, log_records: list[Any]
) -> None:
    async def fail(_: HomePage) -> None:
        raise RuntimeError("canary-detail")

    monkeypatch.setattr(HomePage, "get", fail)
    page = await visitor.visit("/?lang=en")
    assert page.status == 500
    assert "server_error" in page.html
    assert "canary-detail" not in page.html
    assert page.headers["X-Request-Id"] in page.html
    [uncaught] = [each for each in log_records if each.getMessage() == "uncaught"]
    assert uncaught.request_id == page.headers["X-Request-Id"]
    monkeypatch.undo()
    assert (await visitor.visit("/")).status == 200


async def test_an_unknown_path_stays_json_for_browsers_too(api: API) -> None:
    reply = await api.get("/nothing", headers={"Accept": "text/html"})
    assert (reply.status, reply.error) == (404, "not_found")
