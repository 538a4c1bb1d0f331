"""Every refusal, one class each, by what it is about.

A handler or a service raises one; the answer, the log and the record of a refused code are made from it.
"""

from __future__ import annotations

from passport.errors.access import (
    AccountDisabled,
    ConsentRequired,
    InvalidClient,
    InvalidGrant,
    InvalidToken,
    MissingToken,
    Unregistered,
    WrongUser,
)
from passport.errors.avatars import (
    MalformedUpload,
    NotMultipart,
    PictureTooLarge,
    TooManyUploads,
    UnreadablePicture,
    UnsupportedPicture,
    UploadUnderWay,
)
from passport.errors.base import (
    CommandFailed,
    Hint,
    PassportError,
    StartupError,
)
from passport.errors.credentials import (
    CodeUsed,
    DecryptFailed,
    InvalidCode,
    InvalidRequest,
    MalformedRequest,
    SignatureMismatch,
    UserBlocked,
)
from passport.errors.dashboard import PageError
from passport.errors.http import (
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    UnsupportedGrantType,
    UnsupportedMediaType,
)
from passport.errors.phones import (
    SEND_PHONE_CODE,
    TAP_AGAIN,
    AccessTokenRefused,
    InvalidPhoneCode,
    PhoneCodeUsed,
    PhoneNumbersNotAllowed,
)
from passport.errors.pushes import PushRefused
from passport.errors.weather import (
    ServerMisconfigured,
    SlowDown,
    StoreUnavailable,
    TemporarilyUnavailable,
)

__all__ = [
    "SEND_PHONE_CODE",
    "TAP_AGAIN",
    "AccessTokenRefused",
    "AccountDisabled",
    "CodeUsed",
    "CommandFailed",
    "ConsentRequired",
    "DecryptFailed",
    "Hint",
    "InternalError",
    "InvalidClient",
    "InvalidCode",
    "InvalidGrant",
    "InvalidPhoneCode",
    "InvalidRequest",
    "InvalidToken",
    "MalformedRequest",
    "MalformedUpload",
    "MethodNotAllowed",
    "MissingToken",
    "NotFound",
    "NotMultipart",
    "PageError",
    "PassportError",
    "PayloadTooLarge",
    "PhoneCodeUsed",
    "PhoneNumbersNotAllowed",
    "PictureTooLarge",
    "PushRefused",
    "ServerMisconfigured",
    "SignatureMismatch",
    "SlowDown",
    "StartupError",
    "StoreUnavailable",
    "TemporarilyUnavailable",
    "TooManyUploads",
    "UnreadablePicture",
    "Unregistered",
    "UnsupportedGrantType",
    "UnsupportedMediaType",
    "UnsupportedPicture",
    "UploadUnderWay",
    "UserBlocked",
    "WrongUser",
    "catalogue",
]


def _classes(base: type[PassportError]) -> list[type[PassportError]]:
    return [base, *(each for direct in base.__subclasses__() for each in _classes(direct))]


def catalogue() -> dict[str, type[PassportError]]:
    """Every refusal of the API by its code; the README's table and the record of a refused code are read from it."""
    classes = [cls for cls in _classes(PassportError)[1:] if not issubclass(cls, PageError)]
    return {cls.code: cls for cls in reversed(classes)}
