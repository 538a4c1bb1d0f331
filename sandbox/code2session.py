"""`GET /sns/jscode2session` (WeChat: auth.code2Session): the checks and the answer, without HTTP.

A further WeChat call is a further file like this one and an entry in `sandbox.server`'s table.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.errcodes import Refused, refusal
from sandbox.people import People

# Has the shape of a success and belongs to nobody: what a broken answer is broken from.
SPECIMEN = {"session_key": "c3BlY2ltZW4gc2Vzc2lvbg==", "openid": "oSPECIMEN_specimen_SPECIMEN0"}


def code2session(query: Mapping[str, str], people: People) -> dict[str, Any]:
    """The body that WeChat would send: a session, or an errcode with HTTP 200 all the same."""
    try:
        return _redeem(query, people)
    except Refused as refused:
        return refusal(refused.errcode, now=people.now())


def _redeem(query: Mapping[str, str], people: People) -> dict[str, str]:
    appid, secret, code = query.get("appid", ""), query.get("secret", ""), query.get("js_code", "")
    if not appid:
        raise Refused(41002)
    if appid not in people.apps:
        raise Refused(40013)
    if not secret:
        raise Refused(41004)
    people.authenticate(appid, secret)
    if not code:
        raise Refused(41008)
    if query.get("grant_type") != "authorization_code":
        raise Refused(40002)
    return people.redeem(code, appid)
