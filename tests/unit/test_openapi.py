"""The document itself: valid OpenAPI 3.1, every route in it, and schemas as strict and as lenient as the validators."""

from __future__ import annotations

import json
from base64 import b64encode
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from tornado.routing import URLSpec
from tornado.web import url

from handlers import make_app
from handlers.api.credentials import LoginBody
from handlers.api.oauth import WXAPP_GRANT, TokenBody
from handlers.base import APIHandler
from handlers.bodies import validated
from handlers.late import LateApplication
from handlers.openapi import openapi_document
from handlers.openapi.routes import Route, routes_of
from handlers.openapi.schemas import FORM, JSON
from handlers.operations import Answer, operation
from handlers.pages import PageHandler, StaticHandler
from passport import errors
from passport.errors import InvalidRequest, NotFound, catalogue

# Handlers whose methods are no operations of the API, each with the reason.
NO_OPERATIONS: dict[type, str] = {
    PageHandler: "a page is for people",
    StaticHandler: "a file is no answer of ours",
}


def app(public_url: str | None = None) -> LateApplication:
    """The application, over services that are nothing but settings."""
    services: Any = SimpleNamespace(settings=SimpleNamespace(server=SimpleNamespace(public_url=public_url)))
    return make_app(services)


def rules() -> list[URLSpec]:
    """The URL table, without what Tornado adds for static files."""
    application = app()
    application.add_dashboard()
    return [rule for rule in application.wildcard_router.rules if isinstance(rule, URLSpec)]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of a server without a public URL."""
    made: dict[str, Any] = app().settings["openapi"]()
    return made


def undeclared(route: Route) -> list[str]:
    """Its methods that should declare an operation and do not."""
    return [] if issubclass(route.handler, tuple(NO_OPERATIONS)) else route.undeclared


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    assert document == json.loads(json.dumps(document))


def test_a_document_that_is_not_is_reported(document: dict[str, Any]) -> None:
    broken = {**document, "paths": {"oauth/token": {"post": {"responses": []}}}}
    assert list(OPENAPI_31_VALIDATOR.iter_errors(broken))


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    for reference in references(document):
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def references(node: Any) -> list[str]:
    """Every `$ref` below."""
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for each in node.values() for found in references(each)]


def test_every_method_of_every_route_is_in_the_document(document: dict[str, Any]) -> None:
    for route in routes_of(rules()):
        assert (route.path, undeclared(route)) == (route.path, [])
        assert set(document["paths"].get(route.path, {})) - {"parameters"} == set(route.operations)


def test_a_method_without_a_declaration_is_reported() -> None:
    class Undeclared(APIHandler):
        def post(self) -> None: ...

    (route,) = routes_of([url("/x", Undeclared)])
    assert undeclared(route) == ["post"]


def test_operation_ids_are_names_and_no_two_are_the_same(document: dict[str, Any]) -> None:
    ids = [
        item["operationId"]
        for path in document["paths"].values()
        for item in path.values()
        if "operationId" in item
    ]
    assert len(ids) == len(set(ids))
    assert all(each.isidentifier() for each in ids)
    assert "postOauthToken" in ids


def test_the_server_is_the_public_url_without_credentials() -> None:
    assert app().settings["openapi"]()["servers"] == [{"url": "/"}]
    public = app("https://lin:canary@login.example.com/passport").settings["openapi"]()["servers"]
    assert public == [{"url": "https://login.example.com/passport"}]


def test_every_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    examples = 0
    for name, schema in document["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            within = {**described, "components": document["components"]}
            for example in described.get("examples", []):
                examples += 1
                assert (name, member, jsonschema_rs.is_valid(within, example)) == (name, member, True)
    assert examples > 10


def test_both_hints_of_every_refusal_are_among_the_examples(document: dict[str, Any]) -> None:
    examples = document["components"]["examples"]
    refusals = [getattr(errors, name.rpartition(".")[0]) for name in examples]
    for refusal in refusals:
        name = refusal.__name__
        hints = [examples[f"{name}.{language}"]["value"]["hint"] for language in ("zh", "en")]
        assert hints == [refusal.hint.zh, refusal.hint.en]
    codes = {refusal.code for refusal in refusals}
    # What belongs to no operation is told in the description.
    for code in catalogue().keys() - codes:
        assert f"`{code}`" in document["info"]["description"]


def test_refusals_that_share_an_error_are_all_named(document: dict[str, Any]) -> None:
    upload = document["paths"]["/accounts/me/avatar"]["post"]["responses"]["415"]["content"][JSON]
    assert upload["examples"].keys() == {
        f"{name}.{language}" for name in ("NotMultipart", "UnsupportedPicture") for language in ("zh", "en")
    }
    assert upload["schema"]["allOf"][1]["properties"]["error"]["enum"] == ["unsupported_media_type"]


# What the other parts of the generator do, on a small table


class Changes(BaseModel):
    nickname: Annotated[str, Field(max_length=8)] | None = None
    gender: int = 0


class Query(BaseModel):
    echo: str = Field(description="What to say.")
    loud: bool = False


class Small(APIHandler):
    needs_database = False

    @operation("Get.", answers={200: Answer, 404: None}, query=Query, refusals=(NotFound,), caller="bearer")
    def get(self) -> None: ...

    @operation("Put.", body=Changes, answers={204: None})
    def put(self) -> None: ...

    @operation(
        "Post.",
        answers={200: None},
        consumes={"multipart/form-data": {"type": "object"}},
        produces={200: "image/webp"},
        caller="resource_server",
    )
    def post(self) -> None: ...


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    """The document of a table of one row."""
    return openapi_document([url(r"/things/(?P<thing_id>[0-9a-f]{24})/a\.b", Small)], server_url="/")


def test_groups_of_a_route_become_parameters_of_the_path(small: dict[str, Any]) -> None:
    assert list(OPENAPI_31_VALIDATOR.iter_errors(small)) == []
    ((path, item),) = small["paths"].items()
    assert path == "/things/{thing_id}/a.b"
    patterns = {each["name"]: each["schema"]["pattern"] for each in item["parameters"]}
    assert patterns == {"thing_id": "^(?:[0-9a-f]{24})$"}
    assert item["get"]["operationId"] == "getThingsByThingIdAB"


def test_groups_without_a_name_get_one() -> None:
    (route,) = routes_of([url(r"/things/([^/]+)/of/((?:a|b[()])+)", Small)])
    assert route.path == "/things/{id}/of/{id2}"
    assert [each["schema"]["pattern"] for each in route.parameters] == ["^(?:[^/]+)$", "^(?:(?:a|b[()])+)$"]


def test_a_query_a_foreign_body_and_an_image_are_shown(small: dict[str, Any]) -> None:
    (item,) = small["paths"].values()
    assert [(each["name"], each["required"]) for each in item["get"]["parameters"]] == [
        ("echo", True),
        ("loud", False),
    ]
    assert item["post"]["requestBody"]["content"].keys() == {"multipart/form-data"}
    assert item["post"]["responses"]["200"]["content"] == {"image/webp": {}}
    assert "content" not in item["put"]["responses"]["204"]


def test_callers_become_security_and_bring_their_refusals(small: dict[str, Any]) -> None:
    (item,) = small["paths"].values()
    assert [item[method]["security"] for method in ("get", "put", "post")] == [
        [{"bearer": []}],
        [],
        [{"basic": []}],
    ]
    assert "`invalid_token`" in item["get"]["responses"]["401"]["description"]
    assert "503" not in item["get"]["responses"]


def test_null_counts_as_absent_in_json_and_does_not_exist_in_a_form(small: dict[str, Any]) -> None:
    (item,) = small["paths"].values()
    content = item["put"]["requestBody"]["content"]
    json_name, form_name = (content[each]["schema"]["$ref"].split("/")[-1] for each in (JSON, FORM))
    schemas = small["components"]["schemas"]
    assert schemas[json_name]["properties"]["nickname"]["type"] == ["string", "null"]
    assert schemas[json_name]["properties"]["gender"]["type"] == ["integer", "null"]
    assert schemas[form_name]["properties"]["nickname"]["type"] == "string"
    assert not item["put"]["requestBody"]["required"]


# The schema of the login is true to its validators

login_schema: Any = app().settings["openapi"]()["components"]["schemas"]["RegisterBody"]
is_documented = jsonschema_rs.validator_for(login_schema).is_valid


def is_accepted(fields: dict[str, Any]) -> bool:
    """What the validators say."""
    try:
        validated(LoginBody, fields)
    except InvalidRequest:
        return False
    return True


@given(st.binary(max_size=200), st.integers(0, 3), st.booleans())
def test_base64_is_accepted_where_the_document_promises_it(data: bytes, cut: int, spaces: bool) -> None:
    text = b64encode(data).decode()
    text = text[: len(text) - cut]
    for name in ("encryptedData", "iv"):
        fields = {"code": "x", name: text.replace("+", " ") if spaces else text}
        assert is_documented(fields) == is_accepted(fields)


@pytest.mark.parametrize("end", ["", "=", "==", "===", "-", "é", "\n"])
def test_every_length_of_base64_is_as_the_document_says(end: str) -> None:
    for length in (*range(200), 8150, 8171, 8191, 8192, 8193):
        for name in ("encryptedData", "iv"):
            fields = {"code": "x", name: "A" * length + end}
            # Needless `=` after whole groups of four are dropped without a promise.
            if is_documented(fields) or not (end.startswith("=") and length % 4 == 0):
                assert is_documented(fields) == is_accepted(fields)


def test_one_percent_encoding_too_many_is_a_kindness_beyond_the_document() -> None:
    fields = {"code": "x", "iv": quote(b64encode(b"\xfb" * 16).decode(), safe="")}
    assert (is_documented(fields), is_accepted(fields)) == (False, True)


def test_a_null_grant_type_is_accepted_as_documented(document: dict[str, Any]) -> None:
    fields = {"code": "x", "grant_type": None, "iv": None}
    assert jsonschema_rs.is_valid(document["components"]["schemas"]["TokenBody"], fields)
    assert validated(TokenBody, fields).grant_type == WXAPP_GRANT
    assert not jsonschema_rs.is_valid(document["components"]["schemas"]["TokenBodyForm"], fields)


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.lists(st.integers(), max_size=2)
)
NAMES = ("code", "encryptedData", "iv", "rawData", "signature", "appid", "more")


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_is_sent_is_documented_as_it_is_accepted(fields: dict[str, Any]) -> None:
    assert is_documented(fields) == is_accepted(fields)
