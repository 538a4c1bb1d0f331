"""Every refusal, one class each, by what it is about.

A handler or a service raises one; the answer, the log and the record of a refused code are made from it.
"""

from __future__ import annotations

from passport.errors.access import (
    AccountDisabled,
    InvalidToken,
    MissingToken,
    Unregistered,
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
    Hint,
    PassportError,
    StartupError,
)
from passport.errors.credentials import (
    CodeUsed,
    DecryptFailed,
    InvalidCode,
    InvalidRequest,
    SignatureMismatch,
    UserBlocked,
)
from passport.errors.http import (
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    UnsupportedGrantType,
    UnsupportedMediaType,
)
from passport.errors.weather import (
    ServerMisconfigured,
    SlowDown,
    StoreUnavailable,
    TemporarilyUnavailable,
)

__all__ = [
    "AccountDisabled",
    "CodeUsed",
    "DecryptFailed",
    "Hint",
    "InternalError",
    "InvalidCode",
    "InvalidRequest",
    "InvalidToken",
    "MalformedUpload",
    "MethodNotAllowed",
    "MissingToken",
    "NotFound",
    "NotMultipart",
    "PassportError",
    "PayloadTooLarge",
    "PictureTooLarge",
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
    "catalogue",
]


def _classes(base: type[PassportError]) -> list[type[PassportError]]:
    return [base, *(each for direct in base.__subclasses__() for each in _classes(direct))]


def catalogue() -> dict[str, type[PassportError]]:
    """Every refusal by its code; the README's table and the record of a refused code are read from it."""
    return {cls.code: cls for cls in reversed(_classes(PassportError)[1:])}
