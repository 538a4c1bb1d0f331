"""What becomes of an honest picture: every format and mode, upright, in its own colours, cropped and small."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from tests.client import API
from tests.pictures import BLUE, GREEN, RED, WHITE, encoded, near, opened, plain, quarters, uploaded, with_gps


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_each_format_is_accepted_by_its_content(api: API, form: str) -> None:
    token = await api.signed_in("mei")
    picture = await uploaded(api, token, plain(form), filename="file.exe", kind="application/x-msdownload")
    assert near(opened(picture).getpixel((256, 256)), RED)
    assert len(picture) < 200_000


MODES = {
    "16-bit grey PNG": (encoded(Image.new("I;16", (600, 600), 0x8000), "PNG"), (128, 128, 128)),
    "black and white PNG": (encoded(Image.new("1", (600, 600), 1), "PNG"), WHITE),
    "palette PNG": (encoded(Image.new("RGB", (600, 600), GREEN).quantize(8), "PNG"), GREEN),
    "grey JPEG": (encoded(Image.new("L", (600, 600), 90), "JPEG"), (90, 90, 90)),
    "CMYK JPEG": (encoded(Image.new("RGB", (600, 600), RED).convert("CMYK"), "JPEG"), RED),
    "see-through PNG": (encoded(Image.new("RGBA", (600, 600), (*BLUE, 0)), "PNG"), WHITE),
    "half see-through grey PNG": (encoded(Image.new("LA", (600, 600), (0, 128)), "PNG"), (127, 127, 127)),
    "see-through WebP": (encoded(Image.new("RGBA", (600, 600), (*BLUE, 0)), "WEBP"), WHITE),
    "progressive JPEG": (plain("JPEG", progressive=True), RED),
}


@pytest.mark.parametrize(("content", "colour"), MODES.values(), ids=MODES.keys())
async def test_every_mode_keeps_its_colours(api: API, content: bytes, colour: tuple[int, int, int]) -> None:
    picture = opened(await uploaded(api, await api.signed_in("mei"), content))
    assert (picture.mode, picture.size) == ("RGB", (512, 512))
    assert near(picture.getpixel((256, 256)), colour)


def palette_with_a_hole() -> bytes:
    """A palette picture whose only colour is see-through."""
    return encoded(Image.new("P", (600, 600), 0), "PNG", transparency=0)


async def test_a_see_through_palette_becomes_white(api: API) -> None:
    picture = opened(await uploaded(api, await api.signed_in("mei"), palette_with_a_hole()))
    assert near(picture.getpixel((256, 256)), WHITE)


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
async def test_of_an_animation_the_first_frame_is_kept(api: API, form: str) -> None:
    frames = [Image.new("RGB", (200, 200), colour) for colour in (GREEN, RED, BLUE)]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
    picture = opened(await uploaded(api, await api.signed_in("mei"), content))
    assert getattr(picture, "n_frames", 1) == 1
    assert near(picture.getpixel((100, 100)), GREEN, 20)


# Where red, green and blue are at the corners after turning: top left, top right, bottom left (EXIF 2.32, 4.6.4 A).
TURNED = {
    1: (RED, GREEN, BLUE),
    2: (GREEN, RED, BLUE),
    3: (BLUE, BLUE, GREEN),
    4: (BLUE, BLUE, RED),
    5: (RED, BLUE, GREEN),
    6: (BLUE, RED, BLUE),
    7: (BLUE, GREEN, BLUE),
    8: (GREEN, BLUE, RED),
}


@pytest.mark.parametrize(("orientation", "corners"), TURNED.items(), ids=str)
async def test_a_photo_stands_upright(
    api: API, orientation: int, corners: tuple[tuple[int, int, int], ...]
) -> None:
    picture = opened(await uploaded(api, await api.signed_in("mei"), with_gps(orientation)))
    far = picture.width - 20
    seen = [picture.getpixel(corner) for corner in ((20, 20), (far, 20), (20, far))]
    assert all(near(each, corner, 25) for each, corner in zip(seen, corners, strict=True)), seen


async def test_a_photo_without_a_readable_note_of_its_side_is_taken_as_it_is(api: API) -> None:
    content = encoded(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    picture = opened(await uploaded(api, await api.signed_in("mei"), content))
    assert near(picture.getpixel((20, 20)), RED, 25)


@pytest.mark.parametrize(
    ("size", "side"), [((1, 1), 1), ((30, 500), 30), ((511, 700), 511), ((3000, 600), 512), ((1, 20_000), 1)]
)
async def test_the_middle_square_is_kept_and_never_enlarged(
    api: API, size: tuple[int, int], side: int
) -> None:
    picture = opened(await uploaded(api, await api.signed_in("mei"), plain("PNG", size)))
    assert picture.size == (side, side)


async def test_the_sides_are_cropped_away(api: API) -> None:
    wide = Image.new("RGB", (1500, 500), BLUE)
    wide.paste(Image.new("RGB", (500, 500), RED), (500, 0))
    picture = opened(await uploaded(api, await api.signed_in("mei"), encoded(wide, "PNG")))
    assert all(near(picture.getpixel(each), RED, 20) for each in ((5, 5), (494, 494), (250, 250)))


def profile_of_swapped_colours() -> bytes:
    """An sRGB profile in which red and blue have changed places, so that a conversion shows."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")


async def test_colours_are_converted_by_the_pictures_profile(api: API) -> None:
    content = encoded(
        Image.new("RGB", (600, 600), (255, 0, 0)), "PNG", icc_profile=profile_of_swapped_colours()
    )
    picture = opened(await uploaded(api, await api.signed_in("mei"), content))
    assert near(picture.getpixel((256, 256)), (0, 0, 255), 30)
    assert "icc_profile" not in picture.info


@pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200, "grey"], ids=str)
async def test_a_profile_that_does_not_fit_is_left_out(api: API, profile: bytes | str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    content = plain("JPEG", icc_profile=lab if isinstance(profile, str) else profile)
    picture = opened(await uploaded(api, await api.signed_in("mei"), content))
    assert near(picture.getpixel((256, 256)), RED)


async def test_a_large_photo_of_a_phone_becomes_a_small_avatar(api: API) -> None:
    noise = Image.effect_noise((1000, 1000), 80).resize((5712, 4284))
    output = io.BytesIO()
    Image.merge("RGB", (noise, noise, noise)).save(output, "JPEG", quality=80)
    picture = await uploaded(api, await api.signed_in("mei"), output.getvalue())
    assert opened(picture).size == (512, 512)
    assert len(picture) < 200_000
