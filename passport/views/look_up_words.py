"""The sentences of the look-up."""

from __future__ import annotations

from passport.explained import Explained, Finding, Found
from passport.pasted import Form
from passport.views.tongue import Tongue


def understood_words(explained: Explained, tongue: Tongue) -> str:
    """What the pasted text is."""
    _ = tongue.translate
    if explained.form is Form.OBJECT_ID and explained.session is not None:
        return _("This is the id of a session.")
    if explained.form is Form.OBJECT_ID and explained.answer.finding is not Finding.NOT_FOUND:
        return _("This is the id of an account.")
    words = {
        Form.NOTHING: _("Nothing was pasted."),
        Form.JWT: _("This is an access token (JWT)."),
        Form.REFRESH_TOKEN: _("This is a refresh token."),
        Form.REQUEST_ID: _("This is a request id of this server."),
        Form.RID: _("This is a request id of WeChat's (rid)."),
        Form.OBJECT_ID: _("This looks like the id of an account or of a session."),
        Form.APPID: _("This is an appid."),
        Form.WECHAT_ID: _("This looks like an openid or a unionid."),
        Form.PHONE: _("This looks like a phone number."),
        Form.ERRCODE: _("This is an errcode of WeChat's."),
        Form.UNKNOWN: _("This is no token and no id that we know."),
    }
    return words[explained.form]


def ended_by(by: str | None, tongue: Tongue) -> str:
    """Who ended a session; the name of an operator as it is."""
    _ = tongue.translate
    return {
        "client": _("the mini-program, by signing out"),
        "user": _("the user, on another device"),
        "ban": _("a ban"),
        "replay": _("a refresh token that was used twice"),
        "closed": _("the closing of the account"),
        "operator": _("an operator"),
    }.get(by or "", by or _("unknown"))


def closed_by(by: str | None, tongue: Tongue) -> str:
    """Who closed an account."""
    _ = tongue.translate
    return {"user": _("the user"), "wechat": _("WeChat"), "operator": _("an operator")}.get(
        by or "", by or "–"
    )


def sentence_of(found: Found, tongue: Tongue) -> str:
    """The finding as a sentence."""
    names = {Finding.SESSION_ENDED: ended_by, Finding.ACCOUNT_CLOSED: closed_by}
    name = names.get(found.finding)
    by = name(found.by, tongue) if name is not None else found.by or "–"
    words = {
        **_of_access_tokens(tongue),
        **_of_refresh_tokens(tongue),
        **_of_people(tongue),
        **_of_ids(tongue),
    }
    return words[found.finding] % {"by": by}


def _of_access_tokens(tongue: Tongue) -> dict[Finding, str]:
    _ = tongue.translate
    return {
        Finding.VALID: _("Valid: it counts now."),
        Finding.NO_TOKEN: _("Damaged: it cannot be read. Perhaps a part is missing."),
        Finding.NO_ACCESS_TOKEN: _("It is no access token of this server: another kind of JWT."),
        Finding.OTHER_ISSUER: _("It was issued by another server, or before tokens.issuer was changed."),
        Finding.UNKNOWN_KEY: _("It says that it is ours, but this server never had its key."),
        Finding.BAD_SIGNATURE: _("The signature is wrong: it was altered, damaged or forged."),
        Finding.OTHER_AUDIENCE: _("It is meant for another service."),
        Finding.KEY_REVOKED: _("The key that signed it was revoked, and all of its tokens with it."),
        Finding.EXPIRED: _("It has expired: the mini-program should use its refresh token."),
        Finding.NOT_YET: _("It is not valid yet: the clocks of two hosts differ."),
    }


def _of_refresh_tokens(tongue: Tongue) -> dict[Finding, str]:
    _ = tongue.translate
    return {
        Finding.NOT_OURS: _(
            "This server never made it: it was cut off, mistyped, or made by another server."
        ),
        Finding.JUST_REPLACED: _("It was just used, and may be used once more in case the answer was lost."),
        Finding.REPLACED: _(
            "It was used and replaced. Using it again would end the session, as a replay does."
        ),
        Finding.UNUSED: _("It expired, because nobody used it for too long."),
        Finding.FROM_THE_FUTURE: _(
            "The database does not know it yet: perhaps an older backup was restored."
        ),
    }


def _of_people(tongue: Tongue) -> dict[Finding, str]:
    _ = tongue.translate
    return {
        Finding.OTHER_APP: _("Its mini-program is not, or no longer, configured on this server."),
        Finding.BANNED: _("The account was banned by %(by)s."),
        Finding.ACCOUNT_CLOSED: _("The account was closed and its data erased, by %(by)s."),
        Finding.NO_ACCOUNT: _("There is no such account."),
        Finding.NO_SESSION: _("Its session is not known, or was forgotten after its time."),
        Finding.SESSION_ENDED: _("The session was ended by: %(by)s."),
        Finding.ALL_ENDED: _("All sessions of the user were ended at once, this one among them."),
        Finding.SESSION_OVER: _("The session has reached its end: the user signs in anew."),
    }


def _of_ids(tongue: Tongue) -> dict[Finding, str]:
    _ = tongue.translate
    return {
        Finding.ACCOUNT: _("The account exists."),
        Finding.UNREGISTERED: _("This WeChat user has no account, but tried."),
        Finding.REFUSED: _("The request was refused."),
        Finding.NOT_FOUND: _(
            "Nothing is recorded of it: it succeeded, is too old, was one of many in a flood, or never happened."
        ),
        Finding.CONFIGURED: _("This mini-program is configured on this server."),
        Finding.NOT_CONFIGURED: _("This mini-program is not configured on this server."),
        Finding.ELSEWHERE: _("Search for it among the users."),
        Finding.NOTHING: _("Paste a token, a request id or any other id."),
    }
