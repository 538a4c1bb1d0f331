"""What a refusal is: a stable code, an HTTP status and the words that cure it.

`code` and `status` are the contract (RFC 6749 section 5.2 where it has a name for the case), `description` is
printable ASCII as RFC 6749 asks, and `hint` says in Chinese and in English what to change in the mini-program.
The cause of an error stays private: it is chained, logged and never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


class CommandFailed(Exception):
    """What the command line asked for cannot be done; the text says why and names the cure."""


class StartupError(CommandFailed):
    """The server cannot start; the text says why and names the cure."""


@dataclass(frozen=True)
class Hint:
    """What the reader can do about a refusal, in both languages of the API."""

    zh: str
    en: str


class PassportError(Exception):
    """A refusal that the client is told about.

    Args:
        description: ASCII text for developers; the class has a default.
        hint: overrides the class's hint where the case allows a better one.
        retry_after: whole seconds the client should wait, sent as `Retry-After`.
        wechat_errcode: the number WeChat answered with, when it was WeChat that refused.
        rid: WeChat's request id, for our log and record alone; WeChat's support asks for it.
        errmsg: WeChat's words without our secrets, for the same two.
        details: further members of the answer, such as when a ban ends.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    description: str
    hint: Hint
    retry_after: int | None = None
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        description: str | None = None,
        *,
        hint: Hint | None = None,
        retry_after: int | None = None,
        wechat_errcode: int | None = None,
        rid: str | None = None,
        errmsg: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        if description is not None:
            self.description = description
        if hint is not None:
            self.hint = hint
        if retry_after is not None:
            self.retry_after = retry_after
        self.wechat_errcode = wechat_errcode
        self.rid = rid
        self.errmsg = errmsg
        self.details = dict(details or {})
        super().__init__(self.description)
