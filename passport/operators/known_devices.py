"""Which browser an operator signed in from before: a signed cookie, so that strangers cannot lock the owner out.

As OWASP's "Slow Down Online Guessing Attacks with Device Cookies" has it: whoever shows the cookie is counted by it,
apart from all others. It opens nothing; a stolen one is worth as many guesses as anybody has.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from passport.clock import Now
from passport.models import Member
from passport.sealing import Sealer

REMEMBERED_FOR = timedelta(days=90)
_NONCE, _TIME, _DIGEST = 16, 5, 32
_LONGEST = 128


class KnownDevices:
    """Makes the cookies and knows them again.

    Args:
        sealer: signs.
        now: the clock.
    """

    def __init__(self, sealer: Sealer, now: Now) -> None:
        self._sealer, self._now = sealer, now

    def cookie(self, member: Member) -> str:
        """For a browser that has just signed in. A new password makes all of them worthless."""
        made = secrets.token_bytes(_NONCE) + int(self._now().timestamp()).to_bytes(_TIME)
        return urlsafe_b64encode(made + self._signature(made, member)).rstrip(b"=").decode()

    def recognise(self, cookie: str | None, member: Member) -> str | None:
        """The device's id when the cookie is this operator's and not too old."""
        try:
            content = urlsafe_b64decode((cookie or "")[:_LONGEST] + "==")
        except ValueError:
            return None
        if len(content) != _NONCE + _TIME + _DIGEST:
            return None
        made, signature = content[:-_DIGEST], content[-_DIGEST:]
        if not hmac.compare_digest(signature, self._signature(made, member)):
            return None
        issued = datetime.fromtimestamp(int.from_bytes(made[_NONCE:]), UTC)
        return made[:_NONCE].hex() if self._now() - issued < REMEMBERED_FOR else None

    def _signature(self, made: bytes, member: Member) -> bytes:
        return self._sealer.digest(made, member.operator.operator_id, member.password_hash or "")
