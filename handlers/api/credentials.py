"""The parameters that a mini-program sends to sign in or to register."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

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
from passport.wechat.aes import BLOCK
from passport.wechat.crypto import decode_base64

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
# The schemas promise what is repaired without a word: a space for `+`, and missing `=`. That one percent-encoding too
# many is undone as well is a kindness and no promise. 64 characters are three blocks; what is left is one, or two.
_C = "[A-Za-z0-9+/ ]"
_THREE = _PAYLOAD_LIMIT // 64
_BLOCKS = (
    f"^(?:(?:{_C}{{64}}){{1,{_THREE}}}|(?:{_C}{{64}}){{0,{_THREE - 1}}}(?:{_C}{{22}}|{_C}{{43}})={{0,2}})$"
)
_ONE_BLOCK = f"^{_C}{{22}}={{0,2}}$"
_BlocksInBase64 = Annotated[
    bytes,
    BeforeValidator(_base64),
    AfterValidator(_blocks),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _BLOCKS}),
]
_BlockInBase64 = Annotated[
    bytes,
    BeforeValidator(_base64),
    AfterValidator(_one_block),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _ONE_BLOCK}),
]


class LoginBody(BaseModel):
    """`code`, `encryptedData`, `iv` of wx.login and wx.getUserInfo, with what may come beside them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[ -~]+$")] = Field(
        description="What wx.login gave. WeChat redeems it once and forgets it after five minutes; this server keeps "
        "WeChat's answer, so that one code serves the whole first visit.",
        examples=["0a3bLu000Qz7YP1XQp100eRkHs4bLu0C"],
    )
    encrypted_data: _BlocksInBase64 | None = Field(
        default=None,
        alias="encryptedData",
        description="What wx.getUserInfo, called after wx.login, gave under this name: the profile, encrypted with the "
        "session_key that only WeChat and this server know. Send it unchanged: base64, 8,192 characters at most. "
        "Required, unless the app is set to `login: code`.",
        examples=["CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS"],
    )
    iv: _BlockInBase64 | None = Field(
        default=None,
        description="What wx.getUserInfo gave beside encryptedData: the initialisation vector of its encryption, "
        "16 bytes in base64. Required with it.",
        examples=["r7BXXKkLb8qrSNn05n0qiA=="],
    )
    raw_data: Annotated[str, Field(max_length=_PAYLOAD_LIMIT), AfterValidator(_encodable)] | None = Field(
        default=None,
        alias="rawData",
        description="The text that wx.getUserInfo gave under this name, exactly as it was. "
        "Checked when signature comes with it.",
        examples=['{"nickName":"微信用户","gender":0,"language":"zh_CN"}'],
    )
    signature: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{40}$")] | None = Field(
        default=None,
        description="What wx.getUserInfo gave beside rawData: sha1(rawData + session_key) in hex.",
        examples=["75e81ceda165f4ffa64f4068af58c64b8f54b88c"],
    )
    appid: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="The mini-program's appid. Required when the server has several.",
        examples=["wx4f4bc4dec97d474b"],
    )

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
