"""Reading pictures: equal to OpenCV where it is plain, explicit where it is not, one sentence where it fails."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pil
from PIL import ImageFile, ImageOps

from app.records import Keypoints, UInt8, UserError
from app.vision import image_files, images

LOCAL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def smooth(height: int = 60, width: int = 90) -> UInt8:
    """A colourful picture without symmetry, the same every time."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def encoded(picture: Pil.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def sentence(path: Path) -> str:
    """The text of the error that reading gives; it must be one line ending in a full stop."""
    with pytest.raises(UserError) as caught:
        images.read_image(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def an_image_or_one_sentence(path: Path) -> None:
    said = ""
    try:
        assert images.read_image(path).rgb.shape[2] == 3
    except UserError as error:
        said = str(error)
    assert said == "" or re.fullmatch(r"[^\n]+\.", said)


def tiff(pixels: np.ndarray[Any, Any]) -> bytes:
    return bytes(cv2.imencode(".tiff", pixels)[1].tobytes())


# ------------------------------------------------------------------------------ plain files


@pytest.mark.parametrize("kind", ["png", "jpg", "tiff", "webp", "bmp", "ppm", "pgm", "gif", "jp2", "avif"])
@pytest.mark.parametrize("grey", [False, True])
def test_a_plain_8_bit_file_equals_imread_in_colour(tmp_path: Path, kind: str, grey: bool) -> None:
    pixels = smooth()[:, :, 0] if kind == "pgm" or (grey and kind not in ("ppm", "gif")) else smooth()
    path = put(tmp_path, f"a.{kind}", cv2.imencode(f".{kind}", pixels)[1].tobytes())
    image = images.read_image(path)
    np.testing.assert_array_equal(image.rgb, cv2.imread(str(path), cv2.IMREAD_COLOR)[:, :, ::-1])
    assert (image.size, image.note, image.name) == ((90, 60), "", f"a.{kind}")


def test_a_lossless_file_gives_back_the_pixels_it_was_written_from(tmp_path: Path) -> None:
    path = put(tmp_path, "a.png", encoded(Pil.fromarray(smooth()), "PNG"))
    np.testing.assert_array_equal(images.read_image(path).rgb, smooth())


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_one_bit_grey_palette_and_print_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    picture = Pil.fromarray(smooth()).convert(mode)
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    image = images.read_image(put(tmp_path, "a.img", encoded(picture, kind, quality=95)))
    error = np.abs(image.rgb.astype(int) - np.asarray(picture.convert("RGB")).astype(int))
    assert error.mean() < (4 if kind == "JPEG" else 0.01)


@pytest.mark.parametrize("name", ["with space.png", "Ünïcödé – 画像.png", "tab\tand'quote.png", "no suffix"])
def test_spaces_and_unicode_in_a_path_do_not_matter(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "Фото 1"
    folder.mkdir()
    image = images.read_image(put(folder, name, encoded(Pil.fromarray(smooth()), "PNG")))
    assert image.name == name
    np.testing.assert_array_equal(image.rgb, smooth())


def test_the_id_follows_the_bytes_and_the_turn_not_the_name(tmp_path: Path) -> None:
    data = encoded(Pil.fromarray(smooth()), "PNG")
    first, second = put(tmp_path, "a.png", data), put(tmp_path, "b.png", data)
    other = put(tmp_path, "c.png", encoded(Pil.fromarray(smooth()[::-1]), "PNG"))
    ids = {images.read_image(first).id, images.read_image(second).id}
    assert len(ids) == 1
    ids |= {images.read_image(other).id, images.read_image(first, quarter_turns=1).id}
    assert len(ids) == 3
    assert images.read_image(first, quarter_turns=4).id == images.read_image(first).id


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, -1])
def test_quarter_turns_are_those_of_rot90(tmp_path: Path, turns: int) -> None:
    path = put(tmp_path, "a.png", encoded(Pil.fromarray(smooth()), "PNG"))
    np.testing.assert_array_equal(images.read_image(path, quarter_turns=turns).rgb, np.rot90(smooth(), turns))


def test_the_arrays_of_an_image_are_read_only(tmp_path: Path) -> None:
    image = images.read_image(put(tmp_path, "a.png", encoded(Pil.fromarray(smooth()), "PNG")))
    with pytest.raises(ValueError, match="read-only"):
        image.rgb[0, 0] = 0


# -------------------------------------------------------------------------------- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "stored_as",
    [
        *("JPEG RGB", "JPEG L", "PNG RGB", "PNG RGBA", "PNG I;16"),
        *("WEBP RGB", "WEBP RGBA", "TIFF RGB", "TIFF RGBA", "TIFF I;16"),
    ],
)
def test_exif_orientation_is_applied_whatever_the_format_and_depth(
    tmp_path: Path, stored_as: str, orientation: int
) -> None:
    kind, mode = stored_as.split()
    colour = smooth()
    opacity = np.tile(np.linspace(0, 255, 90).astype(np.uint8), (60, 1))
    stored = {
        "RGB": lambda: Pil.fromarray(colour),
        "L": lambda: Pil.fromarray(colour[:, :, 0]),
        "RGBA": lambda: Pil.fromarray(np.dstack([colour, opacity])),
        "I;16": lambda: Pil.fromarray(colour[:, :, 0].astype(np.uint16) * 257),
    }[mode]()
    exif = Pil.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif}
    options |= {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    data = encoded(stored, kind, **options)
    turned = ImageOps.exif_transpose(Pil.open(io.BytesIO(data)))
    if mode == "RGBA":
        expected = np.asarray(Pil.alpha_composite(Pil.new("RGBA", turned.size, "white"), turned).convert("RGB"))
    elif mode == "I;16":
        expected = np.repeat((np.asarray(turned) // 257)[:, :, None], 3, axis=2)
    else:
        expected = np.asarray(turned.convert("RGB"))
    found = images.read_image(put(tmp_path, "a.img", data)).rgb
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= (3 if kind == "JPEG" else 1)


# ------------------------------------------------------------------------------ depth and alpha


@pytest.mark.parametrize("suffix", ["png", "tiff", "ppm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_is_divided_by_257_rounded_and_said_so(tmp_path: Path, suffix: str, channels: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (40, 50, channels), np.uint16)
    deep[0, :3] = [[0], [65535], [32768]]
    suffix = "pgm" if suffix == "ppm" and channels == 1 else suffix
    image = images.read_image(put(tmp_path, f"a.{suffix}", cv2.imencode(f".{suffix}", deep)[1].tobytes()))
    expected = np.rint(deep / 257.0).astype(np.uint8)[:, :, ::-1]
    np.testing.assert_array_equal(image.rgb, np.broadcast_to(expected, image.rgb.shape))
    assert image.note == "16 bit shown as 8 bit (/257)"


def test_an_8_bit_picture_stored_in_16_bit_comes_back_as_itself(tmp_path: Path) -> None:
    path = put(tmp_path, "a.png", cv2.imencode(".png", smooth()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes())
    np.testing.assert_array_equal(images.read_image(path).rgb, smooth())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_other_depths_are_stretched_from_least_to_greatest_and_said_so(tmp_path: Path, dtype: Any) -> None:
    values = np.linspace(-1000, 3000, 60 * 90).reshape(60, 90).astype(dtype)
    image = images.read_image(put(tmp_path, "a.tiff", tiff(values)))
    expected = np.rint((values.astype(np.float64) + 1000) * 255 / 4000)
    np.testing.assert_array_equal(image.rgb, np.repeat(expected[:, :, None], 3, axis=2))
    assert image.note == "values -1000 to 3000 stretched to 8 bit"


def test_float_colour_keeps_its_channels_and_what_is_not_finite_becomes_an_end(tmp_path: Path) -> None:
    values = smooth().astype(np.float32)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    rgb = images.read_image(put(tmp_path, "a.tiff", tiff(values[:, :, ::-1]))).rgb
    assert rgb[0, :3].tolist() == [[0] * 3, [255] * 3, [0] * 3]
    low, high = smooth().min(), smooth().max()
    expected = np.rint((smooth()[1:].astype(float) - low) * 255 / (float(high) - low))
    assert np.abs(rgb[1:] - expected).max() <= 1


def test_a_constant_float_picture_is_black_rather_than_an_error(tmp_path: Path) -> None:
    assert not images.read_image(put(tmp_path, "a.tiff", tiff(np.full((8, 9), 7.5, np.float32)))).rgb.any()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_transparency_is_laid_over_white_and_said_so(tmp_path: Path, suffix: str, deep: bool) -> None:
    opacity = np.tile(np.linspace(0, 255, 90).astype(np.uint8), (60, 1))
    rgba = np.dstack([smooth(), opacity])
    if deep:
        data = cv2.imencode(f".{suffix}", rgba[:, :, [2, 1, 0, 3]].astype(np.uint16) * 257)[1].tobytes()
    else:
        data = encoded(Pil.fromarray(rgba), {"png": "PNG", "tiff": "TIFF"}[suffix])
    image = images.read_image(put(tmp_path, f"a.{suffix}", data))
    alpha = opacity[:, :, None] / 255.0
    expected = smooth() * alpha + 255 * (1 - alpha)
    assert np.abs(image.rgb - expected).max() <= 1
    assert image.note.endswith("transparent parts laid over white")
    assert image.note.startswith("16 bit") == deep


def test_an_alpha_channel_that_is_opaque_everywhere_changes_nothing(tmp_path: Path) -> None:
    rgba = np.dstack([smooth(), np.full((60, 90), 255, np.uint8)])
    image = images.read_image(put(tmp_path, "a.png", encoded(Pil.fromarray(rgba), "PNG")))
    np.testing.assert_array_equal(image.rgb, smooth())
    assert image.note == ""


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_the_transparent_entry_of_a_palette_is_white(tmp_path: Path, kind: str) -> None:
    picture = Pil.fromarray(smooth()).quantize(64)
    clear = picture.getpixel((0, 0))
    data = encoded(picture, kind, transparency=clear)
    image = images.read_image(put(tmp_path, "a.img", data))
    mask = np.asarray(picture) == clear
    assert (image.rgb[mask] == 255).all()
    np.testing.assert_array_equal(image.rgb[~mask], np.asarray(picture.convert("RGB"))[~mask])
    assert "transparent" in image.note


# -------------------------------------------------------------------------------- bad files


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert sentence(tmp_path / "no.png") == (
        f"There is no file {tmp_path / 'no.png'}; check the name or choose another picture."
    )
    inside_a_file = put(tmp_path, "file", b"x") / "no.png"
    assert sentence(inside_a_file).startswith("There is no file")


def test_a_folder_an_empty_file_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    assert "is a folder" in sentence(tmp_path)
    assert "is empty (0 bytes)" in sentence(put(tmp_path, "a.png", b""))
    assert "not a file name" in sentence(tmp_path / "a\0b.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert "device or a pipe" in sentence(tmp_path / "pipe.png")


def test_a_file_without_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.png", encoded(Pil.fromarray(smooth()), "PNG"))

    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # The superuser may read everything, so the refusal is the system call's, not the file mode's.
    monkeypatch.setattr(Path, "read_bytes", refused)
    assert sentence(path) == f"{path} cannot be read: Permission denied."


@pytest.mark.parametrize(
    "data", [b"x", b"hello, this is text\n" * 50, bytes(1000), b"%PDF-1.4 ...", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"BM"]
)
def test_what_is_no_picture_is_told(tmp_path: Path, data: bytes) -> None:
    text = sentence(put(tmp_path, "a.png", data))
    assert "not a picture that can be read" in text or "cut off or damaged" in text


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "progressive", "TIFF", "LZW", "WEBP", "BMP", "PPM", "GIF", "JPEG2000"])
def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    picture = Pil.fromarray(smooth(300, 400))
    data = {
        "progressive": lambda: encoded(picture, "JPEG", progressive=True),
        "LZW": lambda: encoded(picture, "TIFF", compression="tiff_lzw"),
        "GIF": lambda: encoded(picture.quantize(), "GIF"),
    }.get(kind, lambda: encoded(picture, kind))()
    assert "cut off or damaged" in sentence(put(tmp_path, "a.img", data[: int(len(data) * share)]))


def test_that_an_animation_cut_off_behind_its_first_frame_is_told_as_cut_off(tmp_path: Path) -> None:
    frames = [Pil.fromarray(smooth(60, 80)).rotate(angle).quantize() for angle in (0, 20, 40)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.read_image(put(tmp_path, "whole.gif", data)).size == (80, 60)
    assert "its end is missing" in sentence(put(tmp_path, "cut.gif", data[: len(data) * 2 // 3]))


def test_a_png_with_a_damaged_block_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded(Pil.fromarray(smooth()), "PNG"))
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(8)
    assert "cut off or damaged" in sentence(put(tmp_path, "a.png", bytes(data)))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("flip", [False, True])
def test_a_bad_png_is_told_in_our_sentence_alone(
    tmp_path: Path, share: float, flip: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(encoded(Pil.fromarray(smooth()), "PNG"))
    at = int(len(data) * share)
    if flip:
        data[at] ^= 0x55
    words = "checksum of its block" if flip else "its end is missing"
    assert words in sentence(put(tmp_path, "a.png", bytes(data if flip else data[:at])))
    assert capfd.readouterr().err == ""  # libpng would add a line


def bomb_png(width: int, height: int) -> bytes:
    """A PNG whose header claims more than its few bytes of data hold."""

    def block(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", content) + block(b"IEND", b"")


def bomb_tiff(width: int, height: int) -> bytes:
    """A TIFF of float colour (which only OpenCV reads) that claims to be large."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 32), (259, 3, 1), (262, 3, 2), (277, 3, 3), (339, 3, 3)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_that_a_png_without_exif_data_is_decoded_once(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Pil.fromarray(smooth()).convert("L" if mode == "I;16" else mode)
    path = put(tmp_path, "a.png", encoded(picture.convert("I;16") if mode == "I;16" else picture, "PNG"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded by Pillow as well"))
    assert images.read_image(path).size == picture.size


@pytest.mark.parametrize(
    "data",
    [bomb_png(60_000, 60_000), bomb_tiff(60_000, 60_000), b"P6\n60000 60000\n255\n" + bytes(100)],
    ids=["png", "tiff", "ppm"],
)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded by Pillow"))
    text = sentence(put(tmp_path, "a.img", data))
    assert "is too large (60000 x 60000 pixels); pictures may have up to 400 megapixels" in text


def test_the_limit_counts_pixels_and_is_inclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.png", encoded(Pil.fromarray(smooth()), "PNG"))
    monkeypatch.setattr(image_files, "MAX_PIXELS", 60 * 90)
    assert images.read_image(path).size == (90, 60)
    monkeypatch.setattr(image_files, "MAX_PIXELS", 60 * 90 - 1)
    assert "too large" in sentence(path)


@LOCAL
@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"P5\n"])
)
def test_any_bytes_give_an_image_or_one_sentence(tmp_path: Path, data: bytes, start: bytes) -> None:
    path = put(tmp_path, "any.img", start + data)
    an_image_or_one_sentence(path)


@LOCAL
@given(st.data())
def test_a_picture_with_changed_bytes_gives_an_image_or_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "GIF"]))
    content = bytearray(encoded(Pil.fromarray(smooth(12, 17)).convert("P" if kind == "GIF" else "RGB"), kind))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=9)
    ):
        content[place] = value
    path = put(tmp_path, "changed.img", bytes(content))
    an_image_or_one_sentence(path)


def test_reading_in_two_threads_gives_what_reading_in_one_gives(tmp_path: Path) -> None:
    path = put(tmp_path, "a.tiff", encoded(Pil.fromarray(smooth()), "TIFF"))
    found: list[UInt8] = []
    threads = [threading.Thread(target=lambda: found.append(images.read_image(path).rgb)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(rgb, smooth()) for rgb in found)


# --------------------------------------------------------------------- grey, working, thumbnail


def test_the_one_grey_is_opencvs_conversion_of_the_colour_decode() -> None:
    np.testing.assert_array_equal(images.grey8(smooth()), cv2.cvtColor(smooth(), cv2.COLOR_RGB2GRAY))


def test_a_working_image_of_full_size_is_the_grey_itself() -> None:
    image = images.make_image(smooth(), "full")
    for side in (0, 90, 500):
        working = images.working_image(image, side)
        assert working.scale == (1.0, 1.0)
        np.testing.assert_array_equal(working.grey, images.grey8(smooth()))


@pytest.mark.parametrize("size", [(313, 471), (257, 339), (1, 500), (500, 1)])
def test_a_reduced_working_image_keeps_its_longer_side_and_is_made_once(size: tuple[int, int]) -> None:
    image = images.make_image(smooth(*size), f"{size}")
    working = images.working_image(image, 100)
    assert max(working.grey.shape) == 100
    assert min(working.grey.shape) >= 1
    assert images.working_image(image, 100) is working


def test_a_dot_is_found_where_it_was_drawn_after_reduction() -> None:
    rgb = np.zeros((400, 600, 3), np.uint8)
    rgb[100:104, 200:204] = 255  # centre at (201.5, 101.5)
    working = images.working_image(images.make_image(rgb, "dot"), 300)
    weight = working.grey.astype(float)
    rows, columns = np.indices(weight.shape)
    centre = np.array([[(columns * weight).sum(), (rows * weight).sum()]]) / weight.sum()
    np.testing.assert_allclose(working.to_original(Keypoints.at(centre)).xy, [[201.5, 101.5]], atol=0.02)


def test_working_images_kept_stay_below_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_WORKING_BYTES", 10_000)
    made = [images.make_image(np.full((60, 90, 3), n, np.uint8), str(n)) for n in range(6)]
    first = images.working_image(made[0], 0)
    for image in made[1:]:
        images.working_image(image, 0)
    assert len(images._working) == 2
    assert images.working_image(made[0], 0) is not first


def test_a_thumbnail_is_never_enlarged_and_keeps_the_shape() -> None:
    assert images.thumbnail(images.make_image(smooth(), "a"), 30).shape == (20, 30, 3)
    assert images.thumbnail(images.make_image(smooth(), "a"), 500).shape == (60, 90, 3)
    assert images.thumbnail(images.make_image(smooth(1, 300), "a"), 30).shape == (1, 30, 3)


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {})])
def test_a_thumbnail_from_a_file_shows_the_picture_at_once_reduced(
    tmp_path: Path, kind: str, options: dict[str, Any], turns: int
) -> None:
    path = put(tmp_path, "a.img", encoded(Pil.fromarray(smooth(600, 900)), kind, **options))
    small = images.read_thumbnail(path, 60, quarter_turns=turns)
    expected = images.thumbnail(images.read_image(path, quarter_turns=turns), 60)
    assert small.shape == expected.shape
    assert np.abs(small.astype(int) - expected.astype(int)).mean() < 3


def test_a_thumbnail_of_a_bad_file_gives_the_same_sentence(tmp_path: Path) -> None:
    data = encoded(Pil.fromarray(smooth(600, 900)), "JPEG")
    path = put(tmp_path, "a.jpg", data[:5000])
    with pytest.raises(UserError, match="cut off or damaged"):
        images.read_thumbnail(path, 60)


# ------------------------------------------------------------------------------- real pictures


def test_real_pictures_read_as_opencv_reads_them(shared_data: Path) -> None:
    chosen = [
        *(shared_data / "oxford_affine" / "graf").glob("img[12].png"),
        *(shared_data / "epipolar").rglob("000[01].jpg"),
    ]
    assert len(chosen) == 4
    for path in chosen:
        image = images.read_image(path)
        np.testing.assert_array_equal(image.rgb, cv2.imread(str(path))[:, :, ::-1])
        assert image.note == ""


def test_pillow_is_not_imported_before_a_picture_is_read() -> None:
    import subprocess

    code = "import sys, app.vision.images, app.pairs; sys.exit('PIL' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff\xe0" + bytes(9)])
def test_that_bytes_that_are_no_picture_decode_to_nothing_and_print_nothing(
    data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert images.decode(data, cv2.IMREAD_COLOR) is None
    assert capfd.readouterr().err == ""
