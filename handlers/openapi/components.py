"""What several operations share: headers, ways to authenticate, and how a query is shown."""

from __future__ import annotations

from typing import Any

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access_token of POST /oauth/token, in the Authorization header (RFC 6750 section 2.1).",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A resource server of the configuration, by its client id and secret (RFC 6749 section 2.3.1).",
    },
}


def headers() -> dict[str, dict[str, Any]]:
    """The headers of answers."""
    return {
        "X-Request-Id": {
            "description": "Names this request in the server's log.",
            "required": True,
            "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        },
        "Retry-After": {
            "description": "Whole seconds to wait before the next try.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "WWW-Authenticate": {
            "description": "How to authenticate (RFC 9110 section 11.6.1).",
            "schema": {"type": "string"},
        },
    }


def parameters_of_query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a query's schema as parameters."""
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": member.get("description", ""),
            "schema": {key: value for key, value in member.items() if key != "description"},
        }
        for name, member in schema.get("properties", {}).items()
    ]
