"""Every refusal that the document names really occurs, at every operation that names it, over real HTTP.

The cases are read from the document, so that a newly documented refusal without a situation turns this red.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.base import BaseHandler
from passport import errors
from passport.errors import PassportError
from passport.services import Services
from sandbox import StandIn
from tests.client import API
from tests.contract import Document, contract
from tests.integration.situations import situation_of
from tests.integration.staging import Database, Stage, configuration_of


def documented() -> Iterator[tuple[str, str, str]]:
    """Method, path and refusal; without HEAD, which is GET without the body that says so."""
    for path, item in contract().document["paths"].items():
        for method in item.keys() - {"parameters", "head"}:
            for response in item[method]["responses"].values():
                for refusal in refusals_of(response):
                    yield method, path, refusal


def refusals_of(response: Document) -> list[str]:
    """The classes of the refusals among the examples of a response."""
    examples = response.get("content", {}).get("application/json", {}).get("examples", {})
    return list(dict.fromkeys(name.rpartition(".")[0] for name in examples))


CASES = sorted(documented())


def test_the_examples_name_what_the_schemas_enumerate() -> None:
    for path, item in contract().document["paths"].items():
        for method in item.keys() - {"parameters", "head"}:
            for status, response in item[method]["responses"].items():
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                refused = schema["anyOf"][1] if "anyOf" in schema else schema
                enumerated = refused["allOf"][1]["properties"]["error"]["enum"] if "allOf" in refused else []
                classes = [getattr(errors, name) for name in refusals_of(response)]
                assert (path, list(dict.fromkeys(each.code for each in classes))) == (path, enumerated)
                assert {str(each.status) for each in classes} <= {status}


@pytest.fixture
def configuration(stand_in: StandIn, path: str, refusal: str) -> dict[str, Any]:
    return configuration_of(stand_in, path, refusal)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[PassportError]:
    """What the server refused with, since several refusals may have one `error`."""
    original, noted = BaseHandler.refuse, []

    def note(handler: BaseHandler, *args: Any) -> PassportError:
        noted.append(original(handler, *args))
        return noted[-1]

    monkeypatch.setattr(BaseHandler, "refuse", note)
    return noted


@pytest.mark.expects_log("WeChat refused ")
@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize(("method", "path", "refusal"), CASES)
async def test_a_documented_refusal_occurs(
    api: API,
    services: Services,
    database: Database,
    refused: list[PassportError],
    monkeypatch: Any,
    method: str,
    path: str,
    refusal: str,
) -> None:
    operation, expected = contract().document["paths"][path][method], getattr(errors, refusal)
    provoke = situation_of(method, path, refusal)
    assert provoke, f"say in tests/integration/situations.py how {method.upper()} {path} comes to {refusal}"
    reply = await provoke(Stage(method, path, operation, api, services, database, monkeypatch))
    assert (reply.error, reply.status) == (expected.code, expected.status)
    assert isinstance(refused[-1], expected)
    await services.refusals.flush()
    recorded = database.refusals.find_one({"request_id": reply.json["request_id"]})
    if path.startswith(("/oauth/", "/accounts/", "/wechat/events/")) and refusal != "NotFound":
        assert recorded is not None
        assert (recorded["operation"], recorded["kind"]) == (
            f"{method.upper()} {path}",
            type(refused[-1]).__name__,
        )
    else:
        assert recorded is None


def test_a_refusal_without_a_situation_is_missed() -> None:
    assert situation_of("post", "/oauth/token", "MadeUp") is None
