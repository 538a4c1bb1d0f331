"""`/.well-known/…`: what other services need to verify our tokens alone."""

from __future__ import annotations

from handlers.base import APIHandler


class JWKSHandler(APIHandler):
    """`GET /.well-known/jwks.json` (RFC 7517)."""

    def get(self) -> None:
        """The public keys; private halves never leave `passport.keys`."""
        self.set_header("Cache-Control", "public, max-age=300")
        self.reply(self.services.keys.jwks())
