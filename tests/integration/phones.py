"""What the tests of phone numbers share: the paths, a bearer, their calls."""

from __future__ import annotations

from tests.client import API, Reply
from tests.conftest import APPID

PHONE = "/accounts/me/phone"
STABLE_TOKEN = "/cgi-bin/stable_token"
PHONE_NUMBER = "/wxa/business/getuserphonenumber"

Headers = dict[str, str]


async def bearer(api: API, person: str, appid: str = APPID) -> Headers:
    """Register and sign in the person in this mini-program; the header of their token."""
    visit = {**api.wx_login(person, appid=appid), "appid": appid}
    assert (await api.register(visit)).status in (200, 201)
    reply = await api.token(visit)
    assert reply.status == 200, reply
    return {"Authorization": f"Bearer {reply.json['access_token']}"}


async def bind(api: API, headers: Headers, phone_code: str | None = None) -> Reply:
    """Bind the number of this code, or of a new one of mei's."""
    code = phone_code or api.stand_in.people.phone_code("mei")
    return await api.post(PHONE, json={"phone_code": code}, headers=headers)


async def phone_of(api: API, headers: Headers) -> str | None:
    """The number that GET /accounts/me shows."""
    shown = (await api.get("/accounts/me", headers=headers)).json.get("phone")
    return shown["number"] if shown else None
