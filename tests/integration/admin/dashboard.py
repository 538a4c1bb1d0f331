"""A browser as far as forms go: it keeps cookies, sends the token of the form, and follows nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any

import aiohttp

Fields = Mapping[str, str | Sequence[str]]
SESSION = "__Host-sid"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"] or "")
        if tag == "form":
            self.forms.append({"action": attributes.get("action"), "fields": {}})
        if tag in ("input", "button", "select", "textarea") and self.forms and attributes.get("name"):
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.words.append(data.strip())


@dataclass(frozen=True)
class Page:
    """An answer of the dashboard: `text` is what can be read, `html` what was sent."""

    status: int
    headers: Mapping[str, str]
    html: str
    text: str = field(init=False)
    links: list[str] = field(init=False)
    forms: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        reader = _Reader()
        reader.feed(self.html)
        object.__setattr__(self, "text", re.sub(r"\s+", " ", " ".join(reader.words)))
        object.__setattr__(self, "links", reader.links)
        object.__setattr__(self, "forms", reader.forms)

    @property
    def location(self) -> str:
        """Where it sends the browser; empty when nowhere."""
        return self.headers.get("Location", "")


class Dashboard:
    """`await lin.get("/admin/users")`, `await lin.submit("/admin/users/…/ban", {"reason": "spam"})`."""

    def __init__(self, base_url: str, token: str | None = None, *, language: str = "en") -> None:
        self.base_url, self.language = base_url, language
        self.cookies: dict[str, str] = {SESSION: token} if token else {}
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, path: str, **options: Any) -> Page:
        """GET, following nothing."""
        return await self.request("GET", path, **options)

    async def submit(self, path: str, fields: Fields | None = None, **options: Any) -> Page:
        """POST a form with the token that this dashboard's pages put into theirs."""
        pairs = [("_xsrf", await self.xsrf()), *_pairs(fields or {})]
        return await self.request("POST", path, data=aiohttp.FormData(pairs), **options)

    async def follow(self, page: Page) -> Page:
        """GET where the answer leads."""
        assert page.status == 303, (page.status, page.text)
        return await self.get(page.location)

    async def xsrf(self) -> str:
        """A token that goes with the cookie, from a page that anybody may see."""
        return await self.xsrf_of("/admin/sign-in" if SESSION not in self.cookies else "/admin")

    async def xsrf_of(self, path: str) -> str:
        """The token that the forms of this page carry, or of the one that it leads to."""
        page = await self.get(path)
        if page.status == 303:
            page = await self.get(page.location)
        tokens = [form["fields"]["_xsrf"] for form in page.forms if "_xsrf" in form["fields"]]
        assert tokens, page.text
        token: str = tokens[0]
        return token

    async def request(self, method: str, path: str, **options: Any) -> Page:
        """Any request, with what must hold of every answer."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Accept-Language": self.language, **({"Cookie": cookies} if cookies else {})}
        headers |= options.pop("headers", {})
        async with self._http.request(
            method, self.base_url + path, allow_redirects=False, headers=headers, **options
        ) as response:
            html = (await response.read()).decode(errors="replace")
            self._keep(response.headers.getall("Set-Cookie", []))
        assert response.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.status < 500 or response.status == 503, html
        return Page(response.status, response.headers, html)

    def _keep(self, lines: Iterable[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or morsel.value == "":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    return [
        (name, each)
        for name, value in fields.items()
        for each in ([value] if isinstance(value, str) else value)
    ]
