"""What the mini-program declares in its 用户隐私保护指引: read off the files, so that it follows what they call.

An interface whose kind of data is not declared fails with errno 112. Which interface belongs to which kind: WeChat,
miniprogram/dev/framework/user-privacy/plugin-intro.html and …/user-privacy/PrivacyAuthorize.html. The console puts
the purpose into a sentence of its own, so it has no 为了 or 用于 (setPrivacySetting, `privacy_text`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from passport.kit.folder import Files
from passport.kit.words import Words


@dataclass(frozen=True)
class Declaration:
    """One kind of personal data.

    Args:
        kind: as the console names it.
        purpose: what to enter as the purpose.
        why: where it comes from.
        calls: what of it the files hold, as regular expressions; none: the server collects it whatever they hold.
    """

    kind: Words
    purpose: Words
    why: Words
    calls: tuple[str, ...] = ()


_DECLARATIONS = (
    Declaration(
        Words("微信昵称、头像", "微信昵称、头像 (nickname and avatar)"),
        Words(
            "在个人资料中显示你填写的昵称和选择的头像",
            "show the nickname and avatar you chose in your profile",
        ),
        Words("选择头像按钮、昵称输入框", "the button that chooses an avatar, the field for a nickname"),
        (r'open-type="chooseAvatar"', r'type="nickname"', r"getUserInfo\b", r"getUserProfile\b"),
    ),
    Declaration(
        Words("手机号", "手机号 (phone number)"),
        Words("把你主动绑定的手机号保存在账号中", "keep the phone number that you bind to your account"),
        Words("手机号按钮", "the button for the phone number"),
        (r"getPhoneNumber\b", r"getRealtimePhoneNumber\b"),
    ),
    Declaration(
        Words("选中的照片或视频信息", "选中的照片或视频信息 (photos or videos chosen)"),
        Words("上传你选择的头像图片", "upload the picture you chose as your avatar"),
        Words("选择图片的接口", "the call that chooses a picture"),
        (r"\bchooseImage\b", r"\bchooseMedia\b", r"\bchooseVideo\b"),
    ),
    Declaration(
        Words("剪切板", "剪切板 (clipboard)"),
        Words("由你点按后复制账号信息", "copy account data when you tap to do so"),
        Words("复制的接口，写入也算", "the call that copies; writing counts, too"),
        (r"\b[sg]etClipboardData\b",),
    ),
    Declaration(
        Words("设备信息", "设备信息 (device)"),
        Words(
            "列出你已登录的设备，保障账号安全",
            "list the devices you are signed in on, and keep the account safe",
        ),
        Words(
            "服务器记录每次登录的设备类型和 IP 地址",
            "the server records the kind of device and the IP address of each sign-in",
        ),
    ),
    Declaration(
        Words("操作日志", "操作日志 (log of operations)"),
        Words(
            "依照网络安全法留存登录记录 190 天",
            "keep the record of sign-ins for the 190 days the law asks for",
        ),
        Words("服务器的登录记录", "the server's record of sign-ins"),
    ),
)


def declarations(files: Files) -> tuple[Declaration, ...]:
    """What has to be declared for a mini-program of these files on this server."""
    code = "\n".join(
        content.decode(errors="replace") for name, content in files.items() if name.endswith((".js", ".wxml"))
    )
    return tuple(
        each for each in _DECLARATIONS if not each.calls or any(re.search(call, code) for call in each.calls)
    )
