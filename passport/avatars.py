"""Avatars that users upload: made small and harmless, kept, shown under an address that nobody can guess."""

from __future__ import annotations

import secrets

from passport.clock import Now
from passport.errors import InvalidToken, NotFound
from passport.models import Avatar, User
from passport.store.avatars import AvatarStore
from passport.workshop import Workshop

MEDIA_TYPE = "image/jpeg"
# 128 bits, since the address is all it takes to see the picture. A new one for each upload, so that it can be cached
# for ever; not a digest, or two users with one picture would share an address, and its life.
_ID_BYTES = 16


class Avatars:
    """The avatars.

    Args:
        store: where they are kept.
        workshop: makes them of uploads.
        base_url: how clients reach this server.
        now: the clock.
    """

    def __init__(self, *, store: AvatarStore, workshop: Workshop, base_url: str, now: Now) -> None:
        self._store, self._workshop, self._now = store, workshop, now
        self._base_url = base_url

    async def replace(self, user_id: str, upload: bytes) -> str:
        """Make the upload the user's avatar; its address.

        Raises:
            UnsupportedPicture, PictureTooLarge, UnreadablePicture, TooManyUploads: the former avatar stays.
            InvalidToken: the account was closed meanwhile.
            StoreUnavailable: the outcome is unknown; the same call again is safe.
        """
        avatar = Avatar(
            avatar_id=secrets.token_urlsafe(_ID_BYTES),
            user_id=user_id,
            content=await self._workshop.avatar(upload),
            media_type=MEDIA_TYPE,
            created_at=self._now(),
        )
        if not await self._store.replace(avatar):
            raise InvalidToken
        return self._url(avatar.avatar_id)

    async def remove(self, user_id: str) -> None:
        """Take the user's avatar away; no matter if there is none."""
        await self._store.remove(user_id)

    async def get(self, avatar_id: str) -> Avatar:
        """The picture. Raises NotFound."""
        avatar = await self._store.find(avatar_id)
        if avatar is None:
            raise NotFound
        return avatar

    def url_of(self, user: User) -> str | None:
        """The address of the avatar that the user uploaded; None when there is none."""
        return self._url(user.avatar) if user.avatar else None

    def _url(self, avatar_id: str) -> str:
        return f"{self._base_url}/avatars/{avatar_id}"
