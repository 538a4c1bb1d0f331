"""Forged, altered and misused access tokens (R-003, R-004, R-005): none is accepted, none is an error of ours."""

from __future__ import annotations

import socket
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passport.errors import InvalidToken
from passport.services import Services, make_services
from passport.tokens import Tokens
from tests.client import API
from tests.conftest import Clock
from tests.security.forged_tokens import Forger
from tests.security.jws import b64, es, part

ME = "/accounts/me"
# What an HTTP header can carry at all; the longer ones never get past the 16 KiB of all headers.
SENDABLE = 12_000


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def mei(io_loop: IOLoop, api: API) -> str:
    """Mei's access token."""
    token: str = io_loop.run_sync(lambda: api.signed_in("mei"))
    return token


@pytest.fixture
def forger(services: Services, mei: str) -> Forger:
    """Somebody with a good token and no scruples."""
    return Forger(services.keys, mei)


@pytest.fixture
def outbound(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that this process tries to connect to during the test, by whatever library."""
    attempts: list[Any] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def noted_connect(self: socket.socket, address: Any) -> None:
        attempts.append(address)
        connect(self, address)

    def noted_connect_ex(self: socket.socket, address: Any) -> int:
        attempts.append(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", noted_connect_ex)
    return attempts


def verdict(tokens: Tokens, token: str) -> str:
    try:
        tokens.verify(token)
    except InvalidToken:
        return "refused"
    return "accepted"


async def test_the_good_token_is_accepted_so_that_the_refusals_mean_something(
    api: API, services: Services, forger: Forger
) -> None:
    assert services.tokens.verify(forger.good).user_id == forger.claims["sub"]
    assert services.tokens.verify(forger.says()).user_id == forger.claims["sub"]
    assert (await api.get(ME, headers=bearer(forger.says()))).status == 200


async def test_no_forged_token_passes_the_verifier(services: Services, forger: Forger) -> None:
    corpus = forger.everything()
    assert len(corpus) >= 150
    # sub is verified where the user is looked up, so a well-formed id of nobody is a matter for HTTP.
    nobody = {
        name for name in corpus if "sub" in name and ("000" in name or "not an id" in name or "ud800" in name)
    }
    wrong = {name for name, token in corpus.items() if verdict(services.tokens, token) == "accepted"}
    assert wrong - nobody == set()


async def test_no_forged_token_opens_the_account_over_http(api: API, forger: Forger) -> None:
    answers: dict[str, tuple[int, str | None]] = {}
    for name, token in forger.everything().items():
        spelling = token.encode("utf-8", "surrogatepass").decode("latin1")
        # Whitespace around a header's value is not part of it (RFC 9110 section 5.5), and aiohttp sends no controls.
        if (
            len(token) > SENDABLE
            or not spelling.isprintable()
            or spelling != spelling.strip()
            or not spelling
        ):
            continue
        reply = await api.get(ME, headers=bearer(spelling))
        answers[name] = reply.status, reply.error
        assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"], name
    assert len(answers) >= 150
    assert {name: answer for name, answer in answers.items() if answer != (401, "invalid_token")} == {}


async def test_headers_that_name_a_key_make_no_connection_and_open_no_file(
    services: Services, forger: Forger, outbound: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(*_: Any, **__: Any) -> None:
        raise AssertionError("verification opened a file")

    tokens = [*dict(forger.key_carrying_headers()).values(), *dict(forger.key_ids()).values()]
    monkeypatch.setattr("builtins.open", no_file)
    verdicts = {verdict(services.tokens, token) for token in tokens}
    monkeypatch.undo()
    assert verdicts == {"refused"}
    assert outbound == []


async def test_the_socket_guard_notices_a_connection(outbound: list[Any]) -> None:
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", 9))
    assert outbound == [("127.0.0.1", 9)]


async def test_an_expired_token_is_refused_by_our_clock_and_not_before(
    api: API, mei: str, clock: Clock
) -> None:
    clock.advance(minutes=60, seconds=5)  # within the leeway of ten seconds
    assert (await api.get(ME, headers=bearer(mei))).status == 200
    clock.advance(seconds=10)
    refused = await api.get(ME, headers=bearer(mei))
    assert (refused.status, refused.error) == (401, "invalid_token")


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_clock_eight_seconds_ahead_is_accepted_and_sixty_one_are_not(
    api: API, forger: Forger, claim: str, clock: Clock
) -> None:
    now = int(clock.timestamp())
    assert (await api.get(ME, headers=bearer(forger.says(**{claim: now + 8})))).status == 200
    refused = await api.get(ME, headers=bearer(forger.says(**{claim: now + 61})))
    assert (refused.status, refused.error) == (401, "invalid_token")


async def test_a_token_of_another_deployment_is_refused(
    api: API, services: Services, mei: str, mongodb_uri: str, database: Any, clock: Clock
) -> None:
    """Another secret_key and another database, but the same issuer and the same user id."""
    other_settings = services.settings.model_copy(
        update={"mongodb": services.settings.mongodb.model_copy(update={"database": f"{database.name}_b"})}
    )
    other = make_services(
        other_settings, mongodb_uri=mongodb_uri, secret_key=b"another secret " * 3, now=clock
    )
    try:
        await other.readiness.prepare()
        claims = services.tokens.verify(mei)
        forged = other.tokens.issue(
            user_id=claims.user_id, appid=claims.appid, session_id=claims.session_id, until=in_an_hour(clock)
        )
        assert other.tokens.verify(forged.token).user_id == claims.user_id
        assert (await api.get(ME, headers=bearer(forged.token))).error == "invalid_token"
    finally:
        database.client.drop_database(f"{database.name}_b")
        await other.close()


def in_an_hour(clock: Clock) -> datetime:
    """When the session of a forged token would end."""
    return clock() + timedelta(hours=1)


async def test_a_token_of_another_issuer_with_our_keys_is_refused(
    api: API, services: Services, mei: str, clock: Clock
) -> None:
    claims = services.tokens.verify(mei)
    elsewhere = Tokens(
        keys=services.keys, issuer="https://login.example.net", ttl=timedelta(hours=1), now=clock
    )
    forged = elsewhere.issue(
        user_id=claims.user_id, appid=claims.appid, session_id=claims.session_id, until=in_an_hour(clock)
    )
    assert (await api.get(ME, headers=bearer(forged.token))).error == "invalid_token"


async def test_the_mirrored_signature_says_the_same_and_no_more(services: Services, forger: Forger) -> None:
    """ECDSA lets anybody turn (r, s) into (r, n - s), so tokens are told apart by jti and never by their text."""
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed = f"{part(forger.header())}.{part(forger.claims)}"
    first = es(forger.header(), forger.claims, forger.ours)
    raw = urlsafe_b64decode(first.rsplit(".", 1)[1] + "==")
    mirrored = raw[:32] + (n - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    assert services.tokens.verify(f"{signed}.{b64(mirrored)}") == services.tokens.verify(first)


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic {}")],
        [("Authorization", "bearer{}")],
        [("Authorization", "{}")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer {}"), ("Authorization", "Bearer {}")],
        [("Authorization", "Token {}")],
        [("Authorization", "Bearer {}, Bearer {}")],
        [("Authorization", "Bearer\t{}")],
    ],
)
async def test_a_good_token_in_a_wrong_header_is_refused(
    api: API, mei: str, headers: list[tuple[str, str]]
) -> None:
    given = [(name, value.replace("{}", mei)) for name, value in headers]
    refused = await api.get(ME, headers=given)
    assert (refused.status, refused.error) == (401, "invalid_token")


async def test_a_good_token_anywhere_but_in_its_header_is_no_token(api: API, mei: str) -> None:
    """RFC 6750 sections 2.2 and 2.3 are not offered, and a cookie never was."""
    for refused in (
        await api.get(f"{ME}?access_token={mei}"),
        await api.get(ME, headers={"Cookie": f"access_token={mei}; Authorization=Bearer {mei}"}),
        await api.get(ME, headers={"X-Access-Token": mei, "Proxy-Authorization": f"Bearer {mei}"}),
        await api.get(
            ME, data=f"access_token={mei}", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ):
        assert refused.status == 401
        # Nobody sent a token, so the challenge has no error code (RFC 6750 section 3.1).
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="wxpassport"'
