"""`GET /admin`: what it says of a MongoDB that is not embedded."""

from __future__ import annotations

from typing import Any

import pytest

from passport.services import Services
from passport.store.client import Deployment
from sandbox import StandIn
from tests.conftest import APP_SECRET, APPID
from tests.integration.admin.dashboard import Dashboard


@pytest.fixture
def configuration(stand_in: StandIn, mongodb_uri: str) -> dict[str, Any]:
    """A MongoDB of one's own."""
    apps = [{"appid": APPID, "secret": APP_SECRET}]
    return {"mongodb": {"uri": mongodb_uri}, "wechat": {"base_url": stand_in.base_url, "apps": apps}}


SET = {"version": "7.0.5", "retries_writes": True, "replica_set": "rs0"}


@pytest.mark.parametrize(
    ("deployment", "english", "chinese"),
    [
        (Deployment(**SET), "replica set rs0, 1 member ", "副本集 rs0，1 个成员"),
        (Deployment(**SET, members=3), "replica set rs0, 3 members", "副本集 rs0，3 个成员"),
        (Deployment(**SET, members=3, unreachable=1), "One member of the replica set", "副本集有 1 个成员"),
        (Deployment("7.0.5", retries_writes=True), "sharded cluster", "分片集群"),
        (Deployment("7.0.5", retries_writes=False), "single server", "单机"),
    ],
    ids=["one member", "three", "one of three away", "sharded", "standalone"],
)
async def test_each_kind_of_mongodb_is_told_in_both_languages(
    services: Services,
    vera: Dashboard,
    monkeypatch: pytest.MonkeyPatch,
    deployment: Deployment,
    english: str,
    chinese: str,
) -> None:
    async def describe() -> Deployment:
        return deployment

    monkeypatch.setattr(services.store, "describe", describe)
    for vera.language, words in (("en", english), ("zh", chinese)):
        page = await vera.get("/admin")
        assert (page.status, words in page.text) == (200, True), page.text
