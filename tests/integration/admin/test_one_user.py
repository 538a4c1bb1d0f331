"""The page of one user, and every act on them: done once, recorded, and held to by every process."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pymongo
import pytest

from passport.services import Services
from tests.client import API, bearer
from tests.conftest import Clock
from tests.integration.admin.dashboard import Dashboard, Fields, Page
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]
NUMBER = "+8613800138000"


class Mei:
    """Mei, signed in, and her page in the dashboard."""

    def __init__(self, tokens: dict[str, Any]) -> None:
        self.tokens, self.user_id = tokens, str(tokens["account_id"])
        self.url = f"/admin/users/{self.user_id}"

    async def act(self, who: Dashboard, part: str, fields: Fields | None = None) -> Page:
        """Load the page that has the form, fill it in, send it."""
        origin = await who.get(self.url + (part if part in ("/ban", "/erase") else ""))
        assert origin.status == 200
        action = None if part in ("/ban", "/erase") else self.url + part
        (expected, *_) = [
            form["fields"] for form in origin.forms if (form["action"] or "").split("#")[0] == (action or "")
        ]
        kept = {name: value for name, value in expected.items() if name == "expected"}
        return await who.submit(self.url + part, {**kept, **(fields or {})})


@pytest.fixture
def mei(io_loop: Any, api: API) -> Mei:
    """A user who is signed in."""
    return Mei(io_loop.run_sync(lambda: api.sign_in("mei")))


def acts(database: Database) -> list[str]:
    """What the audit log has, in order."""
    return [each["kind"] for each in database.audit_events.find(sort=[("_id", 1)])]


def last_act(database: Database) -> dict[str, Any]:
    """The last entry of the audit log."""
    found: dict[str, Any] = database.audit_events.find_one(sort=[("_id", -1)])
    return found


def user_of(database: Database, mei: Mei) -> dict[str, Any]:
    return next(each for each in database.users.find() if str(each["_id"]) == mei.user_id)


def with_phone(database: Database) -> None:
    number = {"number": NUMBER, "country_code": "86", "pure_number": NUMBER[3:]}
    appid, at = database.users.find_one()["identities"][0]["appid"], database.users.find_one()["created_at"]
    phone = {**number, "appid": appid, "bound_at": at, "code_digest": b"x"}
    database.users.update_many({}, {"$set": {"phone": phone}})


# What is shown, and to whom


async def test_a_user_is_shown_masked_to_everybody(
    api: API, database: Database, mei: Mei, vera: Dashboard, ada: Dashboard
) -> None:
    with_phone(database)
    people = api.stand_in.people
    for who in (vera, ada):
        page = await who.get(mei.url)
        assert page.status == 200
        assert "小美" in page.text
        assert mei.user_id in page.text
        for secret in (people.openid("mei"), people.unionid("mei"), NUMBER, NUMBER[3:]):
            assert secret not in page.html
        assert f"{people.openid('mei')[:4]}…{people.openid('mei')[-4:]}" in page.text


async def test_a_viewer_is_offered_no_act_and_may_do_none(
    database: Database, mei: Mei, vera: Dashboard
) -> None:
    page = await vera.get(mei.url)
    assert [form["action"] for form in page.forms if mei.user_id in (form["action"] or "")] == []
    before = user_of(database, mei)
    for part in ("ban", "unban", "undo", "note", "tags", "reveal", "remove", "export", "erase"):
        assert (await vera.submit(f"{mei.url}/{part}", {"reason": "x", "field": "unionid"})).status == 403
    assert (await vera.get(f"{mei.url}/ban")).status == 403
    assert (user_of(database, mei), acts(database)) == (before, [])


@pytest.mark.parametrize("part", ["", "/ban", "/erase"])
async def test_an_id_of_nobody_is_not_found(lin: Dashboard, mei: Mei, part: str) -> None:
    page = await lin.get(f"/admin/users/{'0' * 24}{part}")
    assert (page.status, "page_not_found" in page.text) == (404, True)
    assert (await lin.submit(f"/admin/users/{'0' * 24}/note", {"note": "x"})).status == 404


async def test_what_wechat_and_what_the_user_said_are_told_apart(api: API, mei: Mei, lin: Dashboard) -> None:
    body = {"nickname": "阿美", "city": None}
    await api.put("/accounts/me", json=body, headers=bearer(mei.tokens["access_token"]))
    page = await lin.get(mei.url)
    assert "Nickname 小美🌸 阿美" in page.text
    assert "City – removed" in page.text


async def test_a_picture_is_shown_from_us_or_from_wechat_alone(
    database: Database, mei: Mei, lin: Dashboard
) -> None:
    for url, shown in (
        ("https://thirdwx.qlogo.cn/mmopen/x/132", True),
        ("https://evil.example/x", False),
        ("https://thirdwx.qlogo.cn@evil.example/x", False),
        ("http://thirdwx.qlogo.cn/x", False),
        ("javascript:alert(1)//thirdwx.qlogo.cn", False),
    ):
        database.users.update_one({}, {"$set": {"profile.avatar_url": url}})
        page = await lin.get(mei.url)
        assert (url in page.html, '<img class="avatar' in page.html) == (shown, shown)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a\u202eb"]
)
async def test_hostile_words_are_shown_and_do_nothing(
    database: Database, mei: Mei, lin: Dashboard, text: str
) -> None:
    profile = dict.fromkeys(("nickname", "city", "province", "country", "language"), text)
    ban = {
        "reason": text,
        "by": text,
        "at": user_of(database, mei)["created_at"],
        "until": None,
        "shown": True,
    }
    database.users.update_one(
        {}, {"$set": {"profile": profile, "entered": profile, "note": text, "tags": [text], "ban": ban}}
    )
    database.sessions.update_one({}, {"$set": {"user_agent": text, "ip": text, "ended_by": text}})
    for part in ("", "/ban", "/erase"):
        page = await lin.get(mei.url + part)
        assert page.status == 200
        assert text not in page.html.replace('name="note"', "") or text == "{{7*7}}" or "\u202e" in text
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html


# Reveal


async def test_a_revealed_value_is_on_that_answer_alone_and_recorded_without_it(
    api: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    with_phone(database)
    people = api.stand_in.people
    for field, value in (
        ("phone", NUMBER),
        ("unionid", people.unionid("mei")),
        ("openid.0", people.openid("mei")),
    ):
        page = await lin.submit(f"{mei.url}/reveal", {"field": field})
        assert (page.status, value in page.text) == (200, True)
        assert page.headers["Cache-Control"] == "no-store"
        entry = last_act(database)
        assert (entry["kind"], entry["after"]["field"]) == ("user.revealed", field)
        assert value not in repr(entry)
        assert value not in (await lin.get(mei.url)).html


@pytest.mark.parametrize("field", ["", "note", "openid.1", "openid.-1", "phone\n", "unionid "])
async def test_nothing_else_is_revealed(database: Database, mei: Mei, lin: Dashboard, field: str) -> None:
    page = await lin.submit(f"{mei.url}/reveal", {"field": field})
    assert (page.status, acts(database)) == (400, [])


# Ban, unban, undo


async def test_a_ban_holds_in_every_process_until_it_is_undone_and_the_user_signs_in_again(
    api: API, other_process: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    page = await mei.act(lin, "/ban", {"reason": "刷单", "lasting": "open"})
    assert (page.status, page.location) == (303, mei.url)
    page = await lin.follow(page)
    assert "is banned" in page.text
    assert "刷单" in page.text
    for process in (api, other_process):
        reply = await process.refresh(mei.tokens["refresh_token"])
        assert (reply.status, reply.error) == (403, "account_disabled")
        assert (await process.me(mei.tokens["access_token"])).error == "account_disabled"
        assert (await process.token(process.wx_login("mei"))).error == "account_disabled"

    page = await mei.act(lin, "/undo")
    assert "stay ended" in (await lin.follow(page)).text
    for process in (other_process, api):
        # What the ban ended stays ended; a new sign-in is what works again.
        assert (await process.refresh(mei.tokens["refresh_token"])).error == "invalid_grant"
        anew = await process.token(process.wx_login("mei"))
        assert anew.status == 200
        assert (await process.refresh(anew.json["refresh_token"])).status == 200
    assert acts(database) == ["user.banned", "user.undone"]
    assert last_act(database)["actor_name"] == "lin"


async def test_the_preview_says_what_a_ban_ends_and_changes_nothing(
    api: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    await api.sign_in("mei")
    page = await lin.get(f"{mei.url}/ban")
    assert "2 sessions end at once" in page.text
    assert "at most 60 more minutes" in page.text
    assert "ban" not in user_of(database, mei)
    assert (await api.me(mei.tokens["access_token"])).status == 200


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": "  "}, "Write something here."),
        ({"reason": "x" * 501}, "That is too long."),
        ({"reason": "x\x1by"}, "cannot be seen"),
        ({"reason": "spam", "lasting": "custom"}, "Give a date"),
        ({"reason": "spam", "lasting": "custom", "until": "2001-01-01T00:00"}, "has passed"),
    ],
)
async def test_a_ban_that_is_filled_in_wrong_comes_back_with_what_was_typed(
    api: API, database: Database, mei: Mei, lin: Dashboard, fields: dict[str, str], told: str
) -> None:
    page = await mei.act(lin, "/ban", {"shown": "1", **fields})
    assert (page.status, told in page.text) == (400, True)
    assert 'aria-invalid="true"' in page.html
    assert fields["reason"].strip().replace("\x1b", "") in page.html.replace("\x1b", "")
    assert 'name="shown" value="1" checked' in page.html
    assert (acts(database), "ban" in user_of(database, mei)) == ([], False)


async def test_a_ban_for_a_time_ends_by_itself_and_tells_the_user_if_it_is_to(
    api: API, database: Database, mei: Mei, lin: Dashboard, clock: Clock
) -> None:
    await mei.act(lin, "/ban", {"reason": "刷单", "lasting": "7", "shown": "1"})
    reply = await api.token(api.wx_login("mei"))
    assert (reply.error, reply.json["reason"]) == ("account_disabled", "刷单")
    clock.advance(days=7, minutes=1)
    assert (await api.token(api.wx_login("mei"))).status == 200


async def test_a_custom_end_is_by_the_dashboards_clock(
    database: Database, mei: Mei, lin: Dashboard, clock: Clock
) -> None:
    day = (clock() + timedelta(days=3)).strftime("%Y-%m-%d")
    await mei.act(lin, "/ban", {"reason": "spam", "lasting": "custom", "until": f"{day}T08:00"})
    assert user_of(database, mei)["ban"]["until"].strftime("%Y-%m-%dT%H:%M") == f"{day}T00:00"


async def test_the_second_of_two_operators_sees_what_the_first_did(
    database: Database, mei: Mei, lin: Dashboard, ada: Dashboard
) -> None:
    stale = next(
        f["fields"]["expected"] for f in (await ada.get(f"{mei.url}/ban")).forms if "expected" in f["fields"]
    )
    await mei.act(lin, "/ban", {"reason": "spam"})
    page = await ada.submit(f"{mei.url}/ban", {"reason": "fraud", "expected": stale})
    assert (page.status, "lin has banned this user meanwhile" in page.text) == (409, True)
    assert "fraud" in page.html
    assert user_of(database, mei)["ban"]["reason"] == "spam"
    assert acts(database) == ["user.banned"]


async def test_a_ban_is_lifted_once(api: API, database: Database, mei: Mei, lin: Dashboard) -> None:
    await mei.act(lin, "/ban", {"reason": "spam"})
    stale = next(f["fields"] for f in (await lin.get(mei.url)).forms if f["action"] == f"{mei.url}/unban")
    page = await mei.act(lin, "/unban")
    assert (page.status, "ban" in user_of(database, mei)) == (303, False)
    assert (await api.token(api.wx_login("mei"))).status == 200
    page = await lin.submit(f"{mei.url}/unban", {"expected": stale["expected"]})
    assert (page.status, "Nothing was changed" in page.text) == (409, True)


async def test_an_undo_that_was_offered_before_something_else_was_done_undoes_nothing(
    database: Database, mei: Mei, lin: Dashboard, ada: Dashboard
) -> None:
    await mei.act(lin, "/note", {"note": "one"})
    stale = next(f["fields"] for f in (await lin.get(mei.url)).forms if f["action"] == f"{mei.url}/undo")
    await mei.act(ada, "/tags", {"more": "vip"})
    page = await lin.submit(f"{mei.url}/undo", {"expected": stale["expected"]})
    assert page.status == 409
    assert (user_of(database, mei)["note"], user_of(database, mei)["tags"]) == ("one", ["vip"])


# Note and tags


async def test_a_note_and_tags_are_kept_shown_and_undone(
    database: Database, mei: Mei, lin: Dashboard, vera: Dashboard
) -> None:
    await mei.act(lin, "/note", {"note": "First line\r\nsecond <b>"})
    await mei.act(lin, "/tags", {"more": "VIP， 退款"})
    page = await mei.act(lin, "/tags", {"tag": ["vip"], "more": "新"})
    assert page.location == f"{mei.url}#words"
    user = user_of(database, mei)
    assert (user["note"], user["tags"]) == ("First line\nsecond <b>", ["vip", "新"])
    page = await vera.get(mei.url)
    assert "second <b>" in page.text
    assert "vip" in page.text
    await mei.act(lin, "/undo")
    assert user_of(database, mei)["tags"] == ["vip", "退款"]
    assert "First line" not in repr(list(database.audit_events.find()))


@pytest.mark.parametrize(
    ("part", "name", "text"), [("/note", "note", "x" * 2_001), ("/tags", "more", "t" * 33)]
)
async def test_words_that_are_too_long_come_back_with_what_was_typed(
    database: Database, mei: Mei, lin: Dashboard, part: str, name: str, text: str
) -> None:
    page = await mei.act(lin, part, {name: text})
    assert (page.status, text in page.html, "That is too long." in page.text) == (400, True, True)
    assert acts(database) == []


async def test_a_note_that_a_colleague_changed_meanwhile_is_not_overwritten(
    database: Database, mei: Mei, lin: Dashboard, ada: Dashboard
) -> None:
    stale = next(f["fields"] for f in (await ada.get(mei.url)).forms if f["action"] == f"{mei.url}/note")
    await mei.act(lin, "/note", {"note": "lin's"})
    page = await ada.submit(f"{mei.url}/note", {"expected": stale["expected"], "note": "ada's"})
    assert (page.status, "ada&#39;s" in page.html) == (409, True)
    assert user_of(database, mei)["note"] == "lin's"


# Sessions


async def test_one_session_is_ended_in_every_process_and_the_others_live(
    api: API, other_process: API, services: Services, mei: Mei, lin: Dashboard
) -> None:
    other = await api.sign_in("mei")
    session_id = services.tokens.verify(mei.tokens["access_token"]).session_id
    page = await lin.submit(f"{mei.url}/end-session", {"session": session_id})
    assert page.status == 303
    for process in (other_process, api):
        assert (await process.me(mei.tokens["access_token"])).error == "invalid_token"
        assert (await process.refresh(mei.tokens["refresh_token"])).error == "invalid_grant"
        assert (await process.me(other["access_token"])).status == 200
    assert "by an operator" in (await lin.get(mei.url)).text


async def test_a_session_of_somebody_else_is_not_ended_from_this_page(
    api: API, services: Services, mei: Mei, lin: Dashboard
) -> None:
    bo = await api.sign_in("bo")
    session_id = services.tokens.verify(bo["access_token"]).session_id
    page = await lin.submit(f"{mei.url}/end-session", {"session": session_id})
    assert "was over already" in (await lin.follow(page)).text
    assert (await api.me(bo["access_token"])).status == 200


async def test_all_sessions_are_ended_in_every_process(
    api: API, other_process: API, mei: Mei, lin: Dashboard
) -> None:
    other = await api.sign_in("mei")
    await lin.submit(f"{mei.url}/end-sessions")
    for tokens in (mei.tokens, other):
        assert (await other_process.me(tokens["access_token"])).error == "invalid_token"
        assert (await other_process.refresh(tokens["refresh_token"])).error == "invalid_grant"
    assert (await api.token(api.wx_login("mei"))).status == 200


# Personal data


async def test_an_export_is_a_file_without_what_operators_wrote(
    database: Database, mei: Mei, lin: Dashboard
) -> None:
    await mei.act(lin, "/note", {"note": "between us"})
    page = await lin.submit(f"{mei.url}/export")
    assert page.status == 200
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"
    assert page.headers["Content-Disposition"] == f'attachment; filename="{mei.user_id}.json"'
    exported = json.loads(page.html)
    assert exported["account"]["account_id"] == mei.user_id
    assert "between us" not in page.html
    assert acts(database)[-1] == "user.exported"


async def test_a_nickname_and_a_picture_are_removed_and_do_not_come_back(
    api: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    await lin.submit(f"{mei.url}/remove", {"what": "nickname"})
    page = await lin.follow(await lin.submit(f"{mei.url}/remove", {"what": "picture"}))
    assert "小美" not in page.text
    assert (await api.token(api.wx_login("mei"))).status == 200
    user = user_of(database, mei)
    assert (user["entered"], "nickname" in user["profile"]) == ({"nickname": None, "avatar_url": None}, False)
    assert "小美" not in repr(list(database.audit_events.find()))


async def test_erasing_takes_the_person_and_keeps_that_there_was_an_account(
    api: API, other_process: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    page = await lin.submit(f"{mei.url}/erase", {"confirmation": "小美"})
    assert (page.status, database.users.count_documents({}), acts(database)) == (400, 1, [])
    page = await lin.submit(f"{mei.url}/erase", {"confirmation": "小美🌸"})
    assert (page.status, database.users.count_documents({})) == (303, 0)
    assert database.closed_accounts.find_one()["closed_by"] == "operator"
    for process in (other_process, api):
        assert (await process.me(mei.tokens["access_token"])).error == "invalid_token"
        assert (await process.refresh(mei.tokens["refresh_token"])).error == "invalid_grant"
    page = await lin.follow(page)
    assert (page.status, "Closed account" in page.text, "erased the account" in page.text) == (
        200,
        True,
        True,
    )
    assert "小美" not in page.text
    assert (await lin.submit(f"{mei.url}/note", {"note": "x"})).status == 404


async def test_erasing_needs_a_fresh_proof_of_who_acts(
    database: Database, mei: Mei, lin: Dashboard, clock: Clock
) -> None:
    clock.advance(minutes=6)
    assert "Prove it is you" in (await lin.get(f"{mei.url}/erase")).text
    page = await lin.submit(f"{mei.url}/erase", {"confirmation": "小美🌸"})
    assert (page.status, page.location.startswith("/admin/reauth?next=")) == (303, True)
    assert (database.users.count_documents({}), acts(database)) == (1, [])


# History


async def test_the_history_is_one_line_of_sign_ins_refusals_and_acts(
    api: API, services: Services, mei: Mei, lin: Dashboard, clock: Clock
) -> None:
    clock.advance(minutes=1)
    await mei.act(lin, "/ban", {"reason": "刷单"})
    clock.advance(minutes=1)
    await api.token(api.wx_login("mei"))
    await services.refusals.flush()
    text = (await lin.get(mei.url)).text
    line = text[text.index("History") :]
    places = [
        line.index(each) for each in ("account_disabled", "banned this user", "Signed in", "Registered")
    ]
    assert places == sorted(places)
    assert "刷单" in line


async def test_the_history_goes_on_page_by_page(api: API, mei: Mei, lin: Dashboard, clock: Clock) -> None:
    for _ in range(21):
        clock.advance(minutes=1)
        assert (await api.token(api.wx_login("mei"))).status == 200
    page = await lin.get(mei.url)
    (older,) = [link for link in page.links if "before=" in link]
    page = await lin.get(older.partition("#")[0])
    assert "Registered" in page.text[page.text.index("History") :]
    assert [link for link in page.links if "before=" in link] == []


# Accounts that may be one person


async def test_two_accounts_are_compared_and_settled_and_shown_again(
    api: API, database: Database, mei: Mei, lin: Dashboard, vera: Dashboard
) -> None:
    bo = await api.sign_in("bo")
    with_phone(database)
    url = f"{mei.url}/compare/{bo['account_id']}"
    assert "may be the same person" in (await lin.get(mei.url)).text
    page = await vera.get(url)
    assert (page.status, NUMBER in page.html) == (200, False)
    assert "not merged here" in page.text
    await lin.submit(url, {"act": "settle"})
    for user_id in (mei.user_id, bo["account_id"]):
        page = await lin.get(f"/admin/users/{user_id}")
        assert "may be the same person" not in page.text
        assert "settled by lin" in page.text
    await lin.submit(url, {"act": "reopen"})
    assert "may be the same person" in (await lin.get(mei.url)).text
    assert acts(database) == ["user.pair_settled", "user.pair_reopened"]


async def test_two_people_without_any_doubt_are_not_compared(api: API, mei: Mei, lin: Dashboard) -> None:
    bo = await api.sign_in("bo")
    assert (await lin.get(f"{mei.url}/compare/{bo['account_id']}")).status == 404
    assert (await lin.submit(f"{mei.url}/compare/{bo['account_id']}", {"act": "settle"})).status == 404


async def test_the_new_unionid_of_a_moved_app_is_taken_or_kept_out(
    api: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    database.users.update_one({}, {"$set": {"unionid": "of-the-former-account"}})
    await api.token(api.wx_login("mei"))
    page = await lin.get(mei.url)
    assert "another unionid" in page.text
    assert api.stand_in.people.unionid("mei") not in page.html
    (form,) = [form["fields"] for form in page.forms if form["action"] == f"{mei.url}/unionid"]
    await lin.submit(f"{mei.url}/unionid", {"conflict": form["conflict"], "act": "take"})
    assert user_of(database, mei)["unionid"] == api.stand_in.people.unionid("mei")
    assert "another unionid" not in (await lin.get(mei.url)).text
    assert (
        await lin.submit(f"{mei.url}/unionid", {"conflict": form["conflict"], "act": "take"})
    ).status == 404


# What MongoDB is asked


async def test_no_query_of_these_pages_walks_a_collection(
    api: API, database: Database, mei: Mei, lin: Dashboard
) -> None:
    bo = await api.sign_in("bo")
    with_phone(database)
    with profiling(database):
        await mei.act(lin, "/tags", {"more": "vip"})
        await mei.act(lin, "/note", {"note": "x"})
        await lin.submit(f"{mei.url}/compare/{bo['account_id']}", {"act": "settle"})
        await mei.act(lin, "/ban", {"reason": "spam"})
        await mei.act(lin, "/undo")
        await lin.submit(f"{mei.url}/end-sessions")
        await lin.submit(f"{mei.url}/erase", {"confirmation": "小美🌸"})
        assert (await lin.get(mei.url)).status == 200
        # Whether there is any user at all, which the overview asks, takes one document.
        walks = [each for each in asked(database) if each.get("docsExamined", 0) > 1]
        walked = {each["ns"] for each in walks if "COLLSCAN" in str(each.get("planSummary"))}
    # A handful of documents, read whole.
    assert walked <= {f"{database.name}.signing_keys", f"{database.name}.operators"}


# When MongoDB does not answer


async def test_an_act_that_cannot_be_recorded_is_not_done(
    database: Database, mei: Mei, lin: Dashboard, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from passport.errors import StoreUnavailable

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(services.admin.audit, "record", fail)
    page = await mei.act(lin, "/ban", {"reason": "spam"})
    assert (page.status, "ban" in user_of(database, mei)) == (503, False)
