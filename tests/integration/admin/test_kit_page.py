"""The page of the hand-off kit: the checklist of each mini-program, and the same folder as a zip."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import aiohttp
import pytest

from passport.kit.folder import KitBroken
from passport.kit.making import make_kit
from passport.services import Services
from tests.conftest import APP_SECRET, APPID
from tests.integration.admin.dashboard import SESSION, Dashboard

OTHER, OTHER_SECRET = "wx0123456789abcdef", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PUSH = {"token": "pushtokenofours", "encoding_aes_key": "kWxPd93jrTqLmZy5cVbN0sHgF7aUeIoR2wQ4tY6uJ8x"}
SECRETS = (APP_SECRET, OTHER_SECRET, *PUSH.values())
pytestmark = pytest.mark.gen_test(timeout=60)


@pytest.fixture
def configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """Two mini-programs, of which the second takes pushes, behind a domain."""
    first, second = configuration["wechat"]["apps"][0], {"appid": OTHER, "secret": OTHER_SECRET}
    apps = [first, {**second, "name": "茶馆", "login": "code", "push": PUSH}]
    wechat = {**configuration["wechat"], "apps": apps}
    return {**configuration, "wechat": wechat, "server": {"public_url": "https://login.example.com"}}


async def download(ada: Dashboard, appid: str) -> tuple[int, dict[str, str], bytes]:
    """The answer as it is, which a page's text would not show."""
    headers = {"Cookie": f"{SESSION}={ada.cookies[SESSION]}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{ada.base_url}/admin/kit/{appid}.zip") as response,
    ):
        return response.status, dict(response.headers), await response.read()


async def test_the_page_shows_the_values_of_the_app_that_is_chosen_and_no_secret(ada: Dashboard) -> None:
    first, second = await ada.get("/admin/kit"), await ada.get(f"/admin/kit?app={OTHER}")
    for page in (first, second):
        assert "request合法域名 https://login.example.com" in page.text
        assert "Not for a release" not in page.text
        assert [secret for secret in SECRETS if secret in page.html] == []
    assert f"AppID {APPID}" in first.text
    assert "wechat.apps[].push Not configured." in first.text
    assert f"/admin/kit/{APPID}.zip" in first.links
    assert f"URL https://login.example.com/wechat/events/{OTHER}" in second.text
    assert f"/admin/kit/{OTHER}.zip" in second.links
    assert (await ada.get("/admin/kit?app=wx1")).text == first.text


async def test_the_download_is_the_kit_of_the_app_and_the_same_each_time(
    ada: Dashboard, services: Services, database: Any
) -> None:
    status, headers, archive = await download(ada, OTHER)
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    assert headers["Content-Disposition"] == f'attachment; filename="wxpassport-{OTHER}.zip"'
    assert headers["Cache-Control"] == "no-store"
    with ZipFile(BytesIO(archive)) as opened:
        unpacked = {name: opened.read(name) for name in opened.namelist()}
    kit = make_kit(services.settings, OTHER)
    assert unpacked == {f"wxpassport-{OTHER}/{name}": content for name, content in kit.files.items()}
    everything = b"".join(unpacked.values()).decode()
    assert [secret for secret in SECRETS if secret in everything] == []
    assert (await download(ada, OTHER))[2] == archive
    assert list(database.audit_events.find()) == []


async def test_the_kit_of_no_app_of_ours_is_not_found(ada: Dashboard) -> None:
    status, headers, _ = await download(ada, "wx" + "0" * 16)
    assert (status, "Content-Disposition" in headers) == (404, False)


async def test_a_folder_that_is_not_whole_is_told_and_nothing_is_offered(
    ada: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KitBroken("/srv/wxpassport/miniprogram/config.js: no such file")

    monkeypatch.setattr("handlers.admin.kit.make_kit", broken)
    page = await ada.get("/admin/kit")
    assert (page.status, "Restore it from the project" in page.text) == (200, True)
    assert ("/srv/" in page.html, f"/admin/kit/{APPID}.zip" in page.links) == (False, False)
    assert (await download(ada, APPID))[0] == 404


async def test_it_is_in_the_navigation_of_admins_alone(ada: Dashboard, lin: Dashboard) -> None:
    assert "/admin/kit" in (await ada.get("/admin")).links
    assert "/admin/kit" not in (await lin.get("/admin")).links
    assert (await lin.get("/admin/kit")).status == 403
