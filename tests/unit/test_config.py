"""The settings: each fault is told by its key and never by its secret; config.yaml agrees with the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from passport.config import Settings, WeChat
from passport.config_sources import ConfigError, load_settings, secret_key_of

APP = {"appid": "wx4f4bc4dec97d474b", "secret": "5f0c1e9ad8b7426e93d1c0a4b7e8f625"}
OTHER = {"appid": "wx0123456789abcdef", "secret": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}
STRONG = "7d1f0f6c52b94e0b8a3f6f7f1f0a9b2c"

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load({"server": …}, WXPASSPORT_…=…)`: from a private file with one app, beneath these variables."""

    def load(values: dict[str, Any] | None = None, /, **environment: str) -> Settings:
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump({"wechat": {"apps": [APP]}, **(values or {})}))
        path.chmod(0o600)
        return load_settings(path, environment)

    return load


def faults_of(load: Load, *arguments: Any, **environment: str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as refusal:
        load(*arguments, **environment)
    return refusal.value.faults


def test_one_app_is_all_that_has_to_be_configured(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.mongodb.embedded
    assert settings.mongodb.data_dir == tmp_path / "data"
    assert settings.issuer == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"server": {"port": 70000}}, "server.port"),
        ({"server": {"public_url": "login.example.com"}}, "server.public_url must be an address"),
        ({"server": {"public_url": "https://a.example/?x=1"}}, "server.public_url must be an address"),
        (
            {"server": {"trusted_proxies": ["10.0.0.1/8"]}},
            "server.trusted_proxies[0] must be a network such as",
        ),
        ({"server": {"shutdown_grace": "soon"}}, "server.shutdown_grace must be a number and a unit"),
        ({"server": {"shutdown_grace": 10}}, "server.shutdown_grace must be a number and a unit"),
        ({"server": {"prot": 1}}, "server.prot is not a setting"),
        ({"sever": {}}, "sever is not a setting"),
        ({"server": []}, "server"),
        ({"mongodb": {"uri": "localhost:27017"}}, "mongodb.uri must be `embedded`, or start with mongodb://"),
        *(
            ({"mongodb": {"uri": uri}}, "mongodb.uri is not a MongoDB connection string that can be used")
            for uri in (
                "mongodb://",
                "mongodb://user:p@ss@db.example/",
                "mongodb://db.example:99999/",
                "mongodb://db.example/?tls=maybe",
                "mongodb://db.example/?readPreferenceTags=dc:east",
            )
        ),
        ({"mongodb": {"timeout": "0.5ms"}}, "mongodb.timeout must be at least 100ms"),
        ({"tokens": {"access_ttl": "100ms"}}, "tokens.access_ttl must be at least 1s"),
        ({"tokens": {"access_ttl": "99999999999999d"}}, "tokens.access_ttl must be at most 3650d"),
        ({"mongodb": {"database": "a.b"}}, "mongodb.database"),
        ({"mongodb": {"cache_mb": 1}}, "mongodb.cache_mb"),
        ({"mongodb": {"timeout": "0s"}}, "mongodb.timeout must be more than 0"),
        (
            {"mongodb": {"uri": "mongodb://db.example"}, "tokens": {"issuer": "https://x.example"}},
            "secret_key is missing",
        ),
        (
            {"mongodb": {"uri": "mongodb://db.example"}, "secret_key": STRONG},
            "server.public_url is missing; servers over one MongoDB must agree",
        ),
        (
            {"tokens": {"refresh_ttl": "91d"}},
            "tokens.refresh_ttl is longer than tokens.session_ttl",
        ),
        (
            {"resource_servers": [{"id": "shop", "secret": "with a space: " + STRONG}]},
            "may hold letters, digits and . _ ~ - only",
        ),
        (
            {"resource_servers": [{"id": "shop", "secret": STRONG, "apps": ["wxffffffffffffffff"]}]},
            "shop names the app wxffffffffffffffff, which is not in wechat.apps",
        ),
        ({"wechat": {"apps": []}}, "wechat.apps is empty"),
        ({"wechat": {}}, "wechat.apps is empty"),
        ({"wechat": {"apps": [APP], "base_url": "ftp://x"}}, "wechat.base_url must be an address"),
        ({"wechat": {"apps": [APP], "ca_file": "none.pem"}}, "wechat.ca_file: there is no file"),
        ({"wechat": {"apps": [APP], "freshness": "-5m"}}, "wechat.freshness must be more than 0"),
        ({"wechat": {"apps": [APP], "max_in_flight": 0}}, "wechat.max_in_flight"),
        ({"wechat": {"apps": [{**APP, "appid": "wx1"}]}}, "wechat.apps[0].appid must be `wx` and 16"),
        ({"wechat": {"apps": [{"appid": APP["appid"]}]}}, "wechat.apps[0].secret is missing"),
        ({"wechat": {"apps": [{**APP, "secret": "short"}]}}, "wechat.apps[0].secret must be the AppSecret"),
        ({"wechat": {"apps": [{**APP, "secret": "0" * 32}]}}, "wechat.apps[0].secret is an example"),
        ({"wechat": {"apps": [{**APP, "secret": "yourexamplesecret1234"}]}}, "secret is an example"),
        ({"wechat": {"apps": [APP, APP]}}, "names the same appid twice"),
        ({"wechat": {"apps": [APP, {**OTHER, "secret": APP["secret"]}]}}, "names the same secret twice"),
        ({"wechat": {"apps": [{**APP, "login": "silent"}]}}, "wechat.apps[0].login"),
        *(
            ({"limits": {"token_per_ip": rate}}, "limits.token_per_ip must be a number and a period")
            for rate in ("many", "0/minute", "5", "5/month")
        ),
        ({"limits": {"token_per_moon": "1/minute"}}, "limits.token_per_moon is not a setting"),
        ({"limits": "on"}, "limits"),
        ({"tokens": {"access_ttl": "-1s"}}, "tokens.access_ttl must be more than 0"),
        ({"tokens": {"issuer": "me"}}, "tokens.issuer must be an address"),
        ({"secret_key": "s" * 31}, "secret_key must be at least 32 bytes"),
        ({"secret_key": "ab" * 32}, "secret_key is an example or too regular"),
        ({"secret_key": "change-me-1234567890-abcdefghijklmn"}, "secret_key is an example or too regular"),
        ({"secret_key": APP["secret"]}, "secret_key repeats an AppSecret"),
    ],
)
def test_a_faulty_value_is_told_by_its_key(load: Load, values: dict[str, Any], fault: str) -> None:
    faults = faults_of(load, values)
    assert len(faults) == 1, faults
    assert faults[0].startswith("config.yaml: ")
    assert fault in faults[0]


def test_no_secret_is_repeated_in_a_fault(load: Load) -> None:
    secrets = ["s3cr3t-" + "q" * 10, "hunter2hunter2", "mongo:hunter3@db"]
    faults = faults_of(
        load,
        {
            "secret_key": secrets[0],
            "wechat": {"apps": [{**APP, "secret": secrets[1] + "!"}]},
            "mongodb": {"uri": f"mongo//{secrets[2]}"},
        },
    )
    assert len(faults) == 3
    assert [secret for secret in secrets if secret in "\n".join(faults)] == []


def test_the_environment_wins_over_the_file(load: Load) -> None:
    settings = load(
        {"server": {"port": 1, "host": "::1"}},
        WXPASSPORT_SERVER__PORT="2",
        WXPASSPORT_WECHAT__APPS=f'[{{"appid": "{OTHER["appid"]}", "secret": "{OTHER["secret"]}"}}]',
        WXPASSPORT_WECHAT__FRESHNESS="off",
        PATH="/bin",
    )
    assert (settings.server.port, settings.server.host) == (2, "::1")
    assert settings.wechat.apps[0].appid == OTHER["appid"]
    assert settings.wechat.freshness is None


def test_limits_are_off_all_together_or_one_by_one(load: Load) -> None:
    for off in ("off", False):
        assert {value for _, value in load({"limits": off}).limits} == {None}
    some = load({"limits": {"token_per_ip": False, "token_global": "9/second"}}).limits
    assert (some.token_per_ip, some.token_global, some.export_per_user) == (None, "9/second", "5/hour")


def test_a_bare_off_in_yaml_switches_off(load: Load, tmp_path: Path) -> None:
    assert load({"wechat": {"apps": [APP], "freshness": False}}).wechat.freshness is None


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("WXPASSPORT_SERVER__PROT", "1", "WXPASSPORT_SERVER__PROT: server.prot is not a setting"),
        ("WXPASSPORT_SERVER_PORT", "1", "WXPASSPORT_SERVER_PORT: server_port is not a setting"),
        ("WXPASSPORT_WECHAT__APPS", "[{", "WXPASSPORT_WECHAT__APPS (wechat.apps): is not JSON"),
        ("WXPASSPORT_SERVER__PORT", "http", "WXPASSPORT_SERVER__PORT: server.port"),
        ("WXPASSPORT_TOKENS__ACCESS_TTL", "1 hour", "WXPASSPORT_TOKENS__ACCESS_TTL: tokens.access_ttl must"),
    ],
)
def test_a_faulty_variable_is_told_by_its_name(load: Load, variable: str, text: str, fault: str) -> None:
    faults = faults_of(load, **{variable: text})
    assert any(fault in each for each in faults), faults


def test_a_secret_comes_from_a_file_that_only_we_can_read(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(STRONG + "\n")
    file.chmod(0o600)
    assert secret_key_of(load(WXPASSPORT_SECRET_KEY_FILE=str(file))) == STRONG.encode()
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        (fault,) = faults_of(load, WXPASSPORT_SECRET_KEY_FILE=str(file))
        assert f"chmod 600 {file}" in fault
        assert STRONG not in fault


def test_a_secret_file_that_is_missing_or_named_twice_is_told(load: Load, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert "WXPASSPORT_SECRET_KEY_FILE" in faults_of(load, WXPASSPORT_SECRET_KEY_FILE=missing)[0]
    twice = {"WXPASSPORT_SECRET_KEY_FILE": missing, "WXPASSPORT_SECRET_KEY": STRONG}
    assert any("WXPASSPORT_SECRET_KEY" in fault for fault in faults_of(load, **twice))


def test_a_configuration_with_a_secret_must_be_private(load: Load, tmp_path: Path) -> None:
    load()
    path = tmp_path / "config.yaml"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        load_settings(path, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- 1", "must be a mapping"),
        ("a: [", "is not YAML"),
        ("a: !!python/object:os.system x", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        load_settings(path, {})
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "missing.yaml", {})


def test_the_embedded_secret_key_is_made_once_and_private(load: Load, tmp_path: Path) -> None:
    settings = load()
    made = secret_key_of(settings)
    kept = tmp_path / "data" / "secret_key"
    assert len(made) == 64
    assert kept.stat().st_mode & 0o777 == 0o600
    assert secret_key_of(settings) == made
    assert [each.name for each in kept.parent.iterdir()] == ["secret_key"]
    kept.write_text(made.decode()[:40])
    with pytest.raises(ConfigError, match="damaged"):
        secret_key_of(settings)
    kept.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        secret_key_of(settings)


# -- config.yaml and the code --------------------------------------------------------------------------------------


def defaults(model: BaseModel) -> dict[str, Any]:
    """The settings as config.yaml writes them."""
    return {name: _written(value) for name, value in model}


def _written(value: Any) -> Any:
    match value:
        case BaseModel():
            return defaults(value)
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return value.total_seconds()
        case Path():
            return str(value)
        case tuple():
            return list(value)
    return value


def _in_seconds(written: Any) -> Any:
    if isinstance(written, dict):
        return {name: _in_seconds(value) for name, value in written.items()}
    found = re.fullmatch(r"(\d+)(s|m|h|d)", written) if isinstance(written, str) else None
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]] if found else written


def test_config_yaml_names_every_setting_with_its_default_and_a_sentence(project_root: Path) -> None:
    text = (project_root / "config.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    # Without an app the configuration is refused, so these defaults are taken without asking.
    in_code = defaults(Settings.model_construct(wechat=WeChat.model_construct()))
    assert _in_seconds(written) == in_code
    settings = [line for line in text.splitlines() if re.match(r"  \w+:|secret_key:|resource_servers:", line)]
    assert [line for line in settings if " # " not in line] == []


@pytest.mark.parametrize("value", [0, 65, -1, True, 2.5, "many", "", None])
def test_processes_are_a_number_within_reason(load: Load, value: object) -> None:
    assert faults_of(load, {"server": {"processes": value}})[0].startswith(
        "config.yaml: server.processes must be a number from 1 to 64, or auto"
    )


def test_auto_is_a_process_for_each_core_that_we_may_use(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2, 3}, raising=False)
    assert load({"server": {"processes": "auto"}}).server.processes == 3
    assert load(WXPASSPORT_SERVER__PROCESSES="5").server.processes == 5
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(96)), raising=False)
    assert load(WXPASSPORT_SERVER__PROCESSES="auto").server.processes == 64


@pytest.mark.parametrize("off", [False, "off"])
def test_keys_can_be_left_to_the_operator(load: Load, off: object) -> None:
    assert load({"tokens": {"key_rotation": off}}).tokens.key_rotation is None


def test_keys_are_not_rotated_faster_than_they_are_published(load: Load) -> None:
    assert "tokens.key_rotation must be at least 1d" in faults_of(load, {"tokens": {"key_rotation": "1h"}})[0]


def test_a_ca_file_that_holds_no_certificate_is_a_fault(load: Load, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "wechat.ca_file" in faults_of(load, {"wechat": {"apps": [APP], "ca_file": "ca.pem"}})[0]


@pytest.mark.parametrize(
    "uri", ["mongodb://user:p%40ss@a,b,c/?replicaSet=rs0&tls=true", "mongodb+srv://cluster.example"]
)
def test_a_usual_connection_string_is_believed(load: Load, uri: str) -> None:
    settings = {"mongodb": {"uri": uri}, "secret_key": STRONG, "tokens": {"issuer": "https://x.example"}}
    assert load(settings).mongodb.uri.get_secret_value() == uri
