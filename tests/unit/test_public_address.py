"""Which addresses WeChat lets a released mini-program reach, and where one is found on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from passport.config import Settings
from passport.public_address import address_faults, address_to_call, origin

APPS = {"wechat": {"apps": [{"appid": "wx4f4bc4dec97d474b", "secret": "5f0c1e9ad8b7426e93d1c0a4b7e8f625"}]}}


@pytest.mark.parametrize(
    ("address", "faults"),
    [
        ("https://login.example.com", []),
        ("https://login.example.com:8443/a", []),
        (None, ["missing"]),
        ("http://login.example.com", ["plain_http"]),
        ("https://203.0.113.7", ["ip_address"]),
        ("https://[2001:db8::1]:8443", ["ip_address"]),
        ("http://127.0.0.1:8000", ["plain_http", "ip_address"]),
        ("https://localhost:8443", ["local_name"]),
        ("https://tea.localhost", ["local_name"]),
        ("https://nas.local", ["local_name"]),
        ("https://intranet", ["local_name"]),
        ("https://login.example.com:443", ["port_443"]),
    ],
)
def test_what_wechat_would_refuse(address: str | None, faults: list[str]) -> None:
    assert [str(fault) for fault in address_faults(address)] == faults


@pytest.mark.parametrize(
    ("server", "called"),
    [
        ({"public_url": "https://me:pw@login.example.com/a/"}, "https://login.example.com/a"),
        ({"port": 8123}, "http://127.0.0.1:8123"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),  # noqa: S104  the wildcard is the case
        ({"host": "::"}, "http://127.0.0.1:8000"),
        ({"host": "192.168.1.5"}, "http://192.168.1.5:8000"),
    ],
)
def test_where_a_mini_program_calls(server: dict[str, Any], called: str) -> None:
    assert address_to_call(Settings.model_validate({**APPS, "server": server})) == called


def test_a_domain_is_scheme_host_and_port() -> None:
    assert origin("https://me:pw@login.example.com:8443/a") == "https://login.example.com:8443"
