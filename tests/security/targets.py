"""What there is to attack: every operation of the URL table with its fields, so that no new route is forgotten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from handlers import make_app
from handlers.openapi.routes import routes_of
from handlers.operations import Operation

Fields = tuple[str, ...]
# A well-formed id of nothing; what a path takes is in its pattern.
NOTHING: Mapping[str, str] = {
    "session_id": "0" * 24,
    "avatar_id": "A" * 22,
    "appid": "wx0000000000000000",
    "issuer_path": "x",
}


@dataclass(frozen=True)
class Target:
    """One operation: how it is called, and what it declares."""

    method: str
    template: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def path(self) -> str:
        """The path, with ids of nothing."""
        return self.with_ids()

    def with_ids(self, **ids: str) -> str:
        """The path with these ids."""
        return re.sub(r"\{(\w+)\}", lambda match: {**NOTHING, **ids}[match[1]], self.template)

    @property
    def parameters(self) -> Fields:
        """What the path takes."""
        return tuple(re.findall(r"\{(\w+)\}", self.template))

    @property
    def fields(self) -> Fields:
        """Every member of its bodies, as it is written on the wire."""
        found = [
            field.alias or name for body in self.operation.bodies for name, field in body.model_fields.items()
        ]
        return tuple(dict.fromkeys(found))

    @property
    def takes_a_body(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.operation.bodies or self.operation.consumes)


@cache
def targets() -> tuple[Target, ...]:
    """All of them."""
    services: Any = SimpleNamespace(settings=SimpleNamespace(server=SimpleNamespace(public_url=None)))
    return tuple(
        Target(method.upper(), route.path, operation)
        for route in routes_of(make_app(services).wildcard_router.rules)
        for method, operation in route.operations.items()
    )


def target(name: str) -> Target:
    """The one of this name: `PUT /accounts/me`."""
    (found,) = [each for each in targets() if str(each) == name]
    return found


def with_a_body() -> tuple[Target, ...]:
    """Those that read a JSON object or a form."""
    return tuple(each for each in targets() if each.operation.bodies)


def for_a_bearer() -> tuple[Target, ...]:
    """Those behind an access token."""
    return tuple(each for each in targets() if each.operation.caller == "bearer")
