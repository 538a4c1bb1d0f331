"""`/admin/look-up`: the pasted text is explained on the page, and is in no address, no log and no document."""

from __future__ import annotations

from typing import Any

import pytest

from passport.explained import Explained, Finding, Found
from passport.pasted import Form
from passport.services import Services
from passport.views.look_up_words import sentence_of, understood_words
from passport.views.tongue import Tongue
from tests.client import API
from tests.integration.admin.dashboard import Dashboard, Page
from tests.security.forged_tokens import Forger

PATH = "/admin/look-up"


@pytest.fixture
def tokens(io_loop: Any, api: API) -> dict[str, Any]:
    """What mei's sign-in answered."""
    return dict(io_loop.run_sync(lambda: api.sign_in("mei")))


async def looked_up(operator: Dashboard, text: str) -> Page:
    page = await operator.submit(PATH, {"text": text})
    assert page.status == 200
    return page


async def test_the_field_is_there_before_anything_is_pasted(vera: Dashboard) -> None:
    page = await vera.get(PATH)
    assert (page.status, "Pasted text" in page.text) == (200, True)
    assert 'id="answer"' not in page.html


async def test_a_valid_token_is_called_valid_and_leads_to_its_user(
    vera: Dashboard, tokens: dict[str, Any]
) -> None:
    page = await looked_up(vera, tokens["access_token"])
    for words in ("This is an access token (JWT).", "Valid: it counts now.", "Issued at", "signing"):
        assert words in page.text
    assert f"/admin/users/{tokens['account_id']}" in page.links


async def test_a_banned_users_token_tells_who_and_when_in_chinese(
    services: Services, vera: Dashboard, tokens: dict[str, Any]
) -> None:
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    vera.language = "zh"
    page = await looked_up(vera, tokens["refresh_token"])
    for words in ("这是刷新令牌。", "账号已被 lin 封禁。", "会话已结束，原因：账号被封禁。"):
        assert words in page.text


@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
async def test_the_token_is_not_on_the_page_in_the_log_or_in_the_database(
    vera: Dashboard, tokens: dict[str, Any], token: str, log_records: list[Any], database: Any
) -> None:
    secret = tokens[token].rpartition(".")[2].removeprefix("wpr_")
    page = await looked_up(vera, tokens[token])
    assert secret not in page.html
    ours = [each for each in log_records if not each.name.startswith("pymongo")]
    assert [each for each in ours if secret in f"{each.__dict__!r}"] == []
    for name in database.list_collection_names():
        assert secret not in repr(list(database[name].find()))


async def test_a_request_id_shows_its_refusal_and_stays_in_the_field(
    api: API, services: Services, vera: Dashboard
) -> None:
    reply = await api.token({**api.wx_login("mei"), "code": "unknown"})
    await services.refusals.flush()
    page = await looked_up(vera, reply.json["request_id"])
    for words in ("The request was refused.", "WeChat did not accept the code", "Call wx.login again"):
        assert words in page.text
    assert reply.json["request_id"] in page.html
    assert [link for link in page.links if "/admin/refusals/" in link]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("40164", "IP allow-list"),
        ("99999", "This errcode is not in our table."),
        ("wx4f4bc4dec97d474b", "This mini-program is configured"),
        ("wx0000000000000000", "This mini-program is not configured"),
        ("13900000001", "This looks like a phone number."),
        ("小美", "no token and no id that we know"),
        ("0" * 16, "Nothing is recorded of it"),
        ("0" * 24, "Nothing is recorded of it"),
        ("wpr_x", "This server never made it"),
        ("a.b.c", "it cannot be read"),
        ("", "Nothing was pasted."),
    ],
)
async def test_anything_else_is_answered_in_words(vera: Dashboard, text: str, words: str) -> None:
    assert words in (await looked_up(vera, text)).text


async def test_a_forged_token_is_told_and_what_it_says_is_doubted_and_harmless(
    services: Services, vera: Dashboard, tokens: dict[str, Any]
) -> None:
    forger = Forger(services.keys, tokens["access_token"])
    head, _, signature = forger.says(iss="<script>alert(1)</script>\u202e").split(".")
    claims = forger.says(iss="<script>alert(1)</script>\u202e", sub="x").split(".")[1]
    page = await looked_up(vera, f"{head}.{claims}.{signature}")
    assert "The signature is wrong" in page.text
    assert "it is not to be believed" in page.text
    assert "<script>alert" not in page.html
    assert "\u202e" not in page.html


async def test_no_token_however_made_breaks_the_page(
    services: Services, vera: Dashboard, tokens: dict[str, Any]
) -> None:
    xsrf = await vera.xsrf()
    for name, token in Forger(services.keys, tokens["access_token"]).everything().items():
        if len(token) > 500_000:
            continue  # the server's wall is before the page
        data = {"_xsrf": xsrf, "text": token.encode("utf-8", "replace").decode()}
        page = await vera.request("POST", PATH, data=data)
        assert page.status in (200, 400, 413), name


async def test_a_token_in_the_address_is_not_looked_up(vera: Dashboard, tokens: dict[str, Any]) -> None:
    page = await vera.get(PATH, params={"text": tokens["access_token"]})
    assert 'id="answer"' not in page.html
    assert "access token (JWT)" not in page.text


async def test_a_text_that_is_too_long_is_refused(vera: Dashboard) -> None:
    assert (await vera.submit(PATH, {"text": "x" * 20_000})).status == 400


async def test_nobody_looks_up_without_signing_in(visitor: Dashboard, api: API) -> None:
    page = await visitor.request("POST", PATH, data={"text": "x"})
    assert page.status in (303, 403)


def test_every_finding_and_form_has_words() -> None:
    tongue = Tongue(lambda text: text, False, str)
    for finding in Finding:
        if finding is not Finding.ERRCODE:
            assert sentence_of(Found(finding), tongue)
    for form in Form:
        assert understood_words(Explained(form, (Found(Finding.NOT_FOUND),)), tongue)
