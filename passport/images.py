"""Make an avatar of what a user uploaded: a small square JPEG that holds pixels and nothing else.

A program of its own, run by `passport.workshop` once for each upload: the file comes by standard input, the JPEG goes
to standard output, and the exit status says why there is none. Decoders of pictures are C code that strangers feed, so
they get a process without our secrets, which the system ends when it takes too much time or memory.

A JPEG, because WeChat's <image> shows a WebP only to pages that ask for it (`webp`), and canvas, previewImage and share
cards differ; a JPEG works in all of them. It has no transparency, so that becomes white.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
import warnings

# Named here, or Pillow would import every decoder it has to find these.
from PIL import (
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from passport.image_limits import CPU_SECONDS, MEMORY, MOST_PIXELS, SIDE, Outcome

_DECODERS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
)
FORMATS = tuple(decoder.format for decoder in _DECODERS)
_QUALITY = 85
_LOWEST_PRIORITY = 19


def main() -> Outcome:
    """Read, make, write."""
    limit_resources()
    try:
        sys.stdout.buffer.write(avatar(sys.stdin.buffer.read()))
    except UnidentifiedImageError:
        return Outcome.UNSUPPORTED
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return Outcome.TOO_LARGE
    except (
        Exception
    ):  # a decoder raises whatever it comes to: ValueError, struct.error, EOFError, zlib.error, …
        return Outcome.UNREADABLE
    return Outcome.DONE


def limit_resources() -> None:
    """What the system holds us to. A login that arrives meanwhile goes first."""
    os.nice(_LOWEST_PRIORITY)
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,  # a core file would keep somebody's picture
    }
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, (most, most))


def avatar(upload: bytes) -> bytes:
    """The first frame as a JPEG: upright, cropped to its middle square, of at most 512 pixels a side, in sRGB.

    Raises:
        UnidentifiedImageError: by its content no picture of a kind that is decoded.
        DecompressionBombWarning, DecompressionBombError, MemoryError: it is too large.
        Exception: it is damaged, in whichever words the decoder finds.
    """
    # Checked by Pillow against the header, before a pixel is decoded.
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    # Without `formats` dozens of decoders would have a try, some of which start other programs.
    with Image.open(io.BytesIO(upload), formats=FORMATS) as picture:
        picture.draft(None, (SIDE, SIDE))  # a JPEG decodes at an eighth of its size
        small = upright(square(plain(picture)))
    return encoded(flat(small, small.info.get("icc_profile")))


def plain(picture: Image.Image) -> Image.Image:
    """In a mode that can be scaled: neither palette nor bits, and eight bits a channel."""
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA")
    return picture.convert("L") if picture.mode in ("1", "F") else picture


def square(picture: Image.Image) -> Image.Image:
    """The middle, scaled down if it is larger than an avatar; the notes of the picture stay with it so far."""
    picture.load()
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    target = min(side, SIDE)
    scaled = picture.resize(
        (target, target),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=2.0,
    )
    scaled.info = dict(picture.info)
    return scaled


def upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says. A damaged note of that is no reason to refuse a picture."""
    with contextlib.suppress(Exception):
        return ImageOps.exif_transpose(picture)
    return picture


def flat(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A new picture of nothing but these pixels: in sRGB, on white, without a single note of the old one."""
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    colours = picture.convert("RGB") if alpha else picture
    canvas = Image.new("RGB", picture.size, "white")
    canvas.paste(in_srgb(colours, profile), mask=alpha)
    return canvas


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """By its colour profile, unless there is none, or one that fits another kind of picture or is damaged."""
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ours = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, theirs, ours, outputMode="RGB")
            if converted is not None:
                return converted
    return picture.convert("RGB")


def encoded(picture: Image.Image) -> bytes:
    """As a JPEG of some tens of kilobytes."""
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return output.getvalue()


if __name__ == "__main__":
    sys.exit(main())
