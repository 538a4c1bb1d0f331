"""What schemathesis cannot guess: who calls, and codes, tokens and ids that exist. Loaded by SCHEMATHESIS_HOOKS.

Of the requests that are meant to be well-formed, every second gets something real, so that the fuzz comes past the
first check. It may well end the session or close the account that it calls with; then somebody signs in again.
"""

from __future__ import annotations

import itertools
import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from schemathesis import GenerationMode

from sandbox.demo import APPID
from tests.pictures import plain

_SERVER, _STAND_IN = os.environ["FUZZ_SERVER"], os.environ["FUZZ_STAND_IN"]
_BASIC = "Basic " + b64encode(os.environ["FUZZ_RESOURCE_SERVER"].encode()).decode()
_PERSON = "lin"
_PEOPLE = itertools.cycle(["?user=mei", "?user=bo", "", "?user=nobody-yet"])
_turn = itertools.count()
_http = requests.Session()
_PICTURE = plain(size=(64, 64))


def _login(query: str = f"?user={_PERSON}") -> dict[str, str]:
    made: dict[str, str] = _http.post(f"{_STAND_IN}/sandbox/login{query}", timeout=60).json()
    return made


def _sign_in() -> dict[str, str]:
    """Tokens of the person, who may have to register again."""
    login = _login()
    _http.post(f"{_SERVER}/accounts/wxapp", json=login, timeout=60)
    tokens: dict[str, str] = _http.post(f"{_SERVER}/oauth/token", json=login, timeout=60).json()
    return tokens


class _Caller:
    """Whose access token the calls carry."""

    _token: str | None = None

    @property
    def token(self) -> str:
        if self._token is None:
            self._token = _sign_in()["access_token"]
        return self._token

    def hear(self, response: Any) -> None:
        """Sign in again before the next call once the token no longer counts."""
        if response.status_code == 401 and self._token and self._token in _authorization(response):
            self._token = None

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return _http.request(method, _SERVER + path, headers=headers, timeout=60, **options)


def _authorization(response: Any) -> str:
    return str(response.request.headers.get("Authorization", ""))


_caller = _Caller()


@schemathesis.auth(refresh_interval=None)
class Authorization:
    """The bearer or the resource server, as the operation has it."""

    def get(self, case: Any, context: Any) -> str | None:
        del context
        wanted = case.operation.definition.raw["security"]
        if {"basic": []} in wanted:
            return _BASIC
        return f"Bearer {_caller.token}" if {"bearer": []} in wanted else None

    def set(self, case: Any, data: str, context: Any) -> None:
        del context
        case.headers = {**(case.headers or {}), "Authorization": data}


def _a_session() -> str:
    _sign_in()
    sessions = _caller.ask("GET", "/accounts/me/sessions").json().get("sessions", [])
    return str(sessions[0]["id"]) if sessions else "0" * 24


def _phone_code() -> str:
    made = _http.post(f"{_STAND_IN}/sandbox/phone-code?user={_PERSON}", timeout=60).json()
    return str(made["code"])


def _an_avatar() -> str:
    reply = _caller.ask("POST", "/accounts/me/avatar", files={"file": ("a.jpg", _PICTURE)}).json()
    return str(reply.get("avatar_url", "A" * 22))[-22:]


_IN_THE_PATH: dict[str, Callable[[], str]] = {
    "session_id": _a_session,
    "avatar_id": _an_avatar,
    "appid": lambda: APPID,
}
_IN_A_BODY: dict[str, Callable[[], dict[str, Any]]] = {
    "refresh_token": lambda: {"refresh_token": _sign_in()["refresh_token"]},
    "phone_code": lambda: {"phone_code": _phone_code()},
    "token": lambda: {"token": _sign_in()["access_token"]},
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put something real into every second call that is meant to be well-formed."""
    del context
    well_formed = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    if not well_formed or next(_turn) % 2:
        return
    for name in (case.path_parameters or {}).keys() & _IN_THE_PATH.keys():
        case.path_parameters[name] = _IN_THE_PATH[name]()
    if case.media_type == "multipart/form-data":
        # Not into case.body: whatever changes there is validated again, and schemathesis cannot validate bytes.
        kwargs["files"] = [("file", ("a.jpg", _PICTURE, "image/jpeg"))]
    elif isinstance(case.body, dict):
        case.body = _real_body(case)


def _real_body(case: Any) -> dict[str, Any]:
    body = dict(case.body)
    for name in body.keys() & _IN_A_BODY.keys():
        body |= _IN_A_BODY[name]()
    if case.method == "DELETE" and "code" in body:
        return {**body, "code": _login()["code"]}
    if "code" in body:
        body |= _login(next(_PEOPLE))
        for name in ("appid", "grant_type"):
            body.pop(name, None)
    for name in ("client_id", "client_secret"):
        body.pop(name, None)
    return body


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Notice the end of the caller's session."""
    del context, case
    _caller.hear(response)
