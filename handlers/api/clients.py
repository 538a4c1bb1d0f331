"""How a resource server says who it is (RFC 6749 section 2.3.1)."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import unquote_plus

from tornado.httputil import HTTPHeaders

from passport.errors import InvalidClient, MalformedRequest


def client_credentials(
    headers: HTTPHeaders, client_id: str | None, client_secret: str | None, *, optional: bool = False
) -> tuple[str, str] | None:
    """The id and the secret, by HTTP Basic or in the body; None when there is neither.

    A lone client_id in the body names a client and proves nothing, so it counts as neither. Where authentication is
    `optional`, so does an Authorization header of another scheme.

    Raises:
        MalformedRequest: both ways are used at once.
        InvalidClient: the header is no sound Basic.
    """
    given = headers.get_list("Authorization")
    if optional and not any(each.lower().startswith("basic") for each in given):
        given = []
    if given and client_secret is not None:
        raise MalformedRequest("Authenticate by the Authorization header or in the body, not by both.")
    if given:
        return _basic(given)
    return (client_id or "", client_secret) if client_secret is not None else None


def _basic(given: list[str]) -> tuple[str, str]:
    scheme, _, encoded = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "basic":
        raise InvalidClient
    try:
        client_id, colon, secret = b64decode(encoded.strip(" "), validate=True).decode("utf-8").partition(":")
    except ValueError:
        raise InvalidClient from None
    if not colon:
        raise InvalidClient
    # Both are form-encoded before they are joined.
    return unquote_plus(client_id), unquote_plus(secret)
