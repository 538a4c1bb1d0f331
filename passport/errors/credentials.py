"""Refusals of what the mini-program sent to sign in or register."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError


class InvalidRequest(PassportError):
    """A field is missing, of the wrong type, too long, or not base64 even after repair."""

    code, status = "invalid_request", 403
    description = "A parameter is missing or malformed."
    hint = Hint(
        zh="请按 error_description 修正参数：code、encryptedData、iv 原样取自 wx.login 和 wx.getUserInfo。",
        en="Correct the parameter that error_description names: send code, encryptedData and iv "
        "unchanged, as wx.login and wx.getUserInfo gave them.",
    )


class MalformedRequest(InvalidRequest):
    """The same where RFC 6749 section 5.2 rules: at the standard grants and endpoints."""

    status = 400
    hint = Hint(
        zh="请按 error_description 修正参数。",
        en="Correct the parameter that error_description names.",
    )


class InvalidCode(PassportError):
    """WeChat does not know the code (40029): wrong, expired, or of another appid."""

    code, status = "invalid_code", 403
    description = (
        "WeChat does not accept this code: it is wrong, older than five minutes, or of another appid."
    )
    hint = Hint(
        zh="请重新调用 wx.login 并立即发送新的 code；确认小程序的 appid 与服务器配置的一致，且没有误用手机号的 code。",
        en="Call wx.login again and send the new code at once; check that the mini-program's appid is the one "
        "configured here and that this is not a phone number code.",
    )


class CodeUsed(PassportError):
    """The code was redeemed before (40163, or our own record of it)."""

    code, status = "code_used", 403
    description = "This code has been used. A code works once."
    hint = Hint(
        zh="每个 code 只能用一次：请重新调用 wx.login，再取 encryptedData 和 iv 一起发送；"
        "避免重复点击和自动重试旧的 code。",
        en="A code works once: call wx.login again, then fetch encryptedData and iv and send all three; "
        "do not resend an old code.",
    )


class UserBlocked(PassportError):
    """WeChat's risk control intercepted the sign-in (40226)."""

    code, status = "user_blocked", 403
    description = "WeChat blocked this sign-in because it rates the user as high-risk."
    hint = Hint(
        zh="微信判定该用户为高风险并拦截了登录，请勿重试；用户可在微信的安全中心处理。",
        en="WeChat's risk control stopped this user. Do not retry; the user can resolve it in WeChat's "
        "security centre.",
    )


class DecryptFailed(PassportError):
    """Everything that can go wrong inside encryptedData. One class, so that nobody learns which (R-021)."""

    code, status = "decrypt_failed", 403
    description = "encryptedData cannot be decrypted and verified with this code's session_key."
    hint = Hint(
        zh="请先调用 wx.login，再调用 wx.getUserInfo，然后把 code、encryptedData、iv 一起发送。"
        "顺序相反时 session_key 已更换，数据无法解密。",
        en="Call wx.login first, then wx.getUserInfo, then send code, encryptedData and iv together: "
        "a wx.login after wx.getUserInfo replaces the session_key, and the data no longer decrypts.",
    )


class SignatureMismatch(PassportError):
    """`signature` is not sha1(rawData + session_key)."""

    code, status = "signature_mismatch", 403
    description = "signature does not match rawData."
    hint = Hint(
        zh="请原样发送 wx.getUserInfo 返回的 rawData 字符串，不要先 JSON.parse 再 JSON.stringify；"
        "并确认 wx.login 在它之前调用。",
        en="Send the rawData string exactly as wx.getUserInfo returned it, without JSON.parse and JSON.stringify, "
        "and call wx.login before it.",
    )
