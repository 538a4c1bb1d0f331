"""Other services of the team that ask whether a token still counts (RFC 7662)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from passport.access import Access
from passport.config import ResourceServer
from passport.errors import AccountDisabled, InvalidClient, InvalidToken
from passport.tokens import Claims

# Compared with when the id is unknown, so that known and unknown ids take the same time.
_NOBODY = "no resource server has this secret, and it is as long as one"


@dataclass(frozen=True)
class Introspection:
    """A token that counts."""

    claims: Claims
    issuer: str


class ResourceServers:
    """Who may introspect, and what they are told.

    Args:
        servers: the configured ones.
        access: decides whether a token counts, as it does at our own doors.
        issuer: the `iss` of our tokens.
    """

    def __init__(self, servers: Sequence[ResourceServer], *, access: Access, issuer: str) -> None:
        self._servers = {server.id: server for server in servers}
        self._access, self._issuer = access, issuer

    def authenticate(self, server_id: str, secret: str) -> ResourceServer:
        """The resource server with this id. Raises InvalidClient when there is none, or the secret is wrong."""
        server = self._servers.get(server_id)
        expected = server.secret.get_secret_value() if server else _NOBODY
        if (
            not hmac.compare_digest(expected.encode(), secret.encode("utf-8", "surrogatepass"))
            or server is None
        ):
            raise InvalidClient
        return server

    async def introspect(self, server: ResourceServer, token: str) -> Introspection | None:
        """What the access token says, None unless it counts now and is of an app that is this server's concern.

        A refresh token does not count: a service that took one for an access token would let in whoever sent it.

        Raises:
            StoreUnavailable: nobody can tell now.
        """
        try:
            bearer = await self._access.admit(token)
        except (InvalidToken, AccountDisabled):
            return None
        if server.apps and bearer.claims.appid not in server.apps:
            return None
        return Introspection(bearer.claims, self._issuer)
