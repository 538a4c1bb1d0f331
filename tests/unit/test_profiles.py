"""passport.profiles: what of a payload is worth keeping."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.profiles import profile_from_payload
from sandbox.payloads import ANONYMOUS, GREY_AVATAR
from tests.vectors import OFFICIAL

AVATAR = "https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132"


def test_the_official_payload_gives_a_whole_profile() -> None:
    profile = profile_from_payload(OFFICIAL["expected"])
    avatar_url = profile.pop("avatar_url")
    assert profile == {
        "nickname": "Band",
        "gender": 1,
        "language": "zh_CN",
        "city": "Guangzhou",
        "province": "Guangdong",
        "country": "CN",
    }
    assert avatar_url == OFFICIAL["expected"]["avatarUrl"].replace("http://", "https://")


def test_todays_anonymous_payload_gives_nothing() -> None:
    assert profile_from_payload(ANONYMOUS) == {}


def test_openid_unionid_watermark_and_unknown_members_are_no_profile() -> None:
    payload = {"openId": "o", "unionId": "u", "watermark": {}, "isDemote": True, "$set": 1, "nickname": "x"}
    assert profile_from_payload(payload) == {}


@pytest.mark.parametrize("nickname", ["微信用户2", " 微信用户", "小美🌸", "<b>", "$set", "a.b", "x" * 64])
def test_any_other_nickname_is_kept_as_it_is(nickname: str) -> None:
    assert profile_from_payload({"nickName": nickname}) == {"nickname": nickname}


@pytest.mark.parametrize("nickname", ["", " ", "\t\n", "x" * 65, "a\0b", None, 5, True, ["a"], {"$ne": 1}])
def test_a_nickname_that_is_no_name_is_left_out(nickname: Any) -> None:
    assert profile_from_payload({"nickName": nickname}) == {}


@pytest.mark.parametrize("gender", [0, 3, -1, "1", 1.5, True, None, [1]])
def test_only_genders_1_and_2_are_kept(gender: Any) -> None:
    assert profile_from_payload({"gender": gender}) == {}
    assert profile_from_payload({"gender": 2}) == {"gender": 2}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (AVATAR, AVATAR),
        ("https://wx.qlogo.cn/mmopen/a/0", "https://wx.qlogo.cn/mmopen/a/0"),
        ("http://wx.qlogo.cn/mmopen/a/0", "https://wx.qlogo.cn/mmopen/a/0"),
        ("http://thirdwx.qlogo.cn/a?b=c", "https://thirdwx.qlogo.cn/a?b=c"),
    ],
)
def test_avatars_of_wechats_hosts_are_kept_as_https(url: str, kept: str) -> None:
    assert profile_from_payload({"avatarUrl": url}) == {"avatar_url": kept}


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        7,
        GREY_AVATAR,
        GREY_AVATAR.replace("/132", "/0"),
        GREY_AVATAR.replace("https:", "http:"),
        "//wx.qlogo.cn/a",
        "wx.qlogo.cn/a",
        "ftp://wx.qlogo.cn/a",
        "data:image/png;base64,AAAA",
        "wxfile://tmp_a.png",
        "http://tmp/a.png",
        "https://wx.qlogo.cn:8443/a",
        "https://user@wx.qlogo.cn/a",
        "https://wx.qlogo.cn.evil.example/a",
        "https://evil.example/?wx.qlogo.cn",
        "https://evil.example\\@wx.qlogo.cn/a",
        "https://wx.qlogo.cn/\r\nX: y",
        "https://wx.qlogo.cn/你",
        "https://[wx.qlogo.cn/a",
        f"{AVATAR}/{'a' * 512}",
    ],
)
def test_any_other_avatar_is_left_out(url: Any) -> None:
    assert profile_from_payload({"avatarUrl": url}) == {}


@given(
    st.dictionaries(st.sampled_from([*ANONYMOUS, "x"]), st.none() | st.booleans() | st.integers() | st.text())
)
def test_whatever_the_payload_the_profile_holds_known_names_and_plain_values(payload: dict[str, Any]) -> None:
    profile = profile_from_payload(payload)
    assert profile.keys() <= {"nickname", "avatar_url", "gender", "city", "province", "country", "language"}
    assert all(type(value) in (str, int) for value in profile.values())
