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

**The session.** Send the `access_token` as `Authorization: Bearer …` until it expires; then send the `refresh_token` to
`POST /oauth/token` with `grant_type=refresh_token`, and keep the new one, since each works once. 401 `invalid_token` to
a call, or 400 `invalid_grant` to a refresh, means that the session is over: begin with `wx.login`.

**Bodies** are JSON in UTF-8 (the default of `wx.request`) or form-encoded; a body without a Content-Type is taken for a
form. A member that is null counts as absent, unknown members are ignored, and a name given twice is refused. The
limit is 64 KiB.

**Refusals** have one shape. `error` is stable: branch on it. `hint` says what to change, in Chinese, or in English by
`Accept-Language`. Beside what each operation names, a path that is not here answers 404 `not_found`, and a method that
its path does not have 405 `method_not_allowed`.
"""

TAGS = {
    "Sign-in": "Register, sign in, renew a session and end it (RFC 6749, RFC 7009).",
    "Account": "What a signed-in user may see, correct, take along and close.",
    "Sessions": "Where a user is signed in.",
    "Phone": "The number that a user shows to the mini-program.",
    "Avatar": "The picture that a user uploads.",
    "Pushes": "What WeChat's servers send here.",
    "Services": "What other software needs to work with this server (RFC 7517, RFC 7662, RFC 8414).",
    "Health": "For supervisors and load balancers.",
    "Other": "The rest.",
}
# The first that fits counts.
_TAG_BY_PREFIX = {
    "/oauth/introspect": "Services",
    "/oauth/": "Sign-in",
    "/accounts/me/sessions": "Sessions",
    "/accounts/me/phone": "Phone",
    "/accounts/me/avatar": "Avatar",
    "/accounts/me": "Account",
    "/accounts/": "Sign-in",
    "/avatars/": "Avatar",
    "/wechat/": "Pushes",
    "/.well-known/": "Services",
    "/openapi.json": "Services",
    "/healthz": "Health",
    "/readyz": "Health",
    "/metrics": "Health",
}

# What stands in a path, by the name that the URL table gives it.
PARAMETERS = {
    "appid": "The mini-program's appid.",
    "avatar_id": "As avatar_url has it.",
    "issuer_path": "The path of `tokens.issuer`, where it has one (RFC 8414 section 3).",
    "session_id": "The `id` of a session of the user, as `GET /accounts/me/sessions` lists them.",
}


def tag_of(path: str) -> str:
    """The group of a path, by how it begins."""
    return next((tag for prefix, tag in _TAG_BY_PREFIX.items() if path.startswith(prefix)), "Other")
