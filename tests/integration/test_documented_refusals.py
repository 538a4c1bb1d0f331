"""Every refusal that the document names really occurs, at every operation that names it, over real HTTP.

The cases are read from the document, so that a newly documented refusal without a situation turns this red.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from passport.services import Services
from tests.client import API
from tests.contract import Document, contract
from tests.integration.situations import Database, Stage, situation_of


def documented() -> Iterator[tuple[str, str, int, str]]:
    """Method, path, status and `error`; without HEAD, which is GET without the body that says so."""
    for path, item in contract().document["paths"].items():
        for method in item.keys() - {"parameters", "head"}:
            for status, response in item[method]["responses"].items():
                for error in errors_of(response):
                    yield method, path, int(status), error


def errors_of(response: Document) -> list[str]:
    """The refusals among the examples of a response."""
    examples = response.get("content", {}).get("application/json", {}).get("examples", {})
    return list(dict.fromkeys(name.rpartition(".")[0] for name in examples))


CASES = sorted(documented())


def test_the_examples_name_what_the_schemas_enumerate() -> None:
    for path, item in contract().document["paths"].items():
        for method in item.keys() - {"parameters", "head"}:
            for response in item[method]["responses"].values():
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                refused = schema["anyOf"][1] if "anyOf" in schema else schema
                enumerated = refused["allOf"][1]["properties"]["error"]["enum"] if "allOf" in refused else []
                assert (path, errors_of(response)) == (path, enumerated)


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize(("method", "path", "status", "error"), CASES)
async def test_a_documented_refusal_occurs(
    api: API,
    services: Services,
    database: Database,
    monkeypatch: Any,
    method: str,
    path: str,
    status: int,
    error: str,
) -> None:
    operation = contract().document["paths"][path][method]
    provoke = situation_of(method, path, error)
    assert provoke, f"say in tests/integration/situations.py how {method.upper()} {path} comes to {error}"
    reply = await provoke(Stage(method, path, operation, api, services, database, monkeypatch))
    assert (reply.error, reply.status) == (error, status)


def test_a_refusal_without_a_situation_is_missed() -> None:
    assert situation_of("post", "/oauth/token", "made_up") is None
