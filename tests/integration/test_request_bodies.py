"""What a body may look like: JSON and forms as mini-programs really send them, and what is refused and why."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from multidict import CIMultiDict

from tests.client import API, Credentials, Reply

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REGISTER = "/accounts/wxapp"


def with_a_plus(api: API) -> Credentials:
    """A payload whose encryptedData and iv both hold the `+` that forms lose."""
    for _ in range(200):
        fields = api.wx_login("mei")
        if "+" in fields["iv"] and "+" in fields["encryptedData"]:
            return fields
    raise AssertionError("two hundred payloads without a +")


async def send(api: API, body: str | bytes, headers: Any) -> Reply:
    """Register with this very body."""
    data = body.encode() if isinstance(body, str) else body
    return await api.post(REGISTER, data=data, headers=headers)


# What works


async def test_json_works(api: API) -> None:
    assert (await send(api, json.dumps(api.wx_login("mei")), JSON)).status == 201


async def test_json_with_parameters_of_its_media_type_works(api: API) -> None:
    for content_type in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        reply = await send(api, json.dumps(api.wx_login("mei")), {"Content-Type": content_type})
        assert reply.status in (200, 201)


async def test_a_form_works(api: API) -> None:
    assert (await send(api, urlencode(api.wx_login("mei")), FORM)).status == 201


async def test_a_form_signs_in_too(api: API) -> None:
    await api.registered("mei")
    assert (await api.post("/oauth/token", data=api.wx_login("mei"))).status == 200


async def test_a_form_that_lost_its_plus_signs_works(api: API) -> None:
    fields = with_a_plus(api)
    body = "&".join(f"{name}={quote(value, safe='+/=')}" for name, value in fields.items())
    assert "+" in body
    assert (await send(api, body, FORM)).status == 201


async def test_fields_that_are_percent_encoded_once_more_work(api: API) -> None:
    fields = with_a_plus(api)
    again = fields | {name: quote(fields[name], safe="") for name in ("iv", "encryptedData")}
    assert "%2B" in again["iv"]
    assert (await send(api, json.dumps(again), JSON)).status == 201
    assert (await send(api, urlencode(again), FORM)).status == 200


async def test_base64_without_its_equals_signs_works(api: API) -> None:
    fields = api.wx_login("mei")
    bare = fields | {name: fields[name].rstrip("=") for name in ("iv", "encryptedData")}
    assert bare["iv"] != fields["iv"]
    assert (await send(api, json.dumps(bare), JSON)).status == 201


async def test_json_that_curl_labels_as_a_form_works(api: API) -> None:
    assert (await send(api, f" \r\n{json.dumps(api.wx_login('mei'))}", FORM)).status == 201


@pytest.mark.parametrize("write", [json.dumps, urlencode])
async def test_a_body_without_a_content_type_works(api: API, write: Any) -> None:
    body = write(api.wx_login("mei")).encode()
    assert (await api.post(REGISTER, data=body, skip_auto_headers=["Content-Type"])).status == 201


async def test_unknown_members_are_ignored(api: API) -> None:
    extra = {
        "scope": "x",
        "userInfo": {"deep": [1]},
        "openId": "somebody",
        "$where": "1",
        "constructor": None,
    }
    reply = await api.register(api.wx_login("mei") | extra)
    assert reply.status == 201


async def test_null_counts_as_absent(api: API) -> None:
    fields = api.wx_login("mei")
    assert (await api.register({**fields, "rawData": None, "signature": None, "appid": None})).status == 201
    reply = await api.register({**fields, "iv": None})
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert "iv" in reply.json["error_description"]


# What does not


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"code": None}, "code is missing"),
        ({"code": ""}, "code is empty"),
        ({"code": 5}, "code must be a string"),
        ({"code": ["a"]}, "code must be a string"),
        ({"code": {"$ne": ""}}, "code must be a string"),
        ({"code": True}, "code must be a string"),
        ({"code": "x" * 129}, "code is longer than 128"),
        ({"code": "a\nb"}, "code is malformed"),
        ({"code": "码"}, "code is malformed"),
        ({"encryptedData": None}, "Missing: encryptedData"),
        ({"iv": None}, "Missing: iv"),
        ({"encryptedData": None, "iv": None}, "Missing: encryptedData, iv"),
        ({"encryptedData": ""}, "encryptedData is empty"),
        ({"encryptedData": 7}, "encryptedData must be a string"),
        ({"encryptedData": "A" * 8193}, "encryptedData is longer than 8192"),
        ({"encryptedData": "QUJD"}, "encryptedData is cut short"),
        ({"encryptedData": "-_" * 32}, "encryptedData is not base64"),
        ({"iv": ""}, "iv is empty"),
        ({"iv": "A" * 20}, "iv must be 16 bytes"),
        ({"iv": "A" * 9000}, "iv is longer than 8192"),
        ({"iv": "AAAAAAAAAAAAAAAAAAAA*A=="}, "iv is not base64"),
        ({"rawData": 5}, "rawData must be a string"),
        ({"rawData": "x" * 8193}, "rawData is longer than 8192"),
        ({"rawData": "\ud800"}, "rawData"),
        ({"signature": "xyz"}, "signature is malformed"),
        ({"appid": "x" * 65}, "appid is longer than 64"),
        ({"appid": "wx0000000000000001"}, "appid is not one of"),
    ],
)
async def test_a_field_at_fault_is_named_and_wechat_is_not_asked(
    api: API, change: dict[str, Any], named: str
) -> None:
    fields = {name: value for name, value in {**api.wx_login("mei"), **change}.items() if value is not None}
    for call in (api.register, api.token):
        reply = await call(fields)
        assert (reply.status, reply.error) == (403, "invalid_request")
        assert named in reply.json["error_description"]
    assert api.stand_in.calls.total == 0


async def test_every_field_at_fault_is_named_at_once(api: API) -> None:
    described = (await api.token({"encryptedData": "!", "iv": 5})).json["error_description"]
    assert all(name in described for name in ("code", "encryptedData", "iv"))


async def test_what_was_sent_is_not_repeated_in_the_refusal(api: API) -> None:
    secret = "do-not-repeat-me"
    reply = await api.token({"code": f"{secret}\n", "encryptedData": secret, "iv": secret})
    assert secret not in json.dumps(reply.json)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"code"',
        b'{"code": NaN}',
        b'{"code": "\xff"}',
        b'\xef\xbb\xbf{"code": "a"}',
        '{"code": "a"}'.encode("utf-16"),
        b'{"code": "a", "code": "b"}',
        b'{"a":' * 20 + b"1" + b"}" * 20,
        b"[" * 60_000,
        b'{"a":' + b"9" * 5000 + b"}",
        json.dumps({f"n{n}": n for n in range(65)}).encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_not_one_strict_json_object_is_refused(api: API, body: bytes) -> None:
    reply = await send(api, body, JSON)
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert reply.json["error_description"].startswith("The body ")
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize("body", [b"code=%ff", b"code=\xff", b"".join(b"n%d=1&" % n for n in range(65))])
async def test_what_is_not_a_form_in_utf8_is_refused(api: API, body: bytes) -> None:
    reply = await send(api, body, FORM)
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert reply.json["error_description"] == "The body is not a valid form in UTF-8."
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize("body", [b"", b"code", b"code[]=a", b"Code=a"])
async def test_a_form_without_our_fields_says_which_is_missing(api: API, body: bytes) -> None:
    reply = await send(api, body, FORM)
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert reply.json["error_description"].startswith("code is ")


@pytest.mark.parametrize("name", ["code", "iv", "scope"])
async def test_a_parameter_given_twice_is_refused_even_with_one_value(api: API, name: str) -> None:
    fields = {**api.wx_login("mei"), "scope": "x"}
    form = urlencode([*fields.items(), (name, fields[name])])
    text = json.dumps(fields)[:-1] + f", {json.dumps(name)}: {json.dumps(fields[name])}}}"
    for body, headers in ((form, FORM), (text, JSON)):
        reply = await send(api, body, headers)
        assert (reply.status, reply.error) == (403, "invalid_request")
        assert reply.json["error_description"].startswith("The body is not ")
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=gbk",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded; charset=latin-1",
        "application/json, text/plain",
        "json",
        ";",
    ],
)
async def test_another_media_type_or_charset_is_unsupported(api: API, content_type: str) -> None:
    reply = await send(api, json.dumps(api.wx_login("mei")), {"Content-Type": content_type})
    assert (reply.status, reply.error) == (415, "unsupported_media_type")
    assert api.stand_in.calls.total == 0


async def test_two_content_types_are_unsupported(api: API) -> None:
    headers = CIMultiDict([*JSON.items(), *FORM.items()])
    reply = await send(api, json.dumps(api.wx_login("mei")), headers)
    assert (reply.status, reply.error) == (415, "unsupported_media_type")


async def test_parameters_in_the_query_are_not_looked_at(api: API) -> None:
    reply = await api.post("/oauth/token", params=api.wx_login("mei"), json={})
    assert (reply.status, reply.error) == (403, "invalid_request")


async def test_a_truncated_payload_is_refused_for_what_it_is(api: API) -> None:
    fields = api.wx_login("mei")
    short = b64encode(b64decode(fields["encryptedData"])[:-5]).decode()
    reply = await api.register(fields | {"encryptedData": short})
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert "cut short" in reply.json["error_description"]
