"""What an operator may write about a user. Pure rules, and time is an argument."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

REASON_LIMIT = 500
NOTE_LIMIT = 2_000
TAG_LIMIT = 32
MOST_TAGS = 20
# A ban until then has no end that anybody here will see.
LONGEST_BAN = timedelta(days=3_653)

Fault = Literal["empty", "too_long", "control_character", "too_many", "no_time", "past", "too_far"]
Lasting = Literal["open", "1", "7", "30", "custom"]
LASTINGS: tuple[Lasting, ...] = ("open", "1", "7", "30", "custom")

_SEPARATORS = ",，、;；\n"


class Unfit(ValueError):
    """What was typed cannot be taken; `fault` says why, and the page says it in words."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def ban_reason(text: str) -> str:
    """Why somebody is banned. Raises Unfit when there is nothing to read, or too much."""
    reason = _lines(text, most=REASON_LIMIT)
    if not _is_readable(reason):
        raise Unfit("empty")
    return reason


def note_text(text: str) -> str:
    """A note, line by line; empty removes it. Raises Unfit."""
    note = _lines(text, most=NOTE_LIMIT)
    return note if _is_readable(note) else ""


def tag_name(text: str) -> str:
    """A tag as it is kept, so that `VIP`, `ｖｉｐ` and ` vip ` are one: NFKC, in small letters, single spaces.

    Raises:
        Unfit: it is empty, too long, or holds what cannot be seen.
    """
    tag = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    if not _is_readable(tag):
        raise Unfit("empty")
    if len(tag) > TAG_LIMIT:
        raise Unfit("too_long")
    if any(unicodedata.category(each) in ("Cc", "Cs", "Cf") and each != "\u200d" for each in tag):
        raise Unfit("control_character")
    return tag


def tag_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The tags in these texts, each of which may hold several between commas; in order, each once. Raises Unfit."""
    named = [part for text in texts for part in _split(text) if part.strip()]
    tags = tuple(sorted({tag_name(part) for part in named}))
    if len(tags) > MOST_TAGS:
        raise Unfit("too_many")
    return tags


def ban_end(lasting: Lasting, until: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """When a ban ends; None when it stays until it is lifted.

    Args:
        lasting: how long, in days, or `custom`.
        until: for `custom`, the time as a browser sends it (HTML, local date and time): `2026-11-30T08:00`.
        zone: where that clock hangs.
        now: the present.

    Raises:
        Unfit: it is no time, is not in the future, or too far in it.
    """
    if lasting == "open":
        return None
    if lasting != "custom":
        return now + timedelta(days=int(lasting))
    try:
        end = datetime.fromisoformat(until.strip()[:32])
        end = (end if end.tzinfo else end.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("no_time") from None
    if end <= now:
        raise Unfit("past")
    if end - now > LONGEST_BAN:
        raise Unfit("too_far")
    return end.replace(microsecond=0)


def _split(text: str) -> list[str]:
    for separator in _SEPARATORS:
        text = text.replace(separator, ",")
    return text.split(",")


def _lines(text: str, *, most: int) -> str:
    """With line breaks as one character, which browsers send as two; without the space around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > most:
        raise Unfit("too_long")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text if each not in "\n\t"):
        raise Unfit("control_character")
    return text


def _is_readable(text: str) -> bool:
    return any(unicodedata.category(each)[0] in "LNPS" for each in text)
