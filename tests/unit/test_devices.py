"""What a user agent says of a device. The examples are of the forms that WeChat's clients send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.care.devices import device_name

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = (
    "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065"
)
DESKTOP = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"
EXAMPLES = [
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {WEBKIT} Mobile/15E148 "
        "MicroMessenger/8.0.50(0x1800323d) NetType/WIFI Language/zh_CN",
        "iPhone · WeChat 8.0.50 · iOS 17",
    ),
    (
        f"Mozilla/5.0 (iPad; CPU OS 16_7_8 like Mac OS X) {WEBKIT} Mobile/15E148 MicroMessenger/8.0.49(0x18003137)",
        "iPad · WeChat 8.0.49 · iPadOS 16.7.8",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 13; 2211133C Build/TKQ1.220905.001; wv) {CHROME} MMWEBID/2585 "
        "MicroMessenger/8.0.47.2560(0x28002F35) WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64 "
        "MiniProgramEnv/android",
        "2211133C · WeChat 8.0.47 · Android 13",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 8.1.0; zh-cn; PACM00 Build/O11019) {CHROME} MicroMessenger/7.0.20",
        "PACM00 · WeChat 7.0.20 · Android 8.1.0",
    ),
    (
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 "
        "ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.35 NetType/WIFI MiniProgramEnv/ohos",
        "Phone · WeChat 8.0.35 · HarmonyOS 5.0",
    ),
    (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {DESKTOP} MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI "
        "MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13) XWEB/9129",
        "WeChat 7.0.20 · Windows",
    ),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {DESKTOP} MicroMessenger/6.8.0(0x16080000) NetType/WIFI "
        "MiniProgramEnv/Mac MacWechat/WMPF MacWechat/3.8.7(0x13080710) XWEB/1191",
        "WeChat 6.8.0 · macOS",
    ),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) {WEBKIT} Version/15.0 Mobile/15E148 Safari/604.1 "
        "wechatdevtools/1.06.2402040 MicroMessenger/8.0.5 Language/zh_CN webview/",
        "iPhone · WeChat DevTools 1.06.2402040 · iOS 15",
    ),
    (f"Mozilla/5.0 (X11; Linux x86_64) {DESKTOP}", "Linux"),
    ("Python/3.11 aiohttp/3.14.1", ""),
    ("", ""),
]


@pytest.mark.parametrize(("user_agent", "words"), EXAMPLES)
def test_what_a_client_says_is_told_in_a_few_words(user_agent, words):
    assert device_name(user_agent).text == words


@given(st.text(max_size=256))
def test_any_text_is_read_and_little_is_made_of_it(text):
    assert len(device_name(text).text) < 200


@given(st.text(alphabet="(iPhone; OSlkeMacX_0123456789Android/MicroMessenger ", max_size=256))
def test_text_that_looks_like_one_is_read_as_well(text):
    assert len(device_name(text).text) < 200
