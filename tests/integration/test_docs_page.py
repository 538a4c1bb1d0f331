"""GET /docs: what the document holds is on the page, in both languages, as text."""

from __future__ import annotations

from html import unescape
from typing import Any

import aiohttp
import pytest

from handlers.docs import docs_view
from handlers.openapi import openapi_document
from tests.client import API
from tests.contract import contract
from tests.integration.test_pages import INLINE, POLICY


async def page(api: API, language: str) -> tuple[str, Any]:
    """The page and its headers."""
    async with aiohttp.ClientSession() as http, http.get(f"{api.base_url}/docs?lang={language}") as response:
        assert response.status == 200
        return await response.text(), response.headers


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_names_every_operation_field_and_refusal_with_its_cure(api: API, language: str) -> None:
    html = unescape((await page(api, language))[0])
    document = (await api.get("/openapi.json")).json
    for path, item in document["paths"].items():
        assert path in html
        for method in item.keys() - {"parameters", "head"}:
            assert f'id="{item[method]["operationId"]}"' in html
    for name, schema in document["components"]["schemas"].items():
        if name != "RefusalAnswer":
            assert [field for field in schema["properties"] if field not in html] == []
    for name, example in document["components"]["examples"].items():
        assert (example["value"]["hint"] in html) == name.endswith(f".{language}")


async def test_it_keeps_the_policy_of_every_page(api: API) -> None:
    html, headers = await page(api, "zh")
    assert headers["Content-Security-Policy"] == POLICY
    assert html.count("<h1") == 1
    assert not INLINE.search(html)


def test_nested_members_are_named_by_their_path_and_an_answer_is_no_refusal() -> None:
    document = contract().document
    view = docs_view(document)
    operations = {operation.anchor: operation for group in view.groups for operation in group.operations}
    me = operations["getAccountsMe"]
    assert me.scheme == "bearer"
    assert "profile.nickname" in [field.name for field in me.answers[0].fields]
    assert "keys[].kid" in [field.name for field in operations["getWellKnownJwksJson"].answers[0].fields]
    assert [answer.status for answer in operations["getReadyz"].answers] == ["200", "503"]


def test_an_empty_table_is_an_empty_page() -> None:
    assert docs_view(openapi_document([], server_url="/")).groups == ()


def test_each_body_of_two_is_shown_alone_and_a_contents_line_is_short() -> None:
    view = docs_view(contract().document)
    operations = {operation.anchor: operation for group in view.groups for operation in group.operations}
    sign_in, refresh = operations["postOauthToken"].bodies
    assert "refresh_token" not in [field.name for field in sign_in.fields]
    assert [field.name for field in refresh.fields] == ["grant_type", "refresh_token", "client_id"]
    assert '"grant_type": "refresh_token"' in refresh.example
    (correction,) = operations["putAccountsMe"].bodies
    assert correction.title == ""
    assert operations["putAccountsMe"].headline == "Correct the profile"


def test_refusals_that_share_an_error_are_told_by_it() -> None:
    view = docs_view(contract().document)
    (upload,) = (
        each for group in view.groups for each in group.operations if each.anchor == "postAccountsMeAvatar"
    )
    assert [each.error for each in upload.refusals if each.status == "415"] == ["unsupported_media_type"] * 2


def test_every_field_is_described() -> None:
    for group in docs_view(contract().document).groups:
        for operation in group.operations:
            fields = [*operation.parameters]
            for each in (*operation.bodies, *operation.answers):
                fields += each.fields
            assert (operation.anchor, [field.name for field in fields if not field.description]) == (
                operation.anchor,
                [],
            )
