"""The parameters that a mini-program sends to sign in or to register."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from passport.errors import (
    CodeUsed,
    DecryptFailed,
    InvalidCode,
    ServerMisconfigured,
    SignatureMismatch,
    SlowDown,
    UserBlocked,
)
from passport.login import Credentials
from passport.wechat.crypto import BLOCK, decode_base64

# What the exchange of a code with WeChat may refuse, and with it the checks of the payload.
CODE_REFUSALS = (InvalidCode, CodeUsed, UserBlocked, SlowDown, ServerMisconfigured)
LOGIN_REFUSALS = (*CODE_REFUSALS, DecryptFailed, SignatureMismatch)
# Lengths seen at WeChat: code 32, encryptedData up to about 3,500, iv 24 (one more percent-encoding: 34).
_PAYLOAD_LIMIT = 8192


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if not value:
        raise ValueError("is empty")
    if len(value) > _PAYLOAD_LIMIT:
        raise ValueError(f"is longer than {_PAYLOAD_LIMIT} characters")
    try:
        return decode_base64(value)
    except ValueError:
        raise ValueError("is not base64; send it unchanged, in the standard alphabet") from None


def _blocks(value: bytes) -> bytes:
    if not value or len(value) % BLOCK:
        raise ValueError(f"is cut short: its length must be a multiple of {BLOCK} bytes")
    return value


def _one_block(value: bytes) -> bytes:
    if len(value) != BLOCK:
        raise ValueError(f"must be {BLOCK} bytes in base64")
    return value


def _encodable(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair") from None
    return value


Code = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[ -~]+$")]


class LoginBody(BaseModel):
    """`code`, `encryptedData`, `iv` of wx.login and wx.getUserInfo, with what may come beside them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: Code
    encrypted_data: Annotated[bytes, BeforeValidator(_base64), AfterValidator(_blocks)] | None = Field(
        default=None, alias="encryptedData"
    )
    iv: Annotated[bytes, BeforeValidator(_base64), AfterValidator(_one_block)] | None = None
    raw_data: Annotated[str, Field(max_length=_PAYLOAD_LIMIT), AfterValidator(_encodable)] | None = Field(
        default=None, alias="rawData"
    )
    signature: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{40}$")] | None = None
    appid: Annotated[str, Field(max_length=64)] | None = None

    @property
    def credentials(self) -> Credentials:
        """As the domain takes them."""
        signed = (self.raw_data, self.signature) if self.raw_data is not None and self.signature else None
        return Credentials(
            code=self.code,
            encrypted_data=self.encrypted_data,
            iv=self.iv,
            signed=signed,
            appid=self.appid,
        )
