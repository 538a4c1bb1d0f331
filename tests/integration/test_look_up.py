"""A pasted token is explained as the door would treat it: valid, or why not, since when and by whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from passport.errors import AccountDisabled, InvalidGrant, InvalidToken
from passport.explained import Explained, Finding
from passport.pasted import Form
from passport.services import Services
from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import APPID, Clock
from tests.integration.helpers import with_two_apps
from tests.security.conftest import SHOP
from tests.security.forged_tokens import Forger
from tests.security.token_kinds import KINDS, Kind, Stage, good_access_token, good_refresh_token

Database = Any


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two apps and the shop."""
    servers = [{"id": SHOP.id, "secret": SHOP.secret}]
    return {**with_two_apps(stand_in), "resource_servers": servers}


@pytest.fixture
def tokens(io_loop: Any, api: API) -> dict[str, Any]:
    """What mei's sign-in answered."""
    return dict(io_loop.run_sync(lambda: sign_in(api, "mei")))


async def sign_in(api: API, person: str) -> dict[str, Any]:
    await api.register({**api.wx_login(person), "appid": APPID})
    return (await api.token({**api.wx_login(person), "appid": APPID})).json


async def findings(services: Services, text: str) -> list[str]:
    return [each.finding for each in (await services.look_up.explain(text)).found]


async def door(services: Services, token: str) -> bool:
    """Whether the token is let in anywhere."""
    try:
        if token.startswith("wpr_"):
            await services.sessions.refresh(token)
        else:
            await services.access.admit(token)
    except (InvalidToken, InvalidGrant, AccountDisabled):
        return False
    return True


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
async def test_a_token_is_called_valid_when_the_door_lets_it_in_and_never_else(
    api: API,
    services: Services,
    database: Database,
    clock: Clock,
    mongodb_uri: str,
    tokens: dict[str, Any],
    kind: Kind,
) -> None:
    token = await kind(Stage(api, services, database, clock, mongodb_uri, tokens))
    explained = await services.look_up.explain(token)
    if explained.form in (Form.JWT, Form.REFRESH_TOKEN):
        valid = explained.answer.finding is Finding.VALID
        assert valid == await door(services, token)
        assert valid == (kind in (good_access_token, good_refresh_token))


async def test_no_forged_token_is_called_valid(services: Services, tokens: dict[str, Any]) -> None:
    forger = Forger(services.keys, tokens["access_token"])
    corpus = forger.everything()
    assert len(corpus) >= 150
    wrong = {}
    for name, token in corpus.items():
        explained = await services.look_up.explain(token)
        # What is around a token, or breaks its lines, is overlooked, and so is not what the door would see.
        same = (await services.look_up.explain(tokens["access_token"])).claims == explained.claims
        if explained.answer.finding is Finding.VALID and not same:
            wrong[name] = explained
    assert wrong == {}


async def test_a_token_that_was_altered_is_not_believed(services: Services, tokens: dict[str, Any]) -> None:
    forger = Forger(services.keys, tokens["access_token"])
    head, claims, signature = forger.good.split(".")
    for altered in (
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims[:-4]}AAAA.{signature}",
        f"{head}.{claims}.",
    ):
        explained = await services.look_up.explain(altered)
        assert explained.answer.finding in (Finding.BAD_SIGNATURE, Finding.NO_TOKEN)
        assert not explained.trusted
        assert (explained.session, explained.user) == (None, None)


async def test_a_valid_token_tells_its_session_and_its_key(
    services: Services, tokens: dict[str, Any]
) -> None:
    explained = await services.look_up.explain(f"Bearer {tokens['access_token']}")
    assert explained.session is not None
    assert explained.user is not None
    assert explained.user.user_id == tokens["account_id"]
    assert explained.key is not None
    assert explained.key.state == "signing"
    assert (explained.trusted, explained.claims["client_id"]) == (True, APPID)


async def test_an_expired_token_tells_when(services: Services, clock: Clock, tokens: dict[str, Any]) -> None:
    before = clock()
    clock.advance(hours=3)
    explained = await services.look_up.explain(tokens["access_token"])
    assert [each.finding for each in explained.found] == [Finding.EXPIRED]
    assert explained.answer.at is not None
    assert before < explained.answer.at < clock()


@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
async def test_a_session_that_was_ended_tells_by_whom_and_when(
    api: API, services: Services, tokens: dict[str, Any], token: str
) -> None:
    await api.post("/oauth/revoke", data={"token": tokens["refresh_token"]})
    explained = await services.look_up.explain(tokens[token])
    session = explained.session
    assert session is not None
    assert (explained.answer.finding, explained.answer.by) == (Finding.SESSION_ENDED, "client")
    assert explained.answer.at == session.ended_at


@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
async def test_a_ban_is_told_first_with_who_and_when(
    services: Services, tokens: dict[str, Any], token: str
) -> None:
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    explained = await services.look_up.explain(tokens[token])
    assert [each.finding for each in explained.found] == [Finding.BANNED, Finding.SESSION_ENDED]
    assert (explained.answer.by, explained.found[1].by) == ("lin", "ban")
    await services.users.unban(tokens["account_id"])
    assert await findings(services, tokens[token]) == [Finding.SESSION_ENDED]


async def test_a_ban_whose_marks_are_not_on_the_sessions_yet_ends_them_all_the_same(
    services: Services, database: Database, tokens: dict[str, Any]
) -> None:
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    database.sessions.update_many({}, {"$unset": {"ended_at": "", "ended_by": ""}})
    await services.users.unban(tokens["account_id"])
    assert await findings(services, tokens["access_token"]) == [Finding.ALL_ENDED]


async def test_a_sign_out_everywhere_else_is_told(
    api: API, services: Services, tokens: dict[str, Any]
) -> None:
    here = (await api.token({**api.wx_login("mei"), "appid": APPID})).json
    reply = await api.delete("/accounts/me/sessions", headers=bearer(here["access_token"]))
    assert reply.status == 204
    explained = await services.look_up.explain(tokens["access_token"])
    assert (explained.answer.finding, explained.answer.by) == (Finding.SESSION_ENDED, "user")
    assert await findings(services, here["access_token"]) == [Finding.VALID]


async def test_a_closed_account_is_told(api: API, services: Services, tokens: dict[str, Any]) -> None:
    user = await services.users.find(tokens["account_id"])
    assert user is not None
    await services.closing.close(user, by="wechat")
    explained = await services.look_up.explain(tokens["access_token"])
    assert (explained.answer.finding, explained.answer.by) == (Finding.ACCOUNT_CLOSED, "wechat")
    explained = await services.look_up.explain(tokens["account_id"])
    assert explained.answer.finding is Finding.ACCOUNT_CLOSED


async def test_a_key_that_was_revoked_is_told(services: Services, tokens: dict[str, Any]) -> None:
    kid = services.keys.signer.kid
    await services.keys._signing_keys.revoke(kid)
    await services.keys.reload()
    explained = await services.look_up.explain(tokens["access_token"])
    assert explained.answer.finding is Finding.KEY_REVOKED
    assert explained.key is not None
    assert explained.key.revoked_at == explained.answer.at


async def test_a_refresh_token_is_followed_through_its_life(
    api: API, services: Services, clock: Clock, tokens: dict[str, Any]
) -> None:
    first = tokens["refresh_token"]
    assert await findings(services, first) == [Finding.VALID]
    second = (await api.refresh(first)).json["refresh_token"]
    assert await findings(services, first) == [Finding.JUST_REPLACED]
    clock.advance(minutes=1)
    assert await findings(services, first) == [Finding.REPLACED]
    assert await findings(services, second) == [Finding.VALID]
    # Asking about it is no use of it.
    assert (await api.refresh(second)).status == 200
    assert (await api.refresh(first)).error == "invalid_grant"
    replayed = await services.look_up.explain(second)
    assert (replayed.answer.finding, replayed.answer.by) == (Finding.SESSION_ENDED, "replay")
    assert replayed.generation == 2


async def test_a_refresh_token_that_nobody_used_is_told(
    services: Services, clock: Clock, tokens: dict[str, Any]
) -> None:
    clock.advance(days=31)
    assert await findings(services, tokens["refresh_token"]) == [Finding.UNUSED]
    clock.advance(days=90)
    assert Finding.SESSION_OVER in await findings(services, tokens["refresh_token"])


async def test_a_refresh_token_we_never_made_is_told(services: Services, tokens: dict[str, Any]) -> None:
    for text in ("wpr_", "wpr_short", "wpr_" + "A" * 86, tokens["refresh_token"][:-1]):
        assert await findings(services, text) == [Finding.NOT_OURS]


async def test_a_request_id_leads_to_its_refusal(api: API, services: Services) -> None:
    reply = await api.token({**api.wx_login("mei"), "appid": APPID, "code": "unknown"})
    await services.refusals.flush()
    for text in (reply.json["request_id"], str(reply.json)):
        explained = await services.look_up.explain(text)
        assert explained.answer.finding is Finding.REFUSED
        assert [each.error for each in explained.refusals] == ["invalid_code"]
    assert await findings(services, "0" * 16) == [Finding.NOT_FOUND]


async def test_a_rid_leads_to_its_refusal(api: API, services: Services, database: Database) -> None:
    await api.token({**api.wx_login("mei"), "appid": APPID, "code": "unknown"})
    await services.refusals.flush()
    rid = database.refusals.find_one({})["rid"]
    assert await findings(services, f"invalid code, rid: {rid}") == [Finding.REFUSED]


async def test_an_account_and_a_session_are_found_by_their_ids(
    services: Services, tokens: dict[str, Any]
) -> None:
    claims = services.tokens.verify(tokens["access_token"])
    assert (await services.look_up.explain(tokens["account_id"])).answer.finding is Finding.ACCOUNT
    session = await services.look_up.explain(claims.session_id)
    assert (session.answer.finding, session.session is not None) == (Finding.VALID, True)
    assert await findings(services, "0" * 24) == [Finding.NOT_FOUND]


async def test_an_openid_and_a_unionid_lead_to_the_account(
    api: API, services: Services, tokens: dict[str, Any]
) -> None:
    for text in (api.stand_in.people.openid("mei", APPID), str(api.stand_in.people.unionid("mei"))):
        explained = await services.look_up.explain(text)
        assert (explained.answer.finding, explained.user is not None) == (Finding.ACCOUNT, True)


async def test_an_openid_without_an_account_leads_to_what_was_refused(api: API, services: Services) -> None:
    await api.token({**api.wx_login("bo"), "appid": APPID})
    await services.refusals.flush()
    explained = await services.look_up.explain(api.stand_in.people.openid("bo", APPID))
    assert explained.answer.finding is Finding.UNREGISTERED
    assert [each.error for each in explained.refusals] == ["unregistered"]
    assert explained.who is not None


async def test_looking_up_changes_nothing_and_logs_nothing_of_it(
    services: Services, database: Database, tokens: dict[str, Any], log_records: list[Any]
) -> None:
    before = [list(database[name].find()) for name in ("users", "sessions", "refusals")]
    texts = [tokens["access_token"], tokens["refresh_token"], tokens["access_token"][:-2] + "AA"]
    explained: list[Explained] = await asyncio.gather(*[services.look_up.explain(each) for each in texts])
    assert [list(database[name].find()) for name in ("users", "sessions", "refusals")] == before
    secrets = {part for text in texts for part in text.split(".") if len(part) > 40}
    shown = repr(explained) + "".join(
        f"{each.__dict__!r}" for each in log_records if "pymongo" not in each.name
    )
    assert [secret for secret in secrets if secret in shown] == []
