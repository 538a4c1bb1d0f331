"""What happened, who can do something about it, and what, in the operator's words."""

from __future__ import annotations

from passport.errors import catalogue
from passport.models import Refusal
from passport.views.tongue import Tongue

_PASSES = ("temporarily_unavailable", "slow_down")
_OURS = ("server_misconfigured", "server_error", "push_refused", "invalid_client")
ASKS_THE_OPERATOR = ("server_misconfigured", "server_error")
_USERS = ("unregistered", "account_disabled", "user_blocked", "consent_required")


def what_happened(error: str, tongue: Tongue) -> str:
    """The error as a sentence; one that we no longer know, as it is."""
    _ = tongue.translate
    sentences = {
        "unregistered": _("Somebody without an account tried to sign in"),
        "account_disabled": _("A banned account was turned away"),
        "invalid_token": _("An access token was missing, expired or not valid"),
        "invalid_grant": _("A refresh token no longer counted"),
        "invalid_client": _("A service did not prove who it is"),
        "wrong_user": _("The code was of another WeChat user"),
        "consent_required": _("The privacy policy was not agreed to"),
        "invalid_request": _("A parameter was missing or malformed"),
        "invalid_code": _("WeChat did not accept the code"),
        "code_used": _("The code had been used"),
        "user_blocked": _("WeChat blocked a high-risk user"),
        "decrypt_failed": _("The encrypted data did not decrypt"),
        "signature_mismatch": _("rawData and its signature did not match"),
        "unsupported_grant_type": _("The grant_type is not supported"),
        "unsupported_media_type": _("The body was of a type that is not taken"),
        "payload_too_large": _("The body was too large"),
        "unreadable_picture": _("A picture was damaged"),
        "push_refused": _("A push did not prove to be WeChat's"),
        "slow_down": _("Too many requests"),
        "temporarily_unavailable": _("The service did not answer for a moment"),
        "server_misconfigured": _("WeChat refused this server"),
        "server_error": _("This server failed"),
    }
    return sentences.get(error, error)


def who_acts(error: str, tongue: Tongue) -> tuple[str, str]:
    """The colour of the badge, and who can do something about it."""
    _ = tongue.translate
    if error in _OURS:
        return "red", _("You")
    if error in _PASSES:
        return "yellow", _("It may pass")
    return ("purple", _("The user")) if error in _USERS else ("blue", _("The developer"))


def cure_of(refusal: Refusal, tongue: Tongue) -> str:
    """What the client was told to do, in the operator's language."""
    if refusal.hint is not None:
        return refusal.hint[0] if tongue.chinese else refusal.hint[1]
    known = catalogue().get(refusal.error)
    if known is None:
        return ""
    return known.hint.zh if tongue.chinese else known.hint.en


def to_do(refusal: Refusal, tongue: Tongue) -> str:
    """What is the operator's to do; empty when nothing is."""
    _ = tongue.translate
    if refusal.wechat_errcode is not None and (known := errcode_to_do(refusal.wechat_errcode, tongue)):
        return known
    sentences = {
        "server_misconfigured": _("Check wechat.ca_file and the system's certificate authorities."),
        "server_error": _("Search the server's log for the request id: it has the cause."),
        "account_disabled": _("If this is a mistake, lift the ban on the user's page."),
        "slow_down": _("If ordinary users are met by this, raise the limit; else look at who sends so much."),
    }
    if refusal.error == "temporarily_unavailable":
        return _weather(refusal, tongue)
    return sentences.get(refusal.error, "")


def _weather(refusal: Refusal, tongue: Tongue) -> str:
    _ = tongue.translate
    if refusal.kind == "StoreUnavailable":
        return _("MongoDB did not answer in time. If this goes on, look at its state in the overview.")
    if refusal.kind == "Unanswered":
        return _("WeChat did not answer, or not as it should. If this goes on, look at the network.")
    return _("Nothing, unless it goes on: then look at MongoDB and WeChat in the overview.")


def errcode_to_do(errcode: int, tongue: Tongue) -> str:
    """What an errcode of WeChat's asks of the operator; empty when nothing or unknown."""
    _ = tongue.translate
    reset = _("The AppSecret is wrong or was reset: set the new one in the configuration.")
    no_right = _("This mini-program may not ask for phone numbers: that takes a certified organisation.")
    lost = _("A part of the call did not reach WeChat: look for a proxy in between.")
    return {
        -1: _("WeChat was busy. Nothing, unless it goes on."),
        40001: reset,
        40002: _("WeChat refused grant_type: report this as a bug of wxpassport."),
        40013: _("The appid is wrong: compare it with mp.weixin.qq.com."),
        40125: reset,
        40164: _(
            "Add this server's address, which WeChat's words name, to the IP allow-list at mp.weixin.qq.com."
        ),
        40243: _("The AppSecret is frozen: unfreeze it at mp.weixin.qq.com."),
        41001: lost,
        41002: lost,
        41004: lost,
        45009: _("The daily quota of this API is used up: raise or clear it at mp.weixin.qq.com."),
        48001: no_right,
        48004: _("WeChat took this API away: see mp.weixin.qq.com."),
        50002: _("The mini-program is banned, frozen or cancelled at WeChat."),
    }.get(errcode, "")


def errcode_meaning(errcode: int, tongue: Tongue) -> str:
    """An errcode in a sentence; empty when it is not in our table."""
    _ = tongue.translate
    return {
        40029: _("The code is wrong, expired, or of another appid."),
        41008: _("The code is missing."),
        40163: _("The code has been used: a code works once."),
        40226: _("WeChat's risk control stopped this user."),
        45011: _("Too many calls in a minute: for one user, or for the app."),
        40014: _("The access_token of WeChat is not valid; a new one is fetched by itself."),
        42001: _("The access_token of WeChat has expired; a new one is fetched by itself."),
    }.get(errcode, "") or errcode_to_do(errcode, tongue)


def reason_words(reason: str, tongue: Tongue) -> str:
    """Why a push was refused; the log's own words when we have none."""
    _ = tongue.translate
    return {
        "signature": _("The signature does not match: another Token, or not WeChat."),
        "not fresh": _("The push is too old, or the server's clock is wrong."),
        "no timestamp": _("The push has no timestamp."),
        "does not decrypt for this app": _(
            "The push does not decrypt: another EncodingAESKey, or another app."
        ),
        "plain, but encoding_aes_key is configured": _(
            "The push is plain, but encoding_aes_key is configured: choose the same mode in the console."
        ),
        "encrypted, but no encoding_aes_key is configured": _(
            "The push is encrypted, but no encoding_aes_key is configured."
        ),
        "a signature that came with another push": _("The signature came with another push before."),
    }.get(reason, reason)
