"""`POST /cgi-bin/stable_token` (WeChat: auth.getStableAccessToken): the checks and the answer, without HTTP."""

from collections.abc import Mapping
from typing import Any

from sandbox.errcodes import Refused, refusal
from sandbox.people import People

SPECIMEN = {"access_token": "wxat-specimen_specimen_specimen", "expires_in": 7200}


def stable_token(fields: Mapping[str, Any], people: People) -> dict[str, Any]:
    """The body that WeChat would send: a token and how long it lives, or an errcode."""
    try:
        return _give(fields, people)
    except Refused as refused:
        return refusal(refused.errcode, now=people.now())


def _give(fields: Mapping[str, Any], people: People) -> dict[str, Any]:
    appid, secret = str(fields.get("appid", "")), str(fields.get("secret", ""))
    if not appid:
        raise Refused(41002)
    if appid not in people.apps:
        raise Refused(40013)
    if not secret:
        raise Refused(41004)
    people.authenticate(appid, secret)
    if fields.get("grant_type") != "client_credential":
        raise Refused(40002)
    token = people.access_tokens.give(appid, force_refresh=fields.get("force_refresh") is True)
    return {"access_token": token.value, "expires_in": int(token.expires_at - people.now())}
