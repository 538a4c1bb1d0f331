"""What may be done with a refresh token: the rules alone, with the time as an argument.

Source: RFC 9700 section 4.14.2 (rotation, and the reuse of a rotated token as a sign of theft).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from passport.models import Refresh

# wx.request runs ten requests at once (WeChat, network), so a client that refreshes in each of them, and repeats each
# once because the answer was lost, is no thief.
MOST_USES = 20


class Verdict(Enum):
    """What to do with a token that is ours, of a session that is alive."""

    ROTATE = auto()  # it is the current one: its successor takes its place
    REPEAT = auto()  # it was current a moment ago and its answer may be lost: tell the successor again
    END = auto()  # it has two holders and one is a thief: nobody keeps the session
    REFUSE = auto()  # it is expired, or one that this database never knew


def decide(
    state: Refresh,
    *,
    generation: int,
    digest: bytes,
    successor: bytes,
    grace: timedelta,
    now: datetime,
) -> Verdict:
    """The verdict on a token.

    Args:
        state: what the session knows of its current token.
        generation, digest: the token's.
        successor: the digest of the token's successor.
        grace: for how long after a rotation the answer may be told again.
        now: the time.
    """
    if state.expires_at <= now:
        return Verdict.REFUSE
    if generation == state.generation and digest == state.digest:
        return Verdict.ROTATE
    if generation == state.generation - 1 and successor == state.digest:
        fresh = now - state.rotated_at <= grace and state.uses < MOST_USES
        return Verdict.REPEAT if fresh else Verdict.END
    # A generation that is still to come means that the database was restored from a backup.
    return Verdict.END if generation < state.generation else Verdict.REFUSE
