"""The static files: caching by content, and what is no file looks missing, in the shape of every refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from tornado.ioloop import IOLoop

from tests.client import API, check_error_shape

YEAR = "public, max-age=31536000, immutable"


class Files:
    """Fetches files and checks what must hold for every answer."""

    def __init__(self, base_url: str) -> None:
        self.base_url, self._http = base_url, aiohttp.ClientSession()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, path: str, method: str = "GET", **options: Any) -> tuple[int, Any, bytes]:
        """The path exactly as it is written."""
        url = aiohttp.client.URL(self.base_url + path, encoded=True)
        async with self._http.request(method, url, allow_redirects=False, **options) as response:
            body, headers = await response.read(), response.headers
        assert "Server" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert len(headers["X-Request-Id"]) == 16
        return response.status, headers, body


@pytest.fixture
def files(io_loop: IOLoop, api: API) -> Iterator[Files]:
    """A browser's way to them."""

    async def start() -> Files:
        return Files(api.base_url)

    made = io_loop.run_sync(start)
    yield made
    io_loop.run_sync(made.close)


async def linked_files(api: API) -> list[str]:
    """The files that the home page links to."""
    async with aiohttp.ClientSession() as http, http.get(f"{api.base_url}/") as response:
        return sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', await response.text())))


async def test_what_the_page_links_to_is_kept_for_a_year(api: API, files: Files) -> None:
    favicon, theme = await linked_files(api)
    for path, content_type in ((favicon, "image/svg+xml"), (theme, "text/css")):
        assert re.fullmatch(r"/static/[a-z.]+\?v=[0-9a-f]{16}", path)
        status, headers, body = await files.get(path)
        assert (status, headers["Content-Type"]) == (200, content_type)
        assert headers["Cache-Control"] == YEAR
        assert "Expires" not in headers
        assert body


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef", "?w=1"])
async def test_without_the_current_version_a_file_is_checked_each_time(files: Files, query: str) -> None:
    status, headers, _ = await files.get(f"/static/theme.css{query}")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    status, _, body = await files.get(f"/static/theme.css{query}", headers={"If-None-Match": headers["Etag"]})
    assert (status, body) == (304, b"")


async def test_head_tells_the_size_alone(files: Files) -> None:
    _, _, body = await files.get("/static/theme.css")
    status, headers, nothing = await files.get("/static/theme.css", "HEAD")
    assert (status, nothing, headers["Content-Length"]) == (200, b"", str(len(body)))


@pytest.mark.parametrize(
    "path",
    [
        "/static/missing.css",
        "/static/missing.css?v=1",
        "/static/",
        "/static/../config.yaml",
        "/static/..%2Fconfig.yaml",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd",
        "/static/%2Fetc%2Fpasswd",
        "/static/theme.css%00",
        "/static/theme.css/x",
        "/static/" + "a" * 5000,
        "/favicon.ico",
        "/robots.txt",
    ],
)
async def test_what_is_no_file_is_missing_in_our_shape(files: Files, path: str) -> None:
    status, headers, body = await files.get(path)
    answer = json.loads(body)
    assert (status, answer["error"]) == (404, "not_found")
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    check_error_shape(answer, headers)


async def test_a_file_takes_no_other_method(files: Files) -> None:
    status, headers, body = await files.get("/static/theme.css", "POST", data=b"x")
    assert (status, headers["Allow"], json.loads(body)["error"]) == (405, "GET, HEAD", "method_not_allowed")
