"""Pushes that are not WeChat's: forged, stripped, stale, of another app, hostile. One answer, and nothing happens."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from passport.logs import configure_logging
from sandbox import StandIn, pushes
from sandbox.pushes import Push, PushSecrets, new_secrets
from tests.client import API, Reply
from tests.conftest import APPID, Clock
from tests.integration.helpers import OTHER_APPID, OTHER_SECRET
from tests.integration.pushes import (
    Database,
    Document,
    deliver,
    delivered,
    expecting_pushes,
    person_with_everything,
    without,
)

CANARY = "c4n4ry-of-a-file"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """One app in encrypted mode, one that expects no pushes."""
    stand_in.people.apps[OTHER_APPID] = OTHER_SECRET
    expecting = expecting_pushes(stand_in)
    expecting["wechat"]["apps"].append({"appid": OTHER_APPID, "secret": OTHER_SECRET})
    return expecting


def everything(database: Database) -> dict[str, list[Document]]:
    """All documents about people and pushes."""
    return {name: list(database[name].find()) for name in ("users", "avatars", "push_receipts")}


async def check_refused(api: API, database: Database, push: Push, **changes: Any) -> None:
    """403, the same words whatever is wrong, and nothing changed."""
    before = everything(database)
    reply: Reply = await deliver(api, push, **changes)
    told = {name: value for name, value in reply.json.items() if name != "request_id"}
    assert (reply.status, told["error"]) == (403, "push_refused")
    assert told.keys() == {"error", "error_description", "hint"}
    assert told["error_description"].startswith("This push is not accepted")
    assert everything(database) == before


def made(
    api: API, message: bytes, *, appid: str = APPID, agreed: PushSecrets | None = None, form: Any = "JSON"
) -> Push:
    """These very bytes, sent by WeChat."""
    people = api.stand_in.people
    return pushes.wrap(
        message,
        agreed or people.push_secrets,
        appid=appid,
        mode="encrypted",
        form=form,
        at=int(people.now()),
    )


async def test_a_push_with_a_wrong_or_missing_signature_is_refused(api: API, database: Database) -> None:
    await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", revoke_info=6)
    wrong: list[dict[str, str]] = [
        {},
        {name: value for name, value in push.query.items() if name != "msg_signature"},
        push.query | {"msg_signature": "0" * 40},
        push.query | {"msg_signature": push.query["msg_signature"].swapcase() + " "},
        push.query | {"msg_signature": push.query["signature"]},
        push.query | {"nonce": push.query["nonce"] + "1"},
        push.query | {"timestamp": str(int(push.query["timestamp"]) + 1)},
        push.query | {"timestamp": "٣"},
        push.query | {"msg_signature": "é" * 40},
        push.query | {"nonce": "n" * 600},
    ]
    for query in wrong:
        await check_refused(api, database, push, query=query)
    doubled = [*push.query.items(), ("nonce", push.query["nonce"])]
    await check_refused(api, database, push, query=doubled)
    await delivered(api, push)


async def test_a_push_made_with_other_secrets_is_refused(api: API, database: Database) -> None:
    await person_with_everything(api, database, "mei")
    people = api.stand_in.people
    fields = pushes.fields_of(
        "user_authorization_cancellation", appid=APPID, openid=people.openid("mei"), created=int(people.now())
    )
    known, guessed = people.push_secrets, new_secrets()
    for agreed in (
        guessed,
        PushSecrets(known.token, guessed.encoding_aes_key),
        PushSecrets(guessed.token, known.encoding_aes_key),
    ):
        await check_refused(api, database, made(api, pushes.render(fields, "JSON"), agreed=agreed))


async def test_another_body_under_a_true_signature_is_refused(api: API, database: Database) -> None:
    await person_with_everything(api, database, "mei")
    people = api.stand_in.people
    mild = people.push("mei", revoke_info=1)
    harsh = people.push("mei", "user_authorization_cancellation")
    plain = people.push("mei", "user_authorization_cancellation", mode="plain")
    for body in (harsh.body, plain.body):
        await check_refused(api, database, mild, body=body)
    sealed = json.loads(mild.body)["Encrypt"]
    for changed in (
        sealed[:-8] + "AAAAAAA=",
        sealed[4:],
        sealed + "AAAA",
        "",
        None,
        1,
        ["a"],
        {"$ne": 1},
        "\ud800",
    ):
        await check_refused(api, database, mild, body=json.dumps({"Encrypt": changed}).encode())


@pytest.mark.parametrize("form", ["XML", "JSON"])
async def test_encryption_cannot_be_left_out(api: API, database: Database, form: Any) -> None:
    mei = await person_with_everything(api, database, "mei")
    people = api.stand_in.people
    await check_refused(api, database, people.push("mei", revoke_info=6, mode="plain", form=form))
    compatible = people.push("mei", revoke_info=8, mode="compatible", form=form)
    plain_copy = people.push("mei", revoke_info=6, mode="plain", form=form).body
    await check_refused(api, database, compatible, body=plain_copy)
    # The copy beside the ciphertext says something else, and nobody believes it.
    lied = compatible.body.replace(b"user_authorization_revoke", b"user_authorization_cancellation")
    assert lied != compatible.body
    assert (await deliver(api, compatible, body=lied)).status == 200
    assert list(database.users.find()) == [without(mei, "phone")]


@pytest.mark.parametrize("minutes", [-11, 11, -60 * 24 * 365])
async def test_a_push_from_another_time_is_refused(
    api: API, database: Database, clock: Clock, minutes: int
) -> None:
    await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", revoke_info=6)
    clock.advance(minutes=minutes)
    await check_refused(api, database, push)


async def test_a_push_to_another_app_is_refused(api: API, database: Database) -> None:
    await person_with_everything(api, database, "mei")
    people = api.stand_in.people
    fields = pushes.fields_of(
        "user_authorization_revoke", appid=APPID, openid=people.openid("mei"), created=1, revoke_info=6
    )
    await check_refused(api, database, made(api, pushes.render(fields, "JSON"), appid=OTHER_APPID))
    for form in pushes.FORMS:
        of_another = pushes.render(fields | {"AppID": OTHER_APPID}, form)
        await check_refused(api, database, made(api, of_another, form=form))


async def test_an_app_without_pushes_looks_like_no_app(api: API) -> None:
    push = api.stand_in.people.push("mei", revoke_info=6)
    answers = []
    for appid in (OTHER_APPID, "wx00000000000000ff"):
        for reply in (
            await deliver(api, push, appid=appid),
            await api.get(f"/wechat/events/{appid}?echostr=1"),
        ):
            assert (reply.status, reply.error) == (404, "not_found")
            answers.append({name: value for name, value in reply.json.items() if name != "request_id"})
    assert all(answer == answers[0] for answer in answers)


async def test_an_echo_without_a_signature_is_refused(api: API) -> None:
    for query in ("", "?echostr=<script>", "?echostr=1&timestamp=1&nonce=1&signature=" + "0" * 40):
        reply = await api.get(f"/wechat/events/{APPID}{query}")
        assert (reply.status, reply.error) == (403, "push_refused")


def hostile_messages(openid: str, file: str) -> list[bytes]:
    """What must not be read, inside or outside of the encryption."""
    xml = (
        f"<xml><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>user_authorization_cancellation</Event>"
        f"<OpenID>{openid}</OpenID></xml>"
    )
    entities = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 20))
    event = '"CreateTime": 1, "MsgType": "event", "Event": "user_authorization_cancellation"'
    return [
        b"<!DOCTYPE xml>" + xml.encode(),
        f'<!DOCTYPE xml [<!ENTITY f SYSTEM "file://{file}">]>{xml.replace(openid, "&f;")}'.encode(),
        f'<!DOCTYPE xml SYSTEM "file://{file}">{xml}'.encode(),
        f'<!DOCTYPE xml [<!ENTITY % f SYSTEM "http://127.0.0.1:9/">%f;]>{xml}'.encode(),
        f'<!DOCTYPE xml [<!ENTITY x0 "ha">{entities}]>{xml.replace(openid, "&x19;")}'.encode(),
        xml.encode("utf-16"),
        b"<xml>" + b"<a>" * 10_000,
        xml.replace("</xml>", f"<OpenID>{openid}</OpenID></xml>").encode(),
        xml.replace(openid, f"<b>{openid}</b>").encode(),
        f'{{{event}, "OpenID": {{"$ne": null}}}}'.encode(),
        f'{{{event}, "OpenID": {{"$gt": ""}}}}'.encode(),
        f'{{{event}, "OpenID": [{{"$regex": "."}}]}}'.encode(),
        f'{{{event}, "OpenID": "{openid}", " OpenID": "{openid}"}}'.encode(),
        f'{{{event}, "OpenID": "{openid}", "OpenID": "{openid}"}}'.encode(),
        f'{{{event}, "OpenID": "{openid}", "x": NaN}}'.encode(),
        f'{{{event}, "OpenID": "{openid}", "x": {"9" * 5000}}}'.encode(),
        f'{{{event}, "OpenID": "{openid}", "x": {"[" * 2000 + "]" * 2000}}}'.encode(),
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b"[]",
        b"",
    ]


async def test_hostile_xml_and_json_are_refused_outside_and_inside(
    api: API, database: Database, tmp_path: Any, log_records: list[logging.LogRecord]
) -> None:
    file = tmp_path / "canary"
    file.write_text(CANARY)
    await person_with_everything(api, database, "mei")
    openid = api.stand_in.people.openid("mei")
    for message in hostile_messages(openid, str(file)):
        push = made(api, message)
        await check_refused(api, database, push)
        await check_refused(api, database, push, body=message)
    assert CANARY not in str([vars(record) for record in log_records])


async def test_an_oversized_push_is_refused_unread(api: API) -> None:
    push = api.stand_in.people.push("mei", revoke_info=6)
    for body, whole in ((b"<" * (64 * 1024 + 1), True), (b"<" * (1024 * 1024), False)):
        reply = await deliver(api, push, body=body)
        assert (reply.status, reply.error) == (413, "payload_too_large"), whole


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    """All that the server would write to its log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_the_log_names_the_reason_and_no_person_or_secret(
    api: API, database: Database, log_text: io.StringIO
) -> None:
    mei = await person_with_everything(api, database, "mei")
    people = api.stand_in.people
    push = people.push("mei", revoke_info=6)
    await check_refused(api, database, push, query=push.query | {"msg_signature": "0" * 40})
    await delivered(api, push)
    logged = log_text.getvalue()
    assert '"reason": "signature"' in logged
    assert '"outcome": "erased"' in logged
    agreed = people.push_secrets
    for secret in (
        agreed.token,
        agreed.encoding_aes_key,
        *push.query.values(),
        people.openid("mei"),
        mei["phone"]["number"],
    ):
        assert secret == "aes" or secret not in logged
