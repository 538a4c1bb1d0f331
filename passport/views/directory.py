"""The users list as the dashboard shows it: masked, with what a search was understood as in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from passport.directory.listing import Found
from passport.directory.people import Listed, Total
from passport.directory.words import understand
from passport.views.handles import handle_of
from passport.views.hostile import ShownText, shown_text
from passport.views.masking import masked, masked_phone
from passport.views.one_user import PersonView, Status, avatar_address
from passport.views.tongue import Tongue

# As long as a row can carry; the page of one user shows the whole.
_NAME, _TAG = 24, 20


@dataclass(frozen=True)
class UserRow:
    """One user. openid, unionid and phone are masked."""

    person: PersonView
    apps: tuple[str, ...]
    registered: datetime
    seen: datetime
    sign_ins: int
    tags: tuple[ShownText, ...]
    phone: str | None
    openids: tuple[str, ...]
    unionid: str | None


@dataclass(frozen=True)
class UnderstoodView:
    """What the search box was taken for.

    Args:
        words: in a sentence.
        quoted: the text in quotation marks, when it could be a nickname all the same.
        elsewhere: the text, when the look-up knows more about it.
    """

    words: str
    quoted: str = ""
    elsewhere: str = ""


def user_row(listed: Listed, *, apps: Mapping[str, str], now: datetime) -> UserRow:
    """The user as a row; `apps` are the names of the configured ones."""
    return UserRow(
        person=PersonView(
            user_id=listed.user_id,
            nickname=shown_text(listed.nickname, most=_NAME) if listed.nickname else None,
            handles={language: handle_of(listed.user_id, language) for language in ("zh", "en")},
            avatar=avatar_address(listed.avatar, listed.avatar_url),
            status=_status(listed, now),
        ),
        apps=tuple(apps.get(each, each) for each in listed.appids),
        registered=listed.created_at,
        seen=listed.last_seen_at,
        sign_ins=listed.sign_ins,
        tags=tuple(shown_text(each, most=_TAG) for each in listed.tags),
        phone=masked_phone(listed.phone) if listed.phone else None,
        openids=tuple(masked(each) for each in listed.openids),
        unionid=masked(listed.unionid) if listed.unionid else None,
    )


def understood_view(text: str, found: Found, tongue: Tongue) -> UnderstoodView | None:
    """What the text was taken for; None without any."""
    _ = tongue.translate
    understood = understand(text)
    quoted = f'"{text}"'
    if found.session_id is not None:
        return UnderstoodView(_("The id of a sign-in: this is whose it is."), quoted)
    match understood.kind:
        case "name":
            return UnderstoodView(_("Nicknames and handles that contain this, ordered by registration."))
        case "phone":
            words = _("Looks like the phone number %(number)s: exact match.")
            return UnderstoodView(words % {"number": understood.value}, quoted)
        case "wechat_id":
            return UnderstoodView(_("Looks like an openid or a unionid: exact match."), quoted)
        case "document_id":
            return UnderstoodView(_("Looks like an account id: exact match."), quoted)
        case "request_id":
            words = _("Looks like the id of a request. That is no user; look it up to see what happened.")
            return UnderstoodView(words, quoted, elsewhere=understood.value)
        case _:
            return None


def total_words(total: Total, tongue: Tongue, many: str) -> str:
    """How many there are: `many` is the number with its noun."""
    _ = tongue.translate
    if total.count is None:
        return _("Too many to count quickly")
    return _("more than %(many)s") % {"many": many} if total.more else many


def _status(listed: Listed, now: datetime) -> Status:
    if listed.status != "banned":
        return "active"
    return "ban_over" if listed.ban_until is not None and listed.ban_until <= now else "banned"
