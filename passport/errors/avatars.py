"""Refusals of an uploaded picture."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError
from passport.errors.credentials import InvalidRequest
from passport.errors.http import PayloadTooLarge, UnsupportedMediaType
from passport.errors.weather import SlowDown, TemporarilyUnavailable

_HOW = Hint(
    zh="请用 wx.uploadFile 上传：filePath 为 chooseAvatar 给出的 avatarUrl，name 为 file，一次只传一个文件。",
    en="Upload with wx.uploadFile: filePath is the avatarUrl that chooseAvatar gave, name is file; one file a call.",
)


class MalformedUpload(InvalidRequest):
    """The body is not one file in well-formed multipart/form-data (RFC 7578)."""

    description = "The body must be multipart/form-data with exactly one file."
    hint = _HOW


class NotMultipart(UnsupportedMediaType):
    """The body is of another type."""

    description = "The body must be multipart/form-data with a boundary of at most 70 characters."
    hint = _HOW


class UnsupportedPicture(UnsupportedMediaType):
    """The file is no picture of a kind that is decoded, whatever its name and its type say: HEIC, SVG, AVIF, text."""

    description = "The file is not a JPEG, PNG, WebP or GIF picture."
    hint = Hint(
        zh="只接受 JPEG、PNG、WebP、GIF。请用 chooseAvatar 选择头像，或先用 wx.compressImage 转成 JPEG"
        "（iPhone 的 HEIC 照片也是如此）。",
        en="Only JPEG, PNG, WebP and GIF are accepted. Choose the picture with chooseAvatar, or make a JPEG of it with "
        "wx.compressImage first, HEIC photos of an iPhone too.",
    )


class PictureTooLarge(PayloadTooLarge):
    """The file has too many bytes, too many pixels, or takes too much work to decode."""

    description = "The upload is larger than 10 MiB."
    hint = Hint(
        zh="图片不能超过 10 MiB、2500 万像素：请先用 wx.compressImage 压缩；chooseAvatar 给出的头像已足够小。",
        en="Keep the picture under 10 MiB and 25 million pixels: shrink it with wx.compressImage first; "
        "what chooseAvatar gives is small enough.",
    )


class UnreadablePicture(PassportError):
    """The file begins like a picture, and is cut short or damaged."""

    code, status = "unreadable_picture", 403
    description = "The picture is cut short or damaged."
    hint = Hint(
        zh="图片不完整或已损坏，请重新选择图片再上传。",
        en="The picture is cut short or damaged. Choose it again and repeat the upload.",
    )


class UploadUnderWay(SlowDown):
    """The same user has an upload under way in this process."""

    description = "Another upload of this user is still under way."
    hint = Hint(
        zh="上一次上传尚未结束，请等它完成再上传；避免重复点击。",
        en="Wait until the former upload has ended; do not send it twice.",
    )
    retry_after: int | None = 2


class TooManyUploads(TemporarilyUnavailable):
    """Uploads hold as much memory as they may, or pictures wait too long for their turn."""

    description = "Too many pictures are being uploaded. Retry after the time in Retry-After."
    hint = Hint(
        zh="正在上传图片的人太多，请按 Retry-After 等待后重新上传。",
        en="Too many people are uploading. Wait for Retry-After, then repeat the upload.",
    )
    retry_after: int | None = 5
