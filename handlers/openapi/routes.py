"""The URL table as OpenAPI sees it: a path with its parameters, and the operations of its handler."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tornado.routing import URLSpec
from tornado.web import RequestHandler

from handlers.openapi.words import PARAMETERS
from handlers.operations import Operation, operation_of

METHODS = ("get", "head", "post", "put", "delete")
_ESCAPED = re.compile(r"\\(.)")
_NAMED = re.compile(r"\?P<(\w+)>")


@dataclass(frozen=True)
class Route:
    """One row of the URL table.

    Args:
        pattern: its regular expression, without anchors.
        handler: the class that answers.
    """

    pattern: str
    handler: type[RequestHandler]

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """What its methods declare, by the method's name in lower case."""
        declared = {method: operation_of(getattr(self.handler, method)) for method in METHODS}
        return {method: operation for method, operation in declared.items() if operation is not None}

    @property
    def undeclared(self) -> list[str]:
        """Methods that the handler has and that declare no operation."""
        unimplemented = RequestHandler._unimplemented_method
        return [
            method
            for method in (*METHODS, "patch", "options")
            if getattr(self.handler, method) is not unimplemented
            and operation_of(getattr(self.handler, method)) is None
        ]

    @cached_property
    def path(self) -> str:
        """The path template: `/accounts/me/sessions/{id}`."""
        return "".join(piece if name is None else f"{{{name}}}" for name, piece in self._pieces)

    @cached_property
    def parameters(self) -> tuple[dict[str, Any], ...]:
        """The parameters of the path, each with the pattern it must match."""
        return tuple(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": PARAMETERS.get(name, ""),
                "schema": {"type": "string", "pattern": f"^(?:{piece})$"},
            }
            for name, piece in self._pieces
            if name is not None
        )

    @cached_property
    def _pieces(self) -> list[tuple[str | None, str]]:
        unnamed = 0
        pieces: list[tuple[str | None, str]] = []
        for is_group, text in _split(self.pattern):
            if not is_group:
                pieces.append((None, _ESCAPED.sub(r"\1", text)))
                continue
            named = _NAMED.match(text)
            unnamed += named is None
            fallback = "id" if unnamed == 1 else f"id{unnamed}"
            pieces.append((named[1] if named else fallback, text[named.end() :] if named else text))
        return pieces


def _split(pattern: str) -> Iterator[tuple[bool, str]]:
    """Plain text and the insides of the outermost groups, in turn."""
    depth = start = 0
    for at in re.finditer(r"\\.|\[(?:\\.|[^\]])*\]|[()]", pattern):
        if at[0] == "(":
            if depth == 0:
                yield False, pattern[start : at.start()]
                start = at.end()
            depth += 1
        elif at[0] == ")":
            depth -= 1
            if depth == 0:
                yield True, pattern[start : at.start()]
                start = at.end()
    yield False, pattern[start:]


def routes_of(rules: Iterable[Any]) -> tuple[Route, ...]:
    """The rows of the URL table, in its order."""
    urls = (rule for rule in rules if isinstance(rule, URLSpec))
    return tuple(Route(rule.regex.pattern.removesuffix("$"), rule.handler_class) for rule in urls)
