"""One-time codes of an authenticator app (TOTP, RFC 6238), and recovery codes. Pure rules, and what is sealed."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b32encode
from datetime import datetime
from typing import Literal

import pyotp

from passport.sealing import SealBroken, Sealer

STEP_SECONDS, DIGITS = 30, 6
# A code typed at the end of its step arrives in the next one; ASVS 5.0, 6.5.5 allows no more than its life of 30 s.
LATE_SECONDS = 5
_SEED_BYTES = 20
RECOVERY_CODES, _RECOVERY_BYTES = 10, 10
_ISSUER = "wxpassport"
# A seed in the database does not open where a form shows one, or whoever read the one could have the other tell it.
Use = Literal["signing in", "turning on"]
_CODE = re.compile(r"[0-9]{6}")
# Of base32, so there is no 0, 1, 8 or 9; people type what they see.
_LOOKALIKES = str.maketrans("018", "OIB")


def matching_step(seed: str, code: str, now: datetime) -> int | None:
    """The step that the code is right for, this one or just past; None when it is wrong.

    Args:
        seed: in base32.
        code: as it was typed.
        now: the time.
    """
    typed = re.sub(r"[\s-]", "", code)
    if not _CODE.fullmatch(typed):
        return None
    seconds = int(now.timestamp())
    current = seconds // STEP_SECONDS
    steps = (current, current - 1) if seconds % STEP_SECONDS < LATE_SECONDS else (current,)
    generator = pyotp.TOTP(seed, digits=DIGITS, interval=STEP_SECONDS)
    right = [step for step in steps if hmac.compare_digest(generator.generate_otp(step), typed)]
    return right[0] if right else None


class SecondFactors:
    """Makes, seals and opens seeds and recovery codes.

    Args:
        sealer: its key is not in the database, so what is read there opens nothing.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def new_seed(self) -> str:
        """160 bits, as RFC 4226 section 4 recommends, in base32."""
        return b32encode(secrets.token_bytes(_SEED_BYTES)).decode()

    def seal(self, seed: str, operator_id: str, use: Use) -> bytes:
        """The seed, bound to its operator and to what it is sealed for."""
        return self._sealer.seal(seed.encode(), context=f"{use} {operator_id}".encode())

    def open(self, sealed: bytes, operator_id: str, use: Use) -> str | None:
        """None when it was sealed for somebody or something else, with another secret_key, or altered."""
        try:
            return self._sealer.unseal(sealed, context=f"{use} {operator_id}".encode()).decode()
        except SealBroken:
            return None

    def new_recovery_codes(self) -> tuple[str, ...]:
        """Ten codes of 80 bits in groups of four, to be shown once."""
        texts = [b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
        return tuple("-".join(re.findall("....", text)) for text in texts)

    def digest(self, recovery_code: str, operator_id: str) -> bytes:
        """How a recovery code is kept: HMAC-SHA-256 with a key that is not in the database.

        80 random bits under a secret key need no slow hash: nobody can try them all.
        """
        letters = re.sub(r"[\s-]", "", recovery_code).upper().translate(_LOOKALIKES)
        return self._sealer.digest("recovery", operator_id, letters.encode("utf-8", "surrogatepass"))


def uri_of(seed: str, name: str) -> str:
    """What an authenticator app reads (Key Uri Format of Google Authenticator)."""
    generator = pyotp.TOTP(seed, digits=DIGITS, interval=STEP_SECONDS, name=name, issuer=_ISSUER)
    return generator.provisioning_uri()


def picture_of(uri: str) -> str:
    """The QR code as a `data:` URI of an SVG, dark on white in every theme, or cameras would not read it."""
    # Imported when somebody turns the second factor on.
    import segno

    drawn: str = segno.make(uri, error="m", micro=False).svg_data_uri(
        scale=4, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None, omitsize=False
    )
    return drawn
