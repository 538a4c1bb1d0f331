"""The token endpoint row by row (R-043, RFC 6749 sections 3.2, 5.1 and 5.2): what is sent, and the one right answer.

The standard grants answer with 400 and registered codes alone. Our own grant keeps its contract, 403
and codes of ours; so does a body that cannot be read at all, since nobody knows which grant it would have been.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.client import API
from tests.conftest import APPID
from tests.security.conftest import Tokens
from tests.security.hostile_bodies import FORM, JSON

# RFC 6749 section 5.2.
REGISTERED = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}
# 5.2: %x20-21 / %x23-5B / %x5D-7E.
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
WXAPP = "urn:wxpassport:oauth:grant-type:wxapp"
LONG = "x" * 8193
MALFORMED, GRANT, UNSUPPORTED = (
    (400, "invalid_request"),
    (400, "invalid_grant"),
    (400, "unsupported_grant_type"),
)
OURS, GOOD = (403, "invalid_request"), (200, None)
MEDIA_TYPE = (415, "unsupported_media_type")


@dataclass(frozen=True)
class Row:
    """One request: its name, its media type, its body with TOKEN for mei's refresh token, and the answer."""

    name: str
    media_type: str
    body: str
    expected: tuple[int, str | None]


def form_and_json(name: str, members: dict[str, str], expected: tuple[int, str | None]) -> list[Row]:
    """The same request in both media types."""
    pairs = "&".join(f"{key}={value}" for key, value in members.items())
    return [
        Row(f"{name}, form", FORM, pairs, expected),
        Row(f"{name}, JSON", JSON, json.dumps(members), expected),
    ]


R = "grant_type=refresh_token"
BOTH: list[Row] = [
    row
    for name, members, expected in (
        ("refresh", {"grant_type": "refresh_token", "refresh_token": "TOKEN"}, GOOD),
        (
            "refresh with a scope",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "scope": "x"},
            GOOD,
        ),
        (
            "refresh with its client_id",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "client_id": APPID},
            GOOD,
        ),
        (
            "refresh with another client_id",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "client_id": "x"},
            GRANT,
        ),
        (
            "refresh with an empty scope",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "scope": ""},
            GOOD,
        ),
        (
            "refresh with unknown members",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "foo": "x"},
            GOOD,
        ),
        (
            "refresh with a code beside",
            {"grant_type": "refresh_token", "refresh_token": "TOKEN", "code": "x"},
            GOOD,
        ),
        ("no refresh_token", {"grant_type": "refresh_token"}, MALFORMED),
        ("empty refresh_token", {"grant_type": "refresh_token", "refresh_token": ""}, MALFORMED),
        ("too long a refresh_token", {"grant_type": "refresh_token", "refresh_token": LONG}, MALFORMED),
        ("unknown refresh_token", {"grant_type": "refresh_token", "refresh_token": "x"}, GRANT),
        (
            "well-formed, never made",
            {"grant_type": "refresh_token", "refresh_token": "wpr_" + "A" * 86},
            GRANT,
        ),
        ("an access token", {"grant_type": "refresh_token", "refresh_token": "ACCESS"}, GRANT),
        ("a token by another name", {"grant_type": "refresh_token", "token": "TOKEN"}, MALFORMED),
        ("authorization_code", {"grant_type": "authorization_code", "code": "x"}, UNSUPPORTED),
        ("password", {"grant_type": "password", "username": "a", "password": "b"}, UNSUPPORTED),
        ("client_credentials", {"grant_type": "client_credentials"}, UNSUPPORTED),
        ("implicit", {"grant_type": "implicit"}, UNSUPPORTED),
        ("device_code", {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, UNSUPPORTED),
        ("token exchange", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}, UNSUPPORTED),
        (
            "jwt-bearer",
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"},
            UNSUPPORTED,
        ),
        ("empty grant_type, and no code", {"grant_type": "", "refresh_token": "TOKEN"}, OURS),
        ("grant_type in capitals", {"grant_type": "Refresh_Token", "refresh_token": "TOKEN"}, UNSUPPORTED),
        ("grant_type with a space", {"grant_type": "refresh_token ", "refresh_token": "TOKEN"}, UNSUPPORTED),
        ("our URN in capitals", {"grant_type": WXAPP.upper(), "code": "x"}, UNSUPPORTED),
        ("no grant_type, and no code", {"refresh_token": "TOKEN"}, OURS),
        ("our grant without a code", {"grant_type": WXAPP}, OURS),
    )
    for row in form_and_json(name, members, expected)
]
FORMS = [
    Row("grant_type twice", FORM, f"{R}&{R}&refresh_token=TOKEN", OURS),
    Row("grant_type twice, two of them", FORM, f"{R}&grant_type=password&refresh_token=TOKEN", OURS),
    Row("refresh_token twice", FORM, f"{R}&refresh_token=TOKEN&refresh_token=TOKEN", OURS),
    Row("an unknown one twice", FORM, f"{R}&refresh_token=TOKEN&a=1&a=2", OURS),
    Row("twice by another spelling", FORM, f"{R}&refresh_token=TOKEN&refresh%5Ftoken=x", OURS),
    Row("refresh_token twice, one empty", FORM, f"{R}&refresh_token=TOKEN&refresh_token=", OURS),
    Row("percent-encoded names", FORM, "grant%5Ftype=refresh%5Ftoken&refresh_token=TOKEN", GOOD),
    Row("a name alone", FORM, f"{R}&refresh_token", MALFORMED),
    Row("nothing", FORM, "", OURS),
]
G = '{"grant_type":"refresh_token"'
JSONS = [
    Row(
        "grant_type twice",
        JSON,
        G + ',"grant_type":"password","refresh_token":"TOKEN"}',
        OURS,
    ),
    Row(
        "refresh_token twice",
        JSON,
        G + ',"refresh_token":"x","refresh_token":"TOKEN"}',
        OURS,
    ),
    Row(
        "twice by an escape",
        JSON,
        G + ',"refresh_token":"x","refresh\\u005ftoken":"y"}',
        OURS,
    ),
    Row("refresh_token null", JSON, G + ',"refresh_token":null}', MALFORMED),
    Row("refresh_token a number", JSON, G + ',"refresh_token":1}', MALFORMED),
    Row("refresh_token a list", JSON, G + ',"refresh_token":["TOKEN"]}', MALFORMED),
    Row("grant_type null", JSON, '{"grant_type":null,"refresh_token":"TOKEN"}', OURS),
    Row("grant_type a number", JSON, '{"grant_type":1}', OURS),
    Row("grant_type a list", JSON, '{"grant_type":["refresh_token"],"refresh_token":"TOKEN"}', OURS),
    Row("scope null", JSON, G + ',"refresh_token":"TOKEN","scope":null}', GOOD),
    Row("no object", JSON, '["refresh_token"]', OURS),
    Row("no JSON", JSON, "grant_type=refresh_token", OURS),
]
MEDIA = [
    Row("plain text", "text/plain", f"{R}&refresh_token=TOKEN", MEDIA_TYPE),
    Row("a form by a charset of UTF-8", f"{FORM}; charset=UTF-8", f"{R}&refresh_token=TOKEN", GOOD),
    Row(
        "a form by another charset",
        f"{FORM}; charset=gbk",
        f"{R}&refresh_token=TOKEN",
        (415, "unsupported_media_type"),
    ),
    Row("a form that calls itself JSON", JSON, f"{R}&refresh_token=TOKEN", OURS),
    Row("JSON that calls itself a form", FORM, G + ',"refresh_token":"TOKEN"}', GOOD),
]
ROWS = [*BOTH, *FORMS, *JSONS, *MEDIA]


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(ROWS) >= 75


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} ({row.media_type})")
async def test_row(api: API, database: Any, tokens: Tokens, row: Row) -> None:
    before = list(database.sessions.find())
    body = row.body.replace("TOKEN", tokens["refresh_token"]).replace("ACCESS", tokens["access_token"])
    reply = await api.post("/oauth/token", data=body.encode(), headers={"Content-Type": row.media_type})

    assert (reply.status, reply.error) == row.expected
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    if row.expected == GOOD:
        # Section 5.1: Pragma is what HTTP/1.0 caches understand.
        assert reply.headers["Pragma"] == "no-cache"
        assert reply.json["token_type"] == "Bearer"
        assert type(reply.json["expires_in"]) is int
        return
    assert DESCRIPTION.fullmatch(reply.json["error_description"])
    assert reply.status != 400 or reply.error in REGISTERED
    # Whoever is refused has changed nothing; above all, a malformed refresh does not spend the token.
    assert list(database.sessions.find()) == before
    assert (await api.refresh(tokens["refresh_token"])).status == 200


@pytest.mark.parametrize("query", ["grant_type=refresh_token", "refresh_token=TOKEN", "grant_type=password"])
async def test_a_parameter_in_the_uri_is_no_parameter(api: API, tokens: Tokens, query: str) -> None:
    """Section 3.2: parameters come in the body; those of a URI end up in logs."""
    query = query.replace("TOKEN", tokens["refresh_token"])
    refused = await api.post(f"/oauth/token?{query}", data={})
    assert (refused.status, refused.error) == OURS
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await api.post(f"/oauth/token?{query}", data=body)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_token_endpoint_takes_post_alone(api: API, tokens: Tokens, method: str) -> None:
    body = f"{R}&refresh_token={tokens['refresh_token']}"
    reply = await api.request(
        method, f"/oauth/token?{body}", data=body.encode(), headers={"Content-Type": FORM}
    )
    assert (reply.status, reply.error, reply.headers["Allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.expects_log("WeChat refused the code")
async def test_wechats_own_words_are_in_no_description(api: API) -> None:
    for errcode in (40029, 40163, 45011, 40226, -1, 99999):
        api.stand_in.faults.set("errcode", errcode=errcode, errmsg='坏 "code" \\ , rid: 1-2-3', times=2)
        reply = await api.token(api.wx_login("mei"))
        assert reply.status >= 400
        assert DESCRIPTION.fullmatch(reply.json["error_description"])
        assert "rid" not in reply.json["error_description"]
