"""`python server.py operator …`: what it does and says. Its grammar and its exit status are tested elsewhere."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from commands.arguments import parse_arguments
from commands.operators import OperatorCommand, OperatorRefusal, address_of, first_link, first_link_block
from passport.config import Settings
from passport.services import Services
from tests.integration.admin.dashboard import Dashboard
from tests.integration.admin.entering import (
    OTHER_PASSWORD,
    PASSWORD,
    add_operator,
    kinds,
    sign_in,
    with_second_factor,
)


async def command(services: Services, *arguments: str, typed: str = "") -> str:
    options = parse_arguments(["operator", *arguments], config=Path("config.yaml"))
    return await OperatorCommand(services.admin, services.settings, StringIO(typed)).run(options)


def path_in(printed: str) -> str:
    found = re.search(r"http://\S+(/admin/set-up/\S+)", printed)
    assert found, printed
    return found[1]


async def test_an_operator_is_added_with_a_link(
    services: Services, visitor: Dashboard, database: Any
) -> None:
    printed = await command(services, "add", "Lin", "--role", "admin")
    assert printed.startswith("Lin: added as admin\n")
    assert "within 60 minutes" in printed
    fields = {"password": PASSWORD, "again": PASSWORD}
    assert (await visitor.submit(path_in(printed), fields)).location == "/admin"
    assert kinds(database)[0] == "operator.added"


async def test_or_with_a_password_from_standard_input(services: Services, visitor: Dashboard) -> None:
    typed = f"{PASSWORD}\r\nanother line\n"
    printed = await command(services, "add", "lin", "--role", "viewer", "--password-stdin", typed=typed)
    assert printed == "lin: added as viewer"
    assert (await sign_in(visitor, "lin")).status == 303


async def test_they_are_listed_with_role_and_state(services: Services) -> None:
    assert (await command(services, "list")).startswith("no operators yet")
    await with_second_factor(services)
    await add_operator(services, "mo", role="viewer", password=None)
    await command(services, "disable", "MO")
    lines = (await command(services, "list")).splitlines()
    assert [re.split(r" {2,}", line) for line in lines] == [
        ["NAME", "ROLE", "STATE", "SECOND FACTOR", "LAST SIGN-IN"],
        ["lin", "operator", "active", "on", "-"],
        ["mo", "viewer", "disabled", "off", "-"],
    ]


async def test_what_it_does_ends_sessions_at_once(services: Services, visitor: Dashboard) -> None:
    await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    assert await command(services, "disable", "lin") == "lin: disabled, and signed out everywhere"
    assert (await visitor.get("/admin")).status == 303
    assert (await sign_in(visitor, "lin")).status == 422
    await command(services, "enable", "lin")
    assert (await sign_in(visitor, "lin")).status == 303
    typed = OTHER_PASSWORD
    await command(services, "reset-password", "lin", "--password-stdin", typed=typed)
    assert (await visitor.get("/admin")).status == 303
    assert (await sign_in(visitor, "lin", OTHER_PASSWORD)).status == 303
    printed = await command(services, "reset-password", "lin")
    assert (await sign_in(visitor, "lin", OTHER_PASSWORD)).status == 422
    assert (await visitor.get(path_in(printed))).status == 200


async def test_a_lost_second_factor_is_reset(services: Services, visitor: Dashboard) -> None:
    await with_second_factor(services)
    await command(services, "reset-second-factor", "lin")
    assert (await sign_in(visitor, "lin")).location == "/admin"


REFUSED = (
    (("add", "lin", "--role", "viewer"), "", "of this name already"),
    (("add", "<b>", "--role", "viewer"), "", "1 to 40 letters"),
    (("add", "mo", "--role", "viewer", "--password-stdin"), "short\n", "at least 15 characters"),
    (("add", "mo", "--role", "viewer", "--password-stdin"), "", "at least 15 characters"),
    (("add", "mo", "--role", "viewer", "--password-stdin"), "password1234567", "guessed"),
    (("reset-password", "lin", "--password-stdin"), "x" * 129, "at most 128"),
    (("disable", "nobody"), "", "there is no operator nobody"),
)


async def test_what_cannot_be_done_is_said_with_the_cure(services: Services) -> None:
    await add_operator(services, "lin")
    for arguments, typed, says in REFUSED:
        with pytest.raises(OperatorRefusal, match=says):
            await command(services, *arguments, typed=typed)
    assert [each.operator.name for each in await services.admin.operators.team.list()] == ["lin"]


async def test_the_server_prints_a_link_while_there_is_nobody(services: Services, visitor: Dashboard) -> None:
    link = await first_link(services.admin, services.settings)
    assert link
    assert link in first_link_block(link)
    assert (await visitor.get(path_in(link))).status == 200
    await add_operator(services, "lin")
    assert await first_link(services.admin, services.settings) is None
    assert (await visitor.get(path_in(link))).status == 404


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1:80"),  # noqa: S104  nothing listens
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"public_url": "https://login.example.com/auth"}, "https://login.example.com/auth"),
        ({"public_url": "http://login.example.com"}, "http://127.0.0.1:8000"),
    ],
)
def test_a_link_leads_over_tls_or_to_this_machine(
    configuration: dict[str, Any], server: dict[str, Any], address: str
) -> None:
    assert address_of(Settings.model_validate({**configuration, "server": server})) == address
