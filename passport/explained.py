"""What a look-up found out, as plain data; its words are `passport.views.look_up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from passport.models import Refusal, Session, User
from passport.pasted import Form


class Finding(StrEnum):
    """One thing that is true of what was pasted, and decides whether it counts."""

    VALID = "valid"
    # Of an access token
    NO_TOKEN = "no_token"  # noqa: S105
    NO_ACCESS_TOKEN = "no_access_token"  # noqa: S105
    OTHER_ISSUER = "other_issuer"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    OTHER_AUDIENCE = "other_audience"
    KEY_REVOKED = "key_revoked"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    # Of a refresh token
    NOT_OURS = "not_ours"
    JUST_REPLACED = "just_replaced"
    REPLACED = "replaced"
    UNUSED = "unused"  # too long
    FROM_THE_FUTURE = "from_the_future"  # of a generation that is still to come: an older backup was restored
    # Of whose it is
    OTHER_APP = "other_app"
    BANNED = "banned"
    ACCOUNT_CLOSED = "account_closed"
    NO_ACCOUNT = "no_account"
    NO_SESSION = "no_session"
    SESSION_ENDED = "session_ended"
    ALL_ENDED = "all_ended"
    SESSION_OVER = "session_over"
    # Of an id
    ACCOUNT = "account"
    UNREGISTERED = "unregistered"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    CONFIGURED = "configured"
    NOT_CONFIGURED = "not_configured"
    ERRCODE = "errcode"
    ELSEWHERE = "elsewhere"  # another page finds it
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, with when it came about and by whom, where that is known."""

    finding: Finding
    at: datetime | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The key that an access token names: where it is in its life, and until when it is believed."""

    kid: str
    state: str
    published_until: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """What was understood and found; the first of `found` is the answer, the others are true as well.

    Args:
        form, alone: as `passport.pasted` has it.
        found: never empty.
        pasted: what was found in the text; shown again for an id, and never for a token.
        claims: what an access token says of itself; to be believed when `trusted`.
        generation: of a refresh token.
        refusals: what was refused, newest first.
        who: the digest of an openid that has no account.
    """

    form: Form
    found: tuple[Found, ...]
    alone: bool = True
    pasted: str = field(default="", repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trusted: bool = False
    key: KeyFacts | None = None
    generation: int | None = None
    session: Session | None = None
    user: User | None = None
    refusals: tuple[Refusal, ...] = ()
    who: str | None = None

    @property
    def answer(self) -> Found:
        """The finding that matters most."""
        return self.found[0]
