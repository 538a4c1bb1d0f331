"""Refusals of a phone number's code, and of WeChat's server credential."""

from __future__ import annotations

from passport.errors.base import Hint
from passport.errors.credentials import CodeUsed, InvalidCode
from passport.errors.weather import ServerMisconfigured, TemporarilyUnavailable

TAP_AGAIN = Hint(
    zh="请按 Retry-After 等待，然后让用户重新点击手机号按钮（open-type=getPhoneNumber），发送新的 phone_code。",
    en="Wait for Retry-After, then let the user tap the phone number button (open-type=getPhoneNumber) again and send "
    "the new phone_code.",
)
SEND_PHONE_CODE = Hint(
    zh="请把手机号按钮（open-type=getPhoneNumber）的 e.detail.code 作为 phone_code 发送；它不是 wx.login 的 code。",
    en="Send e.detail.code of the phone number button (open-type=getPhoneNumber) as phone_code; it is not the code of "
    "wx.login.",
)


class InvalidPhoneCode(InvalidCode):
    """WeChat does not know the phone code (40029): wrong, used, expired, of another appid, or one of wx.login."""

    description = (
        "WeChat does not accept this phone_code: it is wrong, used, older than five minutes, of another appid, "
        "or a code of wx.login."
    )
    hint = Hint(
        zh="phone_code 不是 wx.login 的 code：请让用户点击手机号按钮（open-type=getPhoneNumber），"
        "立即发送 e.detail.code；每个只能用一次，五分钟内有效，且必须来自登录时的同一个小程序。",
        en="A phone code is not a login code: let the user tap the phone number button (open-type=getPhoneNumber) and "
        "send e.detail.code at once. It works once, within five minutes, in the mini-program that signed the user in.",
    )


class PhoneCodeUsed(CodeUsed):
    """The phone code was redeemed before (40163)."""

    description = "This phone_code has been used. A code works once."
    hint = Hint(
        zh="每个 phone_code 只能用一次：请让用户重新点击手机号按钮（open-type=getPhoneNumber），"
        "发送新的 e.detail.code。",
        en="A phone_code works once: let the user tap the phone number button (open-type=getPhoneNumber) again and "
        "send the new e.detail.code.",
    )


class PhoneNumbersNotAllowed(ServerMisconfigured):
    """The mini-program has no right to phone numbers (48001, 48004)."""

    description = "WeChat does not give phone numbers to this mini-program. The operator has to act."
    hint = Hint(
        zh="该小程序没有获取手机号的权限（需为非个人主体且已认证，并在隐私保护指引中声明），请联系服务器管理员；登录不受影响。",
        en="This mini-program may not ask for phone numbers (that takes a certified organisation and a declaration in "
        "the privacy guide): ask the operator. Signing in works all the same.",
    )


class AccessTokenRefused(TemporarilyUnavailable):
    """WeChat refuses its own server credential (40001, 40014, 42001); whatever else was sent is unspent."""
