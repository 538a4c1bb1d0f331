"""`/accounts/me/avatar` and `/avatars/{id}`: the picture that a user uploads, and how the world sees it."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field

from handlers.api.bearer import BearerHandler
from handlers.base import APIHandler
from handlers.multipart import the_file
from handlers.operations import Answer, operation
from passport.access import Bearer
from passport.errors import (
    AccountDisabled,
    InvalidToken,
    MalformedUpload,
    NotFound,
    NotMultipart,
    PassportError,
    PictureTooLarge,
    TooManyUploads,
    UnreadablePicture,
    UnsupportedPicture,
    UploadUnderWay,
)
from passport.uploads import Upload

MIB = 1024 * 1024
UPLOAD_LIMIT = 10 * MIB
# So much of a photo that is too large is read and forgotten, so that the phone hears why it was refused.
UPLOAD_PATIENCE = 40 * MIB
# The same for those who may not upload: an avatar with an expired token still hears that it has expired.
STRANGERS_PATIENCE = MIB
# A phone on a bad line; wx.uploadFile itself gives up after 60 seconds.
UPLOAD_SECONDS = 60
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "A JPEG, PNG, WebP or GIF of at most 10 MiB and 25 million pixels, under any name.",
        }
    },
}
_YEAR = 365 * 24 * 3600


class AvatarAnswer(Answer):
    """Where the picture is."""

    avatar_url: str = Field(
        description="Where anybody sees the picture now: a square JPEG of at most 512 pixels, without the metadata of "
        "the upload. It can be cached for ever; another upload gets another address.",
        examples=["https://login.example.com/avatars/9sTqWd3mCkYb1Xv0Zr7uLA"],
    )


class AvatarHandler(BearerHandler):
    """`/accounts/me/avatar`. The only endpoint that takes more than 64 KiB, and that of known users alone."""

    too_large = PictureTooLarge

    def initialize(self) -> None:
        """Nobody yet, and nothing uploaded."""
        super().initialize()
        self._caller: Bearer | None = None
        self._refused: PassportError | None = None
        self._upload: Upload | None = None
        self._crowded_out, self._working = False, False

    async def prepare(self) -> None:
        """Find out who calls before any of the body is read."""
        uploads = self.request.method == "POST"
        if uploads:
            self._take_up_to(UPLOAD_LIMIT, UPLOAD_PATIENCE)
        super().prepare()
        if self._operation is None:
            return
        self._prepared = False
        try:
            self._caller = await self.bearer()
            if uploads:
                self._upload = self.services.uploads.enter(self._caller.user.user_id)
                # No need to keep any of what will be refused.
                self.body_limit = 0 if self.announced > UPLOAD_LIMIT else UPLOAD_LIMIT
        except PassportError as refusal:
            self._refuse_unread(refusal)
        self._prepared = True

    def _take_up_to(self, limit: int, patience: int) -> None:
        self.body_limit, self.patience = limit, patience
        connection = self.request.connection
        # Tornado counts a chunk when it is announced. Its wall stands far behind, or it would answer in our place.
        connection.set_max_body_size(10 * patience)  # type: ignore[union-attr]  # an HTTP1Connection
        connection.set_body_timeout(UPLOAD_SECONDS)  # type: ignore[union-attr]  # an HTTP1Connection

    def _refuse_unread(self, refusal: PassportError) -> None:
        """At once when much is announced; else once the little there is was read and forgotten."""
        self._refused = refusal
        self._take_up_to(0, STRANGERS_PATIENCE)
        if self.announced > STRANGERS_PATIENCE:
            raise refusal

    def excess(self) -> PassportError:
        """Whoever is refused anyway hears that first."""
        return self._refused or super().excess()

    def keep(self, chunk: bytes) -> None:
        """As long as there is room for the uploads of all; else read on and forget, so that the client hears why."""
        try:
            if self._upload is not None:
                self._upload.grow(len(chunk))
            super().keep(chunk)
        except TooManyUploads:
            self._crowded_out = True
            self._forget()

    def on_finish(self) -> None:
        """Answered."""
        super().on_finish()
        self._forget()

    def on_connection_close(self) -> None:
        """Gone before the end of the body; later than that the answer is still being made."""
        super().on_connection_close()
        if not self._working:
            self._forget()

    def _forget(self) -> None:
        self._body.clear()
        if self._upload is not None:
            self._upload.leave()

    def _user_id(self) -> str:
        if self._refused is not None or self._caller is None:
            raise self._refused or InvalidToken()
        return self._caller.user.user_id

    def _file(self) -> bytes:
        if self._received > self.body_limit:
            raise self.excess()
        if self._crowded_out:
            raise TooManyUploads
        body = bytes(self._body)
        self._body.clear()
        return the_file(body, self.request.headers.get_list("Content-Type"))

    @operation(
        "Upload an avatar: multipart/form-data with one file, `file`, as wx.uploadFile sends it.",
        answers=AvatarAnswer,
        refusals=(
            InvalidToken,
            AccountDisabled,
            NotMultipart,
            MalformedUpload,
            UnsupportedPicture,
            PictureTooLarge,
            UnreadablePicture,
            UploadUnderWay,
            TooManyUploads,
        ),
        caller="bearer",
        limit="upload",
        consumes={"multipart/form-data": _FORM},
    )
    async def post(self) -> None:
        """200 with the address of the new avatar; a refusal leaves the former one as it was."""
        self._working = True
        user_id = self._user_id()
        self.reply(AvatarAnswer(avatar_url=await self.services.avatars.replace(user_id, self._file())))

    @operation(
        "Take the avatar away.",
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=(InvalidToken, AccountDisabled),
        caller="bearer",
    )
    async def delete(self) -> None:
        """204, whether there was one or not."""
        await self.services.avatars.remove(self._user_id())
        self.reply_without_body()


class PictureHandler(APIHandler):
    """`/avatars/{id}`."""

    # The address is all it takes to see the picture, so it is not written down.
    logged_path = "/avatars/[id]"

    def compute_etag(self) -> str | None:
        """The id: another picture has another one. Nothing for a refusal."""
        return f'"{self.path_kwargs["avatar_id"]}"' if self.get_status() == HTTPStatus.OK else None

    @operation(
        "An avatar that a user uploaded.",
        answers={HTTPStatus.OK: None, HTTPStatus.NOT_MODIFIED: None},
        refusals=(NotFound,),
        produces={HTTPStatus.OK: "image/jpeg"},
    )
    async def get(self, avatar_id: str) -> None:
        """200 with the picture, which never changes; 404 once its user replaced or removed it, or is gone."""
        avatar = await self.services.avatars.get(avatar_id)
        self.set_header("Content-Type", avatar.media_type)
        self.set_header("Content-Disposition", 'inline; filename="avatar.jpg"')
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
        # Mini-programs run in pages of WeChat's, so to their <image> we are another site.
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.set_header("Cache-Control", f"public, max-age={_YEAR}, immutable")
        self.finish(avatar.content)

    head = get
