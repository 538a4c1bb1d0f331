"""What the three servers share, so that they differ in nothing but their frameworks: settings, decryption, signing."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from Crypto.Cipher import AES
from Crypto.Util.Padding import unpad
from cryptography.hazmat.primitives.asymmetric import ec

_KEY = ec.generate_private_key(ec.SECP256R1())
_LIFETIME = 3600
# Motor's keyword arguments: both writes of a login are durable before the answer.
DURABLE = {"w": "majority", "journal": True}


@dataclass(frozen=True)
class Settings:
    """What a server is told: a JSON file, named on its command line."""

    appid: str
    secret: str
    wechat: str
    ca_file: str
    mongodb: str
    database: str

    def query(self, code: str) -> dict[str, str]:
        """The parameters of jscode2session (WeChat: auth.code2Session)."""
        return {
            "appid": self.appid,
            "secret": self.secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }

    @property
    def code2session(self) -> str:
        """Its address."""
        return f"{self.wechat}/sns/jscode2session"

    def tls(self) -> ssl.SSLContext:
        """Trust in the stand-in's authority; made once, as a library makes its default."""
        return ssl.create_default_context(cafile=self.ca_file)


def settings() -> Settings:
    """Those of this process."""
    return Settings(**json.loads(Path(sys.argv[1]).read_text()))


def listen() -> socket.socket:
    """A listening socket on a free port of loopback; its address is printed, which tells that we have started."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    return listening


def decrypt(encrypted_data: str, iv: str, *, session_key: str, appid: str) -> dict[str, Any]:
    """The payload of this app. Raises ValueError."""
    cipher = AES.new(b64decode(session_key), AES.MODE_CBC, b64decode(iv))
    payload: dict[str, Any] = json.loads(unpad(cipher.decrypt(b64decode(encrypted_data)), AES.block_size))
    if payload["watermark"]["appid"] != appid:
        raise ValueError("a payload of another app")
    return payload


def answer(user_id: object, session_id: object) -> dict[str, Any]:
    """The token response of RFC 6749 section 5.1."""
    now = int(time.time())
    claims = {"sub": str(user_id), "sid": str(session_id), "iat": now, "exp": now + _LIFETIME}
    token = jwt.encode(claims, _KEY, algorithm="ES256")
    return {"access_token": token, "token_type": "Bearer", "expires_in": _LIFETIME}
