"""An issuer with a path has its metadata below the well-known path (RFC 8414 section 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import StandIn
from tests.client import API
from tests.integration.helpers import configured


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Behind a proxy, in a folder of its site."""
    return {**configured(stand_in), "server": {"public_url": "https://example.com/login"}}


async def test_the_metadata_is_where_rfc_8414_puts_it(api: API) -> None:
    metadata = (await api.get("/.well-known/oauth-authorization-server/login")).json
    assert metadata["issuer"] == "https://example.com/login"
    assert metadata["token_endpoint"] == "https://example.com/login/oauth/token"
    assert (await api.get("/.well-known/oauth-authorization-server")).error == "not_found"
