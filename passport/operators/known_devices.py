"""Which browser an operator signed in from before: a signed cookie, so that strangers cannot lock the owner out.

As OWASP's "Slow Down Online Guessing Attacks with Device Cookies" has it: whoever shows the cookie is counted by it,
apart from all others. It opens nothing; a stolen one is worth as many guesses as anybody has. For guesses at a second
factor it counts only when it was made by signing in with that factor, or whoever knew the password alone could make
themselves any number of devices before the factor was turned on.
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
        """For a browser that has just signed in, by all that was asked for. A new password makes them worthless."""
        made = secrets.token_bytes(_NONCE) + int(self._now().timestamp()).to_bytes(_TIME)
        signature = self._signature(made, member, seed_of(member))
        return urlsafe_b64encode(made + signature).rstrip(b"=").decode()

    def recognise(self, cookie: str | None, member: Member) -> str | None:
        """The device's id when the cookie is this operator's and not too old, with a second factor or without."""
        return self._recognised(cookie, member, seed_of(member), b"")

    def recognise_factor(self, cookie: str | None, member: Member) -> str | None:
        """The same, when the browser was signed in with the second factor that the operator has now."""
        seed = seed_of(member)
        return self._recognised(cookie, member, seed) if seed else None

    def _recognised(self, cookie: str | None, member: Member, *seeds: bytes) -> str | None:
        try:
            content = urlsafe_b64decode((cookie or "")[:_LONGEST] + "==")
        except ValueError:
            return None
        if len(content) != _NONCE + _TIME + _DIGEST:
            return None
        made, signature = content[:-_DIGEST], content[-_DIGEST:]
        if not any(hmac.compare_digest(signature, self._signature(made, member, each)) for each in seeds):
            return None
        issued = datetime.fromtimestamp(int.from_bytes(made[_NONCE:]), UTC)
        return made[:_NONCE].hex() if self._now() - issued < REMEMBERED_FOR else None

    def _signature(self, made: bytes, member: Member, seed: bytes) -> bytes:
        return self._sealer.digest(made, member.operator.operator_id, member.password_hash or "", seed)


def seed_of(member: Member) -> bytes:
    """What tells this second factor from an earlier one, and from none."""
    return member.second_factor.sealed_seed if member.second_factor else b""
