"""The settings of pushes: each fault is told by its key and never by its secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from passport.config import App
from passport.config_sources import ConfigError, load_settings

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"


def app_with(folder: Path, push: Any) -> App:
    """The app that a configuration with this `push` describes."""
    path = folder / "config.yaml"
    app = {"appid": "wx4f4bc4dec97d474b", "secret": "5f0c1e9ad8b7426e93d1c0a4b7e8f625", "push": push}
    path.write_text(yaml.safe_dump({"wechat": {"apps": [app]}}))
    path.chmod(0o600)
    return load_settings(path, {}).wechat.apps[0]


def test_push_is_off_plain_or_encrypted(tmp_path: Path) -> None:
    assert app_with(tmp_path, None).push is None
    plain = app_with(tmp_path, {"token": "abc"}).push
    assert plain is not None
    assert (plain.encoding_aes_key, plain.accept_plain) == (None, False)
    encrypted = app_with(tmp_path, {"token": "a" * 32, "encoding_aes_key": KEY}).push
    assert encrypted is not None
    assert KEY not in repr(encrypted)


@pytest.mark.parametrize(
    ("push", "fault"),
    [
        ({}, "wechat.apps[0].push.token is missing"),
        ({"token": "ab"}, "push.token must be the Token"),
        ({"token": "a" * 33}, "push.token must be the Token"),
        ({"token": "my-token-7341"}, "push.token must be the Token"),
        ({"token": "abc", "encoding_aes_key": KEY + "="}, "push.encoding_aes_key must be the EncodingAESKey"),
        ({"token": "abc", "encoding_aes_key": KEY[:-1]}, "push.encoding_aes_key must be the EncodingAESKey"),
        ({"token": "abc", "encoding_aes_key": "A" * 43}, "push.encoding_aes_key is an example"),
        ({"token": "abc", "mode": "plain"}, "push.mode is not a setting"),
        ({"token": "abc", "accept_plain": "perhaps"}, "push.accept_plain"),
        ("abc", "wechat.apps[0].push"),
    ],
)
def test_a_faulty_push_is_told_without_its_secret(tmp_path: Path, push: Any, fault: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        app_with(tmp_path, push)
    (told,) = refusal.value.faults
    assert fault in told
    assert KEY[:-1] not in told
    assert "my-token-7341" not in told
