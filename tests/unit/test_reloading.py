"""What a new configuration changes in a running server."""

from __future__ import annotations

from typing import Any

import pytest

from passport.config import Settings
from passport.reloading import reloaded

APPS = [{"appid": "wx0123456789abcdef", "secret": "f3a9b1c27d5e48609a7b3c1d2e4f5061"}]
EXTERNAL = "mongodb://a.example/?replicaSet=rs"


def settings(**sections: Any) -> Settings:
    return Settings.model_validate({"wechat": {"apps": APPS}, **sections})


def test_everything_that_can_change_does():
    old, new = settings(), settings(server={"processes": 4}, tokens={"access_ttl": "5m"})
    assert reloaded(new, configured=old, running=old) == (new, ())


def test_the_port_that_was_found_stays():
    configured = settings(server={"port": 0})
    running = settings(server={"port": 4711})
    result, fixed = reloaded(configured, configured=configured, running=running)
    assert (result.server.port, fixed) == (4711, ())


def test_where_it_listens_and_the_embedded_mongod_stay_and_are_named():
    old = settings()
    new = settings(
        server={"host": "0.0.0.0", "port": 9000, "processes": 3},  # noqa: S104  an example
        mongodb={"data_dir": "elsewhere", "cache_mb": 512, "timeout": "9s"},
    )
    result, fixed = reloaded(new, configured=old, running=old)
    assert fixed == ("server.host", "server.port", "mongodb.data_dir", "mongodb.cache_mb")
    assert result.server == old.server.model_copy(update={"processes": 3})
    assert result.mongodb == old.mongodb.model_copy(update={"timeout": new.mongodb.timeout})


@pytest.mark.parametrize(("before", "after"), [("embedded", EXTERNAL), (EXTERNAL, "embedded")])
def test_a_mongod_of_ours_neither_comes_nor_goes(before: str, after: str):
    old, new = settings(mongodb={"uri": before}), settings(mongodb={"uri": after})
    result, fixed = reloaded(new, configured=old, running=old)
    assert fixed == ("mongodb.uri",)
    assert result.mongodb == old.mongodb


def test_another_mongodb_of_their_own_is_taken():
    old, new = settings(mongodb={"uri": EXTERNAL}), settings(mongodb={"uri": f"{EXTERNAL}&tls=true"})
    assert reloaded(new, configured=old, running=old) == (new, ())
