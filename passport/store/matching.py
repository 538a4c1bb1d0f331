"""Put a filter of users into the words of MongoDB. Pure; every value is a str, bool or datetime of ours (R-012)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from passport.directory.filters import Span, UserFilter
from passport.directory.grams import comparable, grams_to_find, is_told_by_its_grams
from passport.directory.words import Understood, understand
from passport.views.handles import handle_keys_like

Document = dict[str, Any]

# An index has nobody under it, so nothing is walked to find that out.
NOBODY: Document = {"_id": None}


def matching(asked: UserFilter, *, appids: Sequence[str], now: datetime) -> Document:
    """What a user must be like.

    Args:
        asked: the filter; must be without faults (see there).
        appids: where an openid may be from.
        now: at which time a ban holds or has ended.
    """
    conditions = [
        *_text(understand(asked.text), appids),
        *_status(asked, now),
        *([{"identities.appid": asked.appid}] if asked.appid else []),
        *_span("created_at", asked.registered),
        *_span("last_seen_at", asked.seen),
        *_presence("phone.number", asked.has_phone),
        *_presence("unionid", asked.has_unionid),
        *([{"tags": {"$eq": asked.tag}}] if asked.tag else []),
    ]
    said = [each for each in conditions if each]
    return {"$and": said} if len(said) > 1 else next(iter(said), {})


def _text(sought: Understood, appids: Sequence[str]) -> list[Document]:
    ways: dict[str, Callable[[str], Document]] = {
        "name": _called,
        "phone": lambda number: _exactly("phone.number", number),
        "wechat_id": lambda openid: _known_to_wechat(openid, appids),
        "document_id": lambda user_id: {"_id": ObjectId(user_id)},
    }
    if sought.kind == "nothing":
        return []
    # A request id and a token are of no user; whoever they lead to is found before.
    return [ways[sought.kind](sought.value) if sought.kind in ways else NOBODY]


def _called(words: str) -> Document:
    """A nickname that holds the words, or a handle; everybody when nothing of them can be seen."""
    text = comparable(words)
    if not text:
        return {}
    named: Document = {"search": {"$all": list(grams_to_find(text))}}
    if not is_told_by_its_grams(text):
        # No pattern, so that nothing in the text is read as one; a literal, because "$a" would be read as a field.
        place = {"$indexOfBytes": [{"$ifNull": ["$search_text", ""]}, {"$literal": text}]}
        named["$expr"] = {"$gte": [place, 0]}
    pairs, numbers = handle_keys_like(text)
    if not pairs:
        return named
    handled: Document = {"search": {"$in": list(pairs)}}
    if numbers:
        handled = {"$and": [handled, {"search": {"$in": list(numbers)}}]}
    return {"$or": [named, handled]}


def _known_to_wechat(openid: str, appids: Sequence[str]) -> Document:
    """An openid of one of the apps, or a unionid: both look alike, and the index of identities is of whole pairs."""
    identities = [{"appid": appid, "openid": openid} for appid in appids]
    return {"$or": [{"identities": {"$in": identities}}, _exactly("unionid", openid)]}


def _exactly(field: str, text: str) -> Document:
    # The index is partial, and the planner takes it only for a filter that says what the index says.
    return {field: {"$eq": text, "$type": "string"}}


def _status(asked: UserFilter, now: datetime) -> list[Document]:
    if asked.status is None:
        return []
    if asked.status == "active":
        return [{"status": "active"}]
    # The status stays when a ban's time has passed: nobody lifted it.
    if asked.status == "ban_ended":
        return [{"status": "banned"}, {"ban.until": {"$lte": now}}]
    # Also of a ban without an end. Asked for in one range of an index, which tells it without the document.
    return [{"status": "banned"}, {"ban.until": {"$not": {"$lte": now}}}]


def _span(field: str, span: Span) -> list[Document]:
    ends = {"$gte": span.since, "$lt": span.before}
    bounds = {operator: moment for operator, moment in ends.items() if moment is not None}
    return [{field: bounds}] if bounds else []


def _presence(field: str, wanted: bool | None) -> list[Document]:
    if wanted is None:
        return []
    return [{field: {"$type": "string"}}] if wanted else [{field: None}]
