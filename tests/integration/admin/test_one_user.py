"""The page of one user, and every act on them."""

from __future__ import annotations

from tests.client import API
from tests.integration.admin.dashboard import Dashboard


async def test_smoke(api: API, lin: Dashboard, ada: Dashboard, vera: Dashboard) -> None:
    tokens = await api.sign_in("mei")
    url = f"/admin/users/{tokens['account_id']}"
    for who in (lin, vera):
        page = await who.get(url)
        print(page.text)
        assert page.status == 200
    for part in ("/ban", "/erase"):
        page = await lin.get(url + part)
        print(page.text)
        assert page.status == 200
