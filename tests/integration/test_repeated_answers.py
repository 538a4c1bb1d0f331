"""The answer of a used code is repeated to the very same request alone, and to nobody who may no longer sign in."""

from __future__ import annotations

from passport.services import Services
from tests.client import API


async def test_a_ban_in_between_ends_the_repetition(api: API, services: Services) -> None:
    account_id = await api.registered("mei")
    credentials = api.wx_login("mei")
    assert (await api.token(credentials)).status == 200
    await services.users.ban(account_id, reason="spam", by="lin")

    for repeated in (await api.token(credentials), await api.register(credentials)):
        assert (repeated.status, repeated.error) == (403, "account_disabled")


async def test_another_signature_is_another_request(api: API) -> None:
    await api.registered("mei")
    credentials = api.wx_login("mei")
    assert (await api.token(credentials)).status == 200

    forged = {**credentials, "signature": "0" * 40}
    reply = await api.token(forged)
    assert (reply.status, reply.error) == (403, "code_used")
