"""What schemathesis cannot guess: codes that WeChat knows. Loaded by the fuzz run (SCHEMATHESIS_HOOKS).

Every second well-formed login gets the credentials of somebody, so that the fuzz comes past the first check.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import requests
import schemathesis
from schemathesis import GenerationMode

_LOGIN = os.environ["FUZZ_LOGIN_URL"]
_PEOPLE = itertools.cycle(["?user=mei", "?user=bo", "", "?user=nobody-yet"])
_turn = itertools.count()
_http = requests.Session()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put real credentials into every second login that is meant to be well-formed."""
    del context, kwargs
    well_formed = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    if not (well_formed and isinstance(case.body, dict) and "code" in case.body) or next(_turn) % 2:
        return
    login = _http.post(_LOGIN + next(_PEOPLE), timeout=10).json()
    case.body = {**case.body, **login}
    for name in ("appid", "grant_type"):
        case.body.pop(name, None)
