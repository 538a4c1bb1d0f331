"""Name and password: who gets in, what the others are told, and which cookies are given."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from argon2 import PasswordHasher

from passport.models import Device
from passport.services import Services
from tests.client import API
from tests.integration.admin.dashboard import SESSION, Dashboard, Page
from tests.integration.admin.entering import PASSWORD, add_operator, browser, kinds, member_of, sign_in

POISONED = "$argon2id$v=19$m=8388608,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA"


def told(page: Page, name: str) -> str:
    """The page without what differs each time: the token of the form, and the name that was typed."""
    return re.sub(r'name="_xsrf" value="[^"]*"', "", page.html).replace(name, "NAME")


async def test_who_knows_name_and_password_gets_where_they_wanted(
    visitor: Dashboard, services: Services, database: Any
) -> None:
    await add_operator(services, "Lin")
    page = await sign_in(visitor, " lIN ", next_page=quote("/admin/users?status=banned"))
    assert (page.status, page.location) == (303, "/admin/users?status=banned")
    assert (await visitor.get("/admin")).status == 200
    assert kinds(database) == ["operator.signed_in"]


async def test_every_cookie_is_sent_to_us_alone_and_shown_to_no_script(
    visitor: Dashboard, services: Services
) -> None:
    await add_operator(services, "lin")
    page = await sign_in(visitor, "lin")
    given = [next(iter(SimpleCookie(line).values())) for line in page.headers.getall("Set-Cookie")]  # type: ignore[attr-defined]
    assert {cookie.key for cookie in given} >= {SESSION, "__Host-device"}
    for cookie in given:
        flags = (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"])
        assert flags == (True, True, "Lax", "/", ""), cookie.key


async def test_a_session_that_came_with_the_request_is_not_the_one_that_is_signed_in(
    visitor: Dashboard, services: Services
) -> None:
    planted = "x" * 43
    await add_operator(services, "lin")
    visitor.cookies[SESSION] = planted
    token = await visitor.xsrf_of("/admin/sign-in")
    page = await visitor.request(
        "POST", "/admin/sign-in", data={"_xsrf": token, "name": "lin", "password": PASSWORD}
    )
    assert page.status == 303
    assert visitor.cookies[SESSION] != planted
    async with browser(visitor.base_url, planted) as attacker:
        assert (await attacker.get("/admin")).status == 303


async def test_signing_in_again_ends_the_session_before(visitor: Dashboard, services: Services) -> None:
    await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    before = visitor.cookies[SESSION]
    assert (await sign_in(visitor, "lin")).status == 303
    assert visitor.cookies[SESSION] != before
    async with browser(visitor.base_url, before) as other:
        assert (await other.get("/admin")).status == 303


async def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(
    visitor: Dashboard, services: Services
) -> None:
    """R-055: unknown, wrong, locked, disabled, without a password, with a poisoned row."""
    operators, made = services.admin.operators, {}
    for name in ("wrong1", "locked", "barred", "no_pwd", "poison"):
        made[name] = (await add_operator(services, name.replace("_", "-"))).operator.operator_id
    await operators.team.disable(made["barred"], by=None)
    await operators.team.forget_password(made["no_pwd"])
    await services.store.members.set_password(made["poison"], POISONED)
    for _ in range(5):
        await sign_in(visitor, "locked", "a wrong password")
    answers, work = set(), []
    for name in ("unknwn", "wrong1", "locked", "barred", "no-pwd", "poison"):
        before = operators.passwords.verified
        right = PASSWORD if name != "wrong1" else "a wrong password"
        page = await sign_in(visitor, name, right)
        answers.add((page.status, told(page, name), page.headers.get("Retry-After")))
        work.append(operators.passwords.verified - before)
    assert len(answers) == 1
    assert work == [1] * 6


async def test_a_refusal_is_noted_for_a_known_name_and_an_unknown_one_is_kept_nowhere(
    visitor: Dashboard, services: Services, database: Any, log_records: list[Any]
) -> None:
    await add_operator(services, "lin")
    await sign_in(visitor, "lin", "my other password 1")
    await sign_in(visitor, "my-password-typed-as-name", "lin")
    assert kinds(database) == ["operator.refused"]
    kept = "".join(str(list(database[name].find())) for name in database.list_collection_names())
    logged = " ".join(str(vars(record)) for record in log_records if record.name.startswith("wxpassport"))
    for secret in ("my-password-typed-as-name", "my other password 1", PASSWORD):
        assert secret not in kept
        assert secret not in logged


async def test_what_was_typed_is_kept_but_for_the_password(visitor: Dashboard) -> None:
    page = await sign_in(visitor, '"><script>x', "hunter2 hunter2")
    assert page.status == 422
    assert 'value="&#34;&gt;&lt;script&gt;x"' in page.html
    assert "hunter2" not in page.html


async def test_nobody_is_sent_elsewhere(visitor: Dashboard, services: Services) -> None:
    await add_operator(services, "lin")
    for bad in ("//example.com", "https://example.com", "/admin/../docs", "/\\example.com", "%00"):
        page = await sign_in(visitor, "lin", next_page=quote(bad, safe="%"))
        assert (page.status, page.location) == (303, "/admin")
        again = await visitor.get(f"/admin/sign-in?next={quote(bad, safe='%')}")
        assert (again.status, again.location) == (303, "/admin")


async def test_a_hash_of_lower_cost_is_made_anew_at_the_next_sign_in(
    visitor: Dashboard, services: Services
) -> None:
    member = await add_operator(services, "lin")
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD.encode())
    await services.store.members.set_password(member.operator.operator_id, old)
    assert (await sign_in(visitor, "lin")).status == 303
    stored = (await member_of(services, member.operator.operator_id)).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    async with browser(visitor.base_url) as other:
        assert (await sign_in(other, "lin")).status == 303


async def test_a_sixth_device_signs_the_oldest_out(services: Services, api: API) -> None:
    await add_operator(services, "lin")
    devices = [Dashboard(api.base_url) for _ in range(6)]
    for device in devices:
        await sign_in(device, "lin")
    assert [(await device.get("/admin")).status for device in devices] == [303, 200, 200, 200, 200, 200]
    for device in devices:
        await device.close()


async def test_a_sign_in_that_a_new_password_overtakes_opens_nothing(services: Services) -> None:
    """The password was right when it was looked at, and the session is made after it was changed."""
    member = await add_operator(services, "lin")
    operators = services.admin.operators
    attempt = await operators.sign_in.by_password("lin", PASSWORD, ip="192.0.2.7", device=None)
    assert attempt.member
    await operators.team.set_password(member.operator, "seven green bottles on a wall")
    token = await services.admin.sessions.start(attempt.member.operator, Device("192.0.2.7", "a browser"))
    assert await services.admin.sessions.find(token) is None
