"""The words of the document that no declaration holds: what the API is, and how its operations are grouped."""

from __future__ import annotations

import tomllib
from pathlib import Path

TITLE = "wxpassport"
# One place has the version: the project's own file, which is always beside server.py.
VERSION: str = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]["version"]

DESCRIPTION = """\
Login, registration and user administration for WeChat mini-programs (微信小程序).

**The first visit.** Call `wx.login`, then `wx.getUserInfo`, and send `code`, `encryptedData` and `iv` to
`POST /oauth/token`. A new user gets 401 `unregistered`: send the same three to `POST /accounts/wxapp`, and then to
`POST /oauth/token` again. One `code` serves all three calls.

**Bodies** are JSON in UTF-8 (the default of `wx.request`) or form-encoded; a body without a Content-Type is taken for a
form. A member that is null counts as absent, unknown members are ignored, and a name given twice is refused. The
limit is 64 KiB.

**Refusals** have one shape. `error` is stable: branch on it. `hint` says what to change, in Chinese, or in English by
`Accept-Language`. Beside what each operation names, a path that is not here answers 404 `not_found`, and a method that
its path does not have 405 `method_not_allowed`.
"""

TAGS = {
    "Sign-in": "Sign in, renew and end what a sign-in gave (RFC 6749, 7009, 7662).",
    "Accounts": "Register, and what a signed-in user may see and change.",
    "WeChat": "What WeChat's servers send here.",
    "Discovery": "What other software needs to work with this server on its own.",
    "Health": "For supervisors and load balancers.",
    "Other": "The rest.",
}
_TAG_BY_SEGMENT = {
    "oauth": "Sign-in",
    "accounts": "Accounts",
    "avatars": "Accounts",
    "wechat": "WeChat",
    ".well-known": "Discovery",
    "openapi.json": "Discovery",
    "healthz": "Health",
    "readyz": "Health",
    "metrics": "Health",
}


def tag_of(path: str) -> str:
    """The group of a path, by its first segment."""
    return _TAG_BY_SEGMENT.get(path.split("/")[1], "Other")
