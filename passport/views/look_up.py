"""What a look-up found, in words: what the text is, the answer, what else is true, the facts, where to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from passport.explained import Explained, Finding, Found
from passport.models import Session
from passport.pasted import Form
from passport.token_look_up import moment
from passport.views.hostile import ShownText, shown_text
from passport.views.look_up_words import ended_by, sentence_of, understood_words
from passport.views.refusal_words import errcode_meaning
from passport.views.refusals import Apps, RefusalRow, rows_of, user_url
from passport.views.tongue import Tongue

Mood = Literal["good", "bad", "plain"]

_GOOD = frozenset({Finding.VALID, Finding.ACCOUNT, Finding.CONFIGURED, Finding.JUST_REPLACED})
_PLAIN = frozenset(
    {
        Finding.REFUSED,
        Finding.NOT_FOUND,
        Finding.ERRCODE,
        Finding.ELSEWHERE,
        Finding.UNREGISTERED,
        Finding.NOTHING,
    }
)


@dataclass(frozen=True)
class Fact:
    """A line of the facts: a text that anybody may have written, one of ours, or a time."""

    name: str
    told: ShownText | None = None
    text: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Link:
    """Where to go on."""

    url: str
    text: str


@dataclass(frozen=True)
class Sentence:
    """One thing that is true, and when it came about."""

    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class ExplainedView:
    """The answer to a pasted text.

    Args:
        understood: what the text is.
        mood: whether the answer is good news.
        answer: what matters most.
        also: what else is true.
        doubt: the claims are not to be believed.
        facts: what is known, for who wants to know.
        links: where to go on.
        rows: refused attempts.
        user_id: whom it is about.
    """

    understood: str
    mood: Mood
    answer: Sentence
    also: tuple[Sentence, ...]
    doubt: bool
    facts: tuple[Fact, ...]
    links: tuple[Link, ...]
    rows: tuple[RefusalRow, ...]
    user_id: str | None


def explained_view(explained: Explained, *, apps: Apps, tongue: Tongue) -> ExplainedView:
    """As the page shows it."""
    answer, *others = [_sentence(each, explained, tongue) for each in explained.found]
    finding = explained.answer.finding
    mood: Mood = "good" if finding in _GOOD else "plain" if finding in _PLAIN else "bad"
    return ExplainedView(
        understood=understood_words(explained, tongue),
        mood=mood,
        answer=answer,
        also=tuple(others),
        doubt=bool(explained.claims) and not explained.trusted,
        facts=(*_of_the_token(explained, apps, tongue), *_of_the_session(explained.session, apps, tongue)),
        links=_links(explained, tongue),
        rows=rows_of(explained.refusals, apps=apps, tongue=tongue),
        user_id=explained.user.user_id if explained.user else None,
    )


def _sentence(found: Found, explained: Explained, tongue: Tongue) -> Sentence:
    if found.finding is Finding.ERRCODE:
        _ = tongue.translate
        known = errcode_meaning(int(explained.pasted), tongue)
        return Sentence(known or _("This errcode is not in our table."))
    return Sentence(sentence_of(found, tongue), found.at)


def _of_the_token(explained: Explained, apps: Apps, tongue: Tongue) -> list[Fact]:
    _ = tongue.translate
    claims = explained.claims
    facts = [
        Fact(name, at=moment(claims[claim]))
        for claim, name in (("iat", _("Issued at")), ("exp", _("Expires at")))
        if moment(claims.get(claim)) is not None
    ]
    said = {"iss": _("Issuer"), "aud": _("Audience"), "client_id": _("App"), "sub": _("Account id")}
    for claim, name in said.items():
        if claim in claims:
            text = str(claims[claim])
            facts.append(Fact(name, told=shown_text(apps.get(text, text))))
    if explained.key is not None:
        facts.append(Fact(_("Signing key"), text=explained.key.kid))
        facts.append(Fact(_("State of the key"), text=_key_state(explained.key.state, tongue)))
    if explained.generation is not None:
        latest = explained.session.refresh.generation if explained.session else "?"
        facts.append(Fact(_("Number of this refresh token"), text=f"{explained.generation} / {latest}"))
    return facts


def _key_state(state: str, tongue: Tongue) -> str:
    _ = tongue.translate
    return {
        "published": _("published, not signing yet"),
        "signing": _("signing"),
        "verifying": _("signs no more; its tokens are still believed"),
        "retired": _("retired: its tokens are no longer believed"),
    }.get(state, state)


def _of_the_session(session: Session | None, apps: Apps, tongue: Tongue) -> list[Fact]:
    if session is None:
        return []
    _ = tongue.translate
    facts = [
        Fact(_("Session"), text=session.session_id),
        Fact(_("App of the session"), text=apps.get(session.appid, session.appid)),
        Fact(_("Signed in at"), at=session.created_at),
        Fact(_("Last used at"), at=session.last_used_at),
        Fact(_("Session ends at"), at=session.ends_at),
        Fact(_("Device"), told=shown_text(session.user_agent, most=120)),
    ]
    if session.ended_at is not None:
        facts.append(Fact(_("Ended at"), at=session.ended_at))
        facts.append(Fact(_("Ended by"), told=shown_text(ended_by(session.ended_by, tongue))))
    return facts


def _links(explained: Explained, tongue: Tongue) -> tuple[Link, ...]:
    _ = tongue.translate
    links = []
    if explained.user is not None:
        links.append(Link(user_url(explained.user.user_id), _("To the user")))
    if explained.form in (Form.REQUEST_ID, Form.RID) and explained.refusals:
        links.append(
            Link(f"/admin/refusals/{explained.refusals[0].refusal_id}", _("All that is recorded of it"))
        )
    if explained.who is not None:
        links.append(
            Link(f"/admin/refusals?who={explained.who}&period=30d", _("All attempts of this WeChat user"))
        )
    if explained.form is Form.ERRCODE:
        links.append(Link(f"/admin/refusals?errcode={explained.pasted}", _("Attempts with this errcode")))
    if explained.form is Form.APPID:
        links.append(Link(f"/admin/refusals?app={explained.pasted}", _("Attempts of this app")))
    if explained.answer.finding is Finding.ELSEWHERE:
        links.append(Link("/admin/users", _("Search the users")))
    return tuple(links)


def shown_again(explained: Explained) -> str:
    """What stays in the field: an id, and never a token, which is a secret."""
    secret = (Form.JWT, Form.REFRESH_TOKEN, Form.WECHAT_ID, Form.PHONE)
    return "" if explained.form in secret else explained.pasted
