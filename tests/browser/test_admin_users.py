"""The users list in a real browser: search while typing, keyboard alone, without JavaScript, on a narrow screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from playwright.async_api import Page, expect

from passport.directory.people import PAGE_SIZE
from passport.views.handles import handle_of
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.client import API
from tests.conftest import APPID
from tests.integration.admin.people import Database, id_of, person

pytestmark = pytest.mark.gen_test(timeout=200)

OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
UNIONID = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"
PHONE = {
    "number": "+8613800138000",
    "country_code": "86",
    "pure_number": "13800138000",
    "appid": APPID,
    "bound_at": datetime(2026, 11, 1, tzinfo=UTC),
    "code_digest": b"a code",
}


@pytest.fixture
def people(database: Database) -> Database:
    """More than a page of people, most of them without a name."""
    now = datetime.now(UTC)
    ban = {"reason": "spam", "by": "lin", "at": now, "until": None, "shown": False}
    database.users.insert_many([person(number) for number in range(10, 10 + PAGE_SIZE)])
    database.users.insert_many(
        [
            person(
                1001,
                "小明",
                identities=[{"appid": APPID, "openid": OPENID}],
                unionid=UNIONID,
                phone=PHONE,
                tags=["vip", "内测"],
                sign_ins=1234,
                last_seen_at=now - timedelta(minutes=3),
            ),
            person(1002, "Mei Li", status="banned", ban=ban),
            person(1003, "\u202egnp.开心每一天😀", tags=["watch"]),
        ]
    )
    return database


def names(page: Page):
    return page.locator("[data-row]")


async def test_whatever_is_at_hand_is_found_while_it_is_typed(
    admin_page: OpenAdmin, people: Database
) -> None:
    async with admin_page("/admin/users") as page:
        box = page.get_by_role("searchbox", name="Find anyone")
        await box.focus()
        for text, words in {
            "小": "Nicknames and handles",
            OPENID: "an openid or a unionid",
            UNIONID: "an openid or a unionid",
            id_of(1001): "an account id",
            "+86 138 0013 8000": "the phone number +8613800138000",
        }.items():
            await box.fill(text)
            await expect(names(page)).to_have_count(1)
            await expect(names(page)).to_contain_text("小明")
            await expect(page.get_by_role("status").first).to_contain_text(words)
            await expect(box).to_be_focused()
        assert page.url.endswith("?q=%2B86+138+0013+8000")
        await box.fill(handle_of(id_of(20), "en"))
        await expect(names(page)).to_contain_text(handle_of(id_of(20), "en"))
        await box.fill("0123456789abcdef")
        await expect(page.get_by_role("status").first).to_contain_text("the id of a request")
        await page.go_back()
        await expect(names(page)).to_contain_text(handle_of(id_of(20), "en"))


async def test_a_pasted_token_opens_its_user_and_is_in_no_address(admin_page: OpenAdmin, api: API) -> None:
    tokens = await api.sign_in("bo")
    async with admin_page("/admin/users") as page:
        visited: list[str] = []
        page.on("request", lambda request: visited.append(request.url))
        await page.get_by_role("searchbox").fill(tokens["access_token"])
        await page.wait_for_url(f"**/admin/users/{tokens['account_id']}")
        await expect(page.locator("#told")).to_contain_text("It was not verified")
        assert [url for url in visited if tokens["access_token"][:20] in url] == []


async def test_the_list_is_worked_through_by_keyboard_alone(admin_page: OpenAdmin, people: Database) -> None:
    async with admin_page("/admin/users") as page:
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        # No higher than what is in it.
        dialog, close = page.get_by_role("dialog"), page.get_by_role("button", name="Close")
        ends = [(box := await each.bounding_box()) and box["y"] + box["height"] for each in (dialog, close)]
        assert ends[0] - ends[1] < 40
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("jkx?/")
        assert await page.get_by_role("searchbox").input_value() == "jkx?/"
        await expect(page.locator("#people")).to_contain_text("Nobody is like this")
        await page.get_by_role("searchbox").fill("")
        await expect(names(page)).to_have_count(PAGE_SIZE)
        await page.get_by_role("searchbox").blur()
        for key in "jjjk":
            await page.keyboard.press(key)
        await expect(names(page).nth(1)).to_be_focused()
        await page.keyboard.press("x")
        await expect(page.get_by_role("checkbox", name="Pick Mei Li")).to_be_checked()
        await expect(page.locator("[data-picked]")).to_have_text("1")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/admin/users/{id_of(1001)}")


async def test_filters_apply_as_they_are_chosen_and_the_total_follows(
    admin_page: OpenAdmin, people: Database
) -> None:
    async with admin_page("/admin/users", complaint="400") as page:
        await page.get_by_text("Filters and order").click()
        await expect(page.get_by_role("link", name="Clear the search")).to_have_count(0)
        await page.get_by_label("Status", exact=True).first.select_option("banned")
        await expect(names(page)).to_have_count(1)
        assert page.url.endswith("?status=banned")
        await expect(page.get_by_role("link", name="Clear the search")).to_be_visible()
        await page.get_by_label("Registered from").fill("2026-11-02")
        await page.get_by_label("Registered until").fill("2026-11-01")
        await expect(page.get_by_text("This is before the first day.")).to_be_visible()
        await page.get_by_role("link", name="Clear the search").click()
        await page.get_by_text("Filters and order").click()
        await page.get_by_label("Status", exact=True).first.select_option("active")
        await expect(page.get_by_role("status").first).to_contain_text(f"{PAGE_SIZE + 2} users")
        await page.get_by_role("link", name="Next").click()
        await expect(names(page)).to_have_count(2)


async def test_without_javascript_all_of_it_works(admin_page: OpenAdmin, people: Database) -> None:
    async with admin_page("/admin/users", java_script_enabled=False) as page:
        await page.get_by_role("searchbox").fill("mei")
        await page.get_by_role("button", name="Search").click()
        await expect(names(page)).to_have_count(1)
        await page.get_by_role("link", name="Clear the search").click()
        await page.get_by_role("link", name="Sign-ins").click()
        await expect(names(page).first).to_contain_text("小明")
        await page.get_by_role("link", name="Last", exact=True).click()
        await expect(page.get_by_role("link", name="Previous")).to_be_visible()


@pytest.mark.parametrize(("language", "scheme", "width"), [("zh", "dark", 360), ("en", "light", 1280)])
async def test_the_list_fits_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, people: Database, language: str, scheme: str, width: int
) -> None:
    people.users.delete_many({"search_text": "", "_id": {"$gt": ObjectId(id_of(12))}})
    options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
    path = "/admin/users?status=active&columns=status.apps.registered.seen.sign_ins.tags.phone.openid"
    async with admin_page(path, **options) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await objections(page) == []
