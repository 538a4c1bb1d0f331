"""The kit of a configured server, unpacked, signs in against that server without an edit.

Its own config.js, passport.js and session.js run in Chromium over the playground's `wx`, each wrapped in a function
that gives it `require` and `module`, as WeChat does; the server's copy of passport.js is kept away from the page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route

from sandbox.demo import APPID
from tests.browser.conftest import ROOT
from tests.browser.mini_program import a_phone

pytestmark = pytest.mark.gen_test(timeout=60)

LOADER = """
const files = new Map(), modules = new Map()
const define = (name, file) => files.set('/' + name, file)
function load(path) {
  if (modules.has(path)) return modules.get(path).exports
  const module = { exports: {} }
  modules.set(path, module)
  files.get(path)(name => load(new URL(name, 'kit:' + path).pathname), module, module.exports)
  return module.exports
}
"""
START = "window.passport = load('/utils/session.js').passport; window.config = load('/config.js')"


def unpacked_kit(server_url: str, folder: Path) -> Path:
    """What `server.py kit` writes where this server is configured: its app, its port, no public_url."""
    apps = json.dumps([{"appid": APPID, "secret": "7d1f0c9ad8b7426e93d1c0a4b7e8f625"}])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")}
    command = [
        sys.executable,
        ROOT / "server.py",
        "kit",
        "--port",
        str(urlsplit(server_url).port),
        "--out",
        "kit",
    ]
    subprocess.run(
        command,
        cwd=folder,
        env={**environment, "WXPASSPORT_WECHAT__APPS": apps},
        check=True,
        capture_output=True,
    )
    return folder / "kit"


def script_of(kit: Path) -> str:
    """The kit as one script; what a file says is not touched."""
    files = [
        f"define({json.dumps(path.relative_to(kit).as_posix())}, function (require, module, exports) {{\n"
        f"{path.read_text(encoding='utf-8')}\n}})"
        for path in sorted(kit.rglob("*.js"))
    ]
    return "\n".join(["{", LOADER, *files, START, "}"])


async def test_the_kit_signs_in_against_its_server_without_an_edit(
    browser: Browser, server_url: str, tmp_path: Path
) -> None:
    script = script_of(unpacked_kit(server_url, tmp_path))

    async def serve_kit(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body=script)

    async def serve_nothing(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body="")

    async with a_phone(browser, server_url) as phone:
        await phone.page.route("**/demo/static/bare.js*", serve_kit)
        await phone.page.route("**/demo/passport.js*", serve_nothing)
        await phone.install()
        assert await phone.run("config") == {"baseUrl": server_url, "appid": APPID, "login": "code+userinfo"}

        told = await phone.run("passport.login()")
        assert told.get("isNew") is True, told
        assert phone.calls == ["POST /oauth/token 401", "POST /accounts/wxapp 201", "POST /oauth/token 200"]
        assert len(await phone.exchanges()) == 1
        me = await phone.run("passport.request({ url: '/accounts/me' })")
        assert (me["statusCode"], me["data"]["account_id"]) == (200, told["accountId"])
