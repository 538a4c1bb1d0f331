"""`POST /wxa/business/getuserphonenumber` (WeChat: getPhoneNumber): the checks and the answer, without HTTP.

The access_token comes first, so a call that WeChat refuses for its sake leaves the code good.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.errcodes import Refused, refusal
from sandbox.people import People

SPECIMEN = {
    "errcode": 0,
    "errmsg": "ok",
    "phone_info": {
        "phoneNumber": "13800000000",
        "purePhoneNumber": "13800000000",
        "countryCode": "86",
        "watermark": {"timestamp": 0, "appid": "wx0000000000000000"},
    },
}


def phone_number(fields: Mapping[str, Any], people: People) -> dict[str, Any]:
    """The body that WeChat would send: the number, with errcode 0 unlike code2session, or another errcode."""
    try:
        return _redeem(fields, people)
    except Refused as refused:
        return refusal(refused.errcode, now=people.now())


def _redeem(fields: Mapping[str, Any], people: People) -> dict[str, Any]:
    appid = people.access_tokens.check(str(fields.get("access_token", "")))
    code = str(fields.get("code", ""))
    if not code:
        raise Refused(41008)
    return {"errcode": 0, "errmsg": "ok", "phone_info": people.phones.redeem(code, appid)}
