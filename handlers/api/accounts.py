"""`/accounts/…`: registration, and the signed-in user."""

from __future__ import annotations

from http import HTTPStatus

from handlers.api.credentials import LoginBody
from handlers.base import APIHandler
from passport.access import Bearer
from passport.clock import rfc3339
from passport.errors import InvalidToken, MissingToken


class RegisterHandler(APIHandler):
    """`POST /accounts/wxapp`: make an account."""

    async def post(self) -> None:
        """201 with the id and the time of registration; the same person again: 200 with the same two."""
        registration = await self.services.login.register(self.body(LoginBody).credentials)
        self.reply(
            {"account_id": registration.account_id, "created_at": rfc3339(registration.created_at)},
            HTTPStatus.CREATED if registration.created else HTTPStatus.OK,
        )


class BearerHandler(APIHandler):
    """An endpoint for the bearer of an access token."""

    async def bearer(self) -> Bearer:
        """Who calls (RFC 6750 section 2.1: the token comes in the Authorization header alone)."""
        given = self.request.headers.get_list("Authorization")
        if len(given) > 1:
            raise InvalidToken
        scheme, _, token = given[0].partition(" ") if given else ("", "", "")
        # Section 3.1: another scheme is a client that does not know ours, so the challenge names no error.
        if scheme.lower() != "bearer":
            raise MissingToken
        return await self.services.access.admit(token.strip(" "))


class MeHandler(BearerHandler):
    """`GET /accounts/me`: the signed-in user."""

    async def get(self) -> None:
        """200 with the account and its profile."""
        user = (await self.bearer()).user
        self.reply(
            {
                "account_id": user.user_id,
                "created_at": rfc3339(user.created_at),
                "profile": dict(user.profile),
            }
        )
