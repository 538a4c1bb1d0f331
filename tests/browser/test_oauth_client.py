"""An OAuth client that none of us wrote (oauth4webapi) goes through the life of a session: what standard software can
use as it is. It runs in Chromium, since it is made for browsers and needs no Node there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Demo, running_demo

[CLIENT] = (Path(__file__).parent / "vendor").glob("oauth4webapi-*/index.js")
SECRET = "kept-between-the-shop-and-us_1f7a93b0c5d2"

pytestmark = pytest.mark.gen_test(timeout=200)

LIFE = """
async ({ login, appid, secret, grant }) => {
  const oauth = await import('/oauth4webapi.js')
  const options = { [oauth.allowInsecureRequests]: true }  // loopback without TLS
  const issuer = new URL(location.origin)
  const as = await oauth.processDiscoveryResponse(
    issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
  const client = { client_id: appid }, shop = { client_id: 'shop' }, none = oauth.None()

  const signedIn = await oauth.processGenericTokenEndpointResponse(as, client,
    await oauth.genericTokenEndpointRequest(as, client, none, grant, login, options))
  const refresh = async token => oauth.processRefreshTokenResponse(as, client,
    await oauth.refreshTokenGrantRequest(as, client, none, token, options))
  const refreshed = await refresh(signedIn.refresh_token)

  const headers = { authorization: `Bearer ${refreshed.access_token}` }
  const request = new Request(new URL('/accounts/me', location.origin), { headers })
  const claims = await oauth.validateJwtAccessToken(as, request, as.issuer, options)

  const introspect = async way => oauth.processIntrospectionResponse(as, shop,
    await oauth.introspectionRequest(as, shop, way(secret), refreshed.access_token, options))
  const before = await introspect(oauth.ClientSecretBasic)
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, none, refreshed.refresh_token, options))
  const after = await introspect(oauth.ClientSecretPost)
  const refused = await refresh(refreshed.refresh_token).catch(error => [error.name, error.error, error.status])
  return { as, signedIn, refreshed, claims, before, after, refused }
}
"""


@asynccontextmanager
async def page_with_the_client(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    """A page of the server's own origin, where the client can be imported; our policy allows no script otherwise."""
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()
    await page.route(
        "**/oauth4webapi.js",
        lambda route: route.fulfill(body=CLIENT.read_text("utf-8"), content_type="text/javascript"),
    )
    await page.goto(f"{demo.url}/healthz")
    yield page
    await context.close()


async def test_a_standard_client_discovers_signs_in_refreshes_introspects_and_revokes(
    browser: Browser,
) -> None:
    servers = json.dumps([{"id": "shop", "secret": SECRET}])
    with running_demo(RESOURCE_SERVERS=servers) as demo:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{demo.stand_in}/sandbox/login?user=mei") as reply,
        ):
            login: dict[str, Any] = await reply.json()
        async with page_with_the_client(browser, demo) as page:
            told = await page.evaluate(
                LIFE,
                {
                    "login": login,
                    "appid": "wxdeadbeefdeadbeef",
                    "secret": SECRET,
                    "grant": "urn:wxpassport:oauth:grant-type:wxapp",
                },
            )

    assert told["as"]["issuer"] == demo.url
    assert told["signedIn"]["account_id"] == told["refreshed"]["account_id"] == told["claims"]["sub"]
    assert told["signedIn"]["refresh_token"] != told["refreshed"]["refresh_token"]
    assert told["before"]["active"] is True
    assert told["before"]["jti"] == told["claims"]["jti"]
    assert told["after"] == {"active": False}
    assert told["refused"] == ["ResponseBodyError", "invalid_grant", 400]
