"""What a user agent says of a device, in a few words: `iPhone · WeChat 8.0.50 · iOS 17.0`. Pure rules.

Only what WeChat's clients are known to write is read; of anything else no guess is made. A user agent is what the
client says of itself, and proves nothing. Examples of each are in the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WECHAT = re.compile(r"\bMicroMessenger/(\d{1,3}(?:\.\d{1,4}){0,2})")
_DEVTOOLS = re.compile(r"\bwechatdevtools/(\d{1,3}(?:\.\d{1,7}){0,2})")
_APPLE = re.compile(r"\((iPhone|iPad|iPod)[^)]{0,80}?\bOS (\d{1,3}(?:_\d{1,3}){0,2}) like Mac OS X")
_ANDROID = re.compile(
    r"\bAndroid (\d{1,3}(?:\.\d{1,3}){0,2})(?:; (?:[a-z]{2}[-_][A-Za-z]{2}; )?([^;)]{1,60}))?"
)
_HARMONY = re.compile(r"\((Phone|Tablet|PC)?[^)]{0,40}?\bOpenHarmony (\d{1,3}(?:\.\d{1,3}){0,2})")
_BUILD = re.compile(r" Build/.*| MIUI/.*")
# Words that stand where a model would, and are none.
_NO_MODEL = re.compile(r"(?i)wv|U|K|[a-z]{2}[-_][a-z]{2}|rv:.*")
_SYSTEMS = (
    ("Windows NT", "Windows"),
    ("MiniProgramEnv/Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("MiniProgramEnv/Mac", "macOS"),
    ("X11; Linux", "Linux"),
)


@dataclass(frozen=True)
class DeviceName:
    """A device in words; None for what the user agent does not say.

    Args:
        model: the device, as its maker calls it.
        client: WeChat, or its developer tools, with the version.
        system: what it runs on.
    """

    model: str | None
    client: str | None
    system: str | None

    @property
    def text(self) -> str:
        """All of it on one line; empty when nothing was recognised."""
        return " · ".join(each for each in (self.model, self.client, self.system) if each)


def device_name(user_agent: str) -> DeviceName:
    """What the user agent says. Never raises."""
    model, system = _model_and_system(user_agent)
    return DeviceName(model, _client(user_agent), system)


def _client(user_agent: str) -> str | None:
    # The developer tools call themselves WeChat, too.
    if tools := _DEVTOOLS.search(user_agent):
        return f"WeChat DevTools {tools[1]}"
    wechat = _WECHAT.search(user_agent)
    return f"WeChat {wechat[1]}" if wechat else None


def _model_and_system(user_agent: str) -> tuple[str | None, str | None]:
    if apple := _APPLE.search(user_agent):
        system = "iPadOS" if apple[1] == "iPad" else "iOS"
        return apple[1], f"{system} {_short(apple[2].replace('_', '.'))}"
    if harmony := _HARMONY.search(user_agent):
        return harmony[1], f"HarmonyOS {harmony[2]}"
    if android := _ANDROID.search(user_agent):
        return _android_model(android[2]), f"Android {_short(android[1])}"
    return None, next((name for mark, name in _SYSTEMS if mark in user_agent), None)


def _android_model(text: str | None) -> str | None:
    model = _BUILD.sub("", text or "").strip()
    return None if not model or _NO_MODEL.fullmatch(model) else model


def _short(version: str) -> str:
    """`17.0` is called 17, and 17.0.3 is not."""
    return version.removesuffix(".0") if version.count(".") == 1 else version
