"""Read the settings: config.yaml, then the environment over it, then every fault at once.

Not pydantic-settings: it stops at the first value it cannot parse and passes over a misspelt variable, and here all
faults are to be reported together, by the name the operator wrote.
"""

from __future__ import annotations

import json
import os
import secrets
import ssl
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from passport.config import Settings

PREFIX = "WXPASSPORT_"
# Values that are secrets or hold one: their variables also exist as …_FILE, and what holds them must be private.
SECRET_KEYS = {("secret_key",), ("wechat", "apps"), ("mongodb", "uri"), ("resource_servers",)}
# Read by the tools around the server, not by it.
_NOT_SETTINGS = {"WXPASSPORT_CHROMIUM"}

Key = tuple[str, ...]


class ConfigError(Exception):
    """The configuration is wrong; `faults` has a sentence for each thing to correct."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def load_settings(
    path: Path, environment: Mapping[str, str], overrides: Mapping[Key, Any] | None = None
) -> Settings:
    """The settings from the YAML file, the environment over it, and the command line over both.

    Relative paths mean: beside the file.

    Args:
        path: the YAML file.
        environment: where the WXPASSPORT_… variables are looked up.
        overrides: what the command line decided, by key, such as ("server", "port").

    Raises:
        ConfigError: with every fault found, each by its key or variable.
    """
    faults: list[str] = []
    values = _read_yaml(path, faults)
    if not faults and _holds_secret(values):
        _require_private(path, "holds a secret", faults)
    origins: dict[Key, str] = {}
    _overlay_environment(values, environment, origins, faults)
    for key, value in (overrides or {}).items():
        origins[key] = "command line"
        _set(values, key, value)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += [_describe(path, fault, origins) for fault in error.errors(include_url=False)]
        raise ConfigError(faults) from None
    if not settings.mongodb.embedded and settings.secret_key is None:
        faults.append(
            f"{path.name}: secret_key is missing; with a MongoDB of your own it is required. "
            f"Make one with `openssl rand -hex 32` and set {PREFIX}SECRET_KEY_FILE"
        )
    faults += [f"{path.name}: {fault}" for fault in _contradictions(settings)]
    settings = _beside(path.parent, settings)
    if settings.wechat.ca_file is not None:
        _require_authorities(path, settings.wechat.ca_file, faults)
    if faults:
        raise ConfigError(faults)
    return settings


def secret_key_of(settings: Settings) -> bytes:
    """The configured secret_key, or the one kept in data_dir, made there (mode 0600) on the first start.

    Raises:
        ConfigError: the kept file is readable by others, too short, or cannot be made.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    kept = settings.mongodb.data_dir / "secret_key"
    faults: list[str] = []
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_once(kept, secrets.token_hex(32))
        _require_private(kept, "holds the secret_key", faults)
        secret = kept.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"mongodb.data_dir: cannot keep the secret_key in {kept}: {error}"]) from error
    if len(secret) < 64:
        faults.append(
            f"{kept} is damaged: restore it from a backup; without it the sealed data cannot be read"
        )
    if faults:
        raise ConfigError(faults)
    return secret.encode()


def _make_once(path: Path, text: str) -> None:
    """Create the file whole or not at all, so that a crash never leaves half a key; an existing one stays."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first, and its key is the one to use
    finally:
        draft.unlink()


def _read_yaml(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append(f"{path}: no such file; copy config.yaml from the project or give --config FILE")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path}: cannot be read: {error}")
    except yaml.YAMLError as error:
        faults.append(f"{path}: is not YAML: {' '.join(str(error).split())}")
    else:
        if loaded is None or isinstance(loaded, dict):
            return loaded or {}
        faults.append(f"{path}: must be a mapping of sections, such as `server:`")
    return {}


def _overlay_environment(
    values: dict[str, Any], environment: Mapping[str, str], origins: dict[Key, str], faults: list[str]
) -> None:
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        key, text = tuple(variable.removeprefix(PREFIX).lower().split("__")), environment[variable]
        if key[-1].endswith("_file") and (*key[:-1], key[-1].removesuffix("_file")) in SECRET_KEYS:
            key = (*key[:-1], key[-1].removesuffix("_file"))
            if variable.removesuffix("_FILE") in environment:
                faults.append(f"{variable}: is set as well as {variable.removesuffix('_FILE')}; keep one")
                continue
            read = _read_secret_file(variable, Path(text), faults)
            if read is None:
                continue
            text = read
        origins[key] = variable
        _set(values, key, _from_text(key, variable, text, faults))


def _read_secret_file(variable: str, path: Path, faults: list[str]) -> str | None:
    try:
        _require_private(path, f"named by {variable} holds a secret", faults)
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{variable}: cannot read {path}: {error}")
        return None


def _from_text(key: Key, variable: str, text: str, faults: list[str]) -> Any:
    """Lists and mappings are written as JSON, an empty text is null, and the rest is left to the model."""
    if text == "":
        return None
    if text[0] in "[{":
        try:
            return json.loads(text)
        except ValueError as error:
            faults.append(f"{variable} ({'.'.join(key)}): is not JSON: {error}")
            return None
    return text


def _set(values: dict[str, Any], key: Key, value: Any) -> None:
    for part in key[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            inner = values[part] = {}
        values = inner
    values[key[-1]] = value


def _contradictions(settings: Settings) -> Iterator[str]:
    """What no section can see by itself."""
    app_secrets, appids = zip(*((app.secret, app.appid) for app in settings.wechat.apps), strict=True)
    if settings.secret_key and settings.secret_key in app_secrets:
        yield "secret_key repeats an AppSecret; it must be a secret of its own"
    if settings.tokens.refresh_ttl > settings.tokens.session_ttl:
        yield "tokens.refresh_ttl is longer than tokens.session_ttl, which ends the session before"
    if not (settings.mongodb.embedded or settings.server.public_url or settings.tokens.issuer):
        yield (
            "server.public_url is missing; servers over one MongoDB must agree on the issuer of their tokens. Set it "
            "to how mini-programs reach them (or set tokens.issuer)"
        )
    for server in settings.resource_servers:
        if server.secret in (*app_secrets, settings.secret_key):
            yield f"resource_servers: the secret of {server.id} repeats another; it must be one of its own"
        for appid in set(server.apps) - set(appids):
            yield f"resource_servers: {server.id} names the app {appid}, which is not in wechat.apps"


def _holds_secret(values: Mapping[str, Any]) -> bool:
    wechat, mongodb = values.get("wechat"), values.get("mongodb")
    return bool(
        values.get("secret_key")
        or values.get("resource_servers")
        or (isinstance(wechat, dict) and wechat.get("apps"))
        or (isinstance(mongodb, dict) and "@" in str(mongodb.get("uri", "")))
    )


def _require_private(path: Path, why: str, faults: list[str]) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        faults.append(f"{path} {why} and others can read it (mode {mode:04o}); run: chmod 600 {path}")


def _require_authorities(path: Path, ca_file: Path, faults: list[str]) -> None:
    try:
        ssl.create_default_context(cafile=ca_file)
    except FileNotFoundError:
        faults.append(f"{path.name}: wechat.ca_file: there is no file {ca_file}")
    except OSError as error:  # an ssl.SSLError is one
        faults.append(
            f"{path.name}: wechat.ca_file: {ca_file} is no PEM file of certificates ({error.strerror})"
        )


def _describe(path: Path, fault: Any, origins: dict[Key, str]) -> str:
    location: tuple[str | int, ...] = fault["loc"]
    names = tuple(str(part) for part in location)
    related = (
        name for key, name in origins.items() if key == names[: len(key)] or names == key[: len(names)]
    )
    variable = next(related, None)
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    return f"{variable or path.name}: {dotted} {_sentence(fault)}"


def _sentence(fault: Any) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return "is not a setting; see config.yaml for their names"
        case "missing":
            return "is missing"
        case "value_error":
            message = str(fault["ctx"]["error"])
        case "string_pattern_mismatch" if fault["loc"][-1] == "appid":
            message = "must be `wx` and 16 lowercase hex digits, as mp.weixin.qq.com shows it"
        case _:
            message = fault["msg"][0].lower() + fault["msg"][1:]
    value = fault["input"]
    secret = any(part in ("secret", "secret_key", "uri", "apps") for part in fault["loc"])
    return message if secret or isinstance(value, dict | list) else f"{message} (got {value!r})"


def _beside(folder: Path, settings: Settings) -> Settings:
    """Relative paths mean: beside the configuration file, wherever the server is started from."""

    def resolve(section: BaseModel) -> BaseModel:
        found = {
            name: (folder / value).resolve() for name, value in section if isinstance(value, Path)
        }  # an absolute path stays, since folder / absolute is absolute
        return section.model_copy(update=found)

    return settings.model_copy(
        update={"mongodb": resolve(settings.mongodb), "wechat": resolve(settings.wechat)}
    )
