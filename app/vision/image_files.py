"""What can be said about a picture file before it is decoded: whether it may be read, its kind and its size.

What lives here: reading the bytes, the header, and the sentence on why a file is no picture. What does not:
decoding (``images``). May import: records, numpy; Pillow only inside the functions that need it.
"""

from __future__ import annotations

import io
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.records import UserError

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

MAX_PIXELS = 400_000_000
MAX_BYTES = 4_000_000_000
READABLE = "PNG, JPEG, TIFF, WebP, BMP, GIF or PPM"
_ORIENTATION = 0x0112
# One of these stands in every PNG with EXIF data; of the others Pillow would decode all to look for some at the end.
_PNG_EXIF = (b"eXIf", b"Raw profile type")
# Only what OpenCV decodes: of the others Pillow would start foreign programs (EPS) or take long.
_KINDS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "AVIF")
# Pillow knows these without importing its rarer plugins, which takes 50 ms.
_COMMON = (b"\x89PNG", b"\xff\xd8", b"BM", b"GIF8", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
# What Pillow raises over damaged data, besides its own UnidentifiedImageError (an OSError).
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError, struct.error)
# Pillow warns about oddities in a header; silencing warnings is global, so one header is looked at at a time.
_lock = threading.Lock()


class _UnidentifiedError(Exception):
    """No format that Pillow knows."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture file say.

    Attributes:
        kind: ``"JPEG"``, ``"PNG"``, ``"TIFF"`` … as Pillow calls it.
        width, height: in pixels as stored, before the EXIF orientation.
        orientation: EXIF orientation 1…8 of a PNG or WebP that is not plain; OpenCV turns all others itself.
        plain: 8 bit without transparency for sure; else decoding has to look.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    plain: bool = False


def read_bytes(file: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UserError: one sentence if it is missing, a folder, no regular file, unreadable, empty or too large.
    """
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(f"{file} is a folder, not a picture; open it as a folder of pictures.")
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{file} is a device or a pipe, not a picture file; choose a file.")
        if status.st_size > MAX_BYTES:
            raise UserError(f"{file} is too large ({status.st_size / 1e9:.1f} GB); reduce the picture first.")
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"There is no file {file}; check the name or choose another picture.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError:  # a NUL inside the name
        raise UserError(f"{str(file)!r} is not a file name; choose another picture.") from None
    except MemoryError:
        raise UserError(f"{file} does not fit into memory; reduce the picture first.") from None
    if not data:
        raise UserError(f"{file} is empty (0 bytes); copy it again from its source.")
    return data


def read_header(file: Path, data: bytes) -> Header:
    """Return the header of a picture; nothing is decoded.

    Raises:
        UserError: one sentence if it is no picture, too large (a decompression bomb), or cut off in the header.
    """
    try:
        with _opened(data) as picture:
            check_size(file, picture.width, picture.height)  # before its EXIF data, for which Pillow may decode it
            header = _header(picture, data)
    except _UnidentifiedError:
        size = _tiff_size(data)  # float and 16-bit colour TIFF: OpenCV knows them, Pillow does not
        if size is None:
            raise UserError(_no_picture(file, data)) from None
        header = Header("TIFF", *size)
        check_size(file, header.width, header.height)
    except _BROKEN as error:
        raise UserError(_damaged(file, error)) from None
    if header.kind == "PNG" and (flaw := _png_flaw(data)):
        raise UserError(f"{file} is cut off or damaged ({flaw}); copy it again from its source.")
    return header


def _png_flaw(data: bytes) -> str:
    """Return what is wrong with the chunks of a PNG that must be there, or nothing.

    libpng would find it as well, but writes a line of its own to stderr.
    """
    at, size = 8, len(data)
    while at + 12 <= size:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > size:
            break
        (told,) = struct.unpack_from(">I", data, end - 4)
        if kind[0] < ord("a") and zlib.crc32(memoryview(data)[at + 4 : end - 4]) != told:
            return f"the checksum of its block {kind.decode('latin-1')} is wrong"
        if kind == b"IEND":
            return ""
        at = end
    return "its end is missing"


def check_size(file: Path, width: int, height: int) -> None:
    """Refuse a picture of more than :data:`MAX_PIXELS`.

    Raises:
        UserError: naming its size and the limit.
    """
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{file} is too large ({width} x {height} pixels); pictures may have up to "
            f"{MAX_PIXELS // 1_000_000} megapixels: reduce it first."
        )


def why_undecoded(file: Path, data: bytes) -> str:
    """Return the sentence for a file whose header was good and that could not be decoded."""
    try:
        with _opened(data) as picture:
            picture.load()
    except _UnidentifiedError:
        return f"{file} is cut off or damaged; copy it again from its source."
    except _BROKEN as error:
        return _damaged(file, error)
    if picture.format == "GIF" and not data.rstrip(b"\0").endswith(b";"):  # its first frame may be whole
        return f"{file} is cut off or damaged (its end is missing); copy it again from its source."
    return f"{file} is a kind of {picture.format} that cannot be read; save it as PNG."


@contextmanager
def _opened(data: bytes) -> Iterator[PilImage]:
    from PIL import Image as Pil
    from PIL import UnidentifiedImageError

    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Pil.MAX_IMAGE_PIXELS = None  # our own limit is checked right after the header
        (Pil.preinit if data.startswith(_COMMON) else Pil.init)()
        try:
            picture = Pil.open(io.BytesIO(data), formats=[kind for kind in _KINDS if kind in Pil.OPEN])
        except UnidentifiedImageError:
            raise _UnidentifiedError from None
        with picture:
            yield picture


def _orientation(picture: PilImage) -> int:
    """Return the EXIF orientation 1…8; damaged EXIF data count as none, as OpenCV takes them."""
    try:
        value = int(picture.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return 1
    return value if 1 <= value <= 8 else 1


def _header(picture: PilImage, data: bytes) -> Header:
    kind = str(picture.format)
    if kind == "PNG":  # Pillow calls 16-bit colour "RGB" as well, so the depth is read from IHDR
        plain = data[24] <= 8 and data[25] in (0, 2, 3) and "transparency" not in picture.info
    else:
        plain = kind in ("JPEG", "MPO") or (kind == "WEBP" and picture.mode == "RGB")
    turned = kind == "WEBP" or (kind == "PNG" and any(word in data for word in _PNG_EXIF))
    orientation = _orientation(picture) if turned and not plain else 1
    return Header(kind, picture.width, picture.height, orientation, plain)


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) from the first directory of a classic TIFF, None if it is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return None
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return None
    (count,) = struct.unpack_from(order + "H", data, start)
    sizes: dict[int, int] = {}
    for at in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in (256, 257) and kind in (3, 4):
            (sizes[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    return (sizes[256], sizes[257]) if len(sizes) == 2 else None


_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"GIF8", b"\0\0\0\x0cjP  ")


def _no_picture(file: Path, data: bytes) -> str:
    if data.startswith(_BEGINNINGS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return f"{file} is cut off or damaged; copy it again from its source."
    return f"{file} is not a picture that can be read; use {READABLE}."


def _damaged(file: Path, error: BaseException) -> str:
    reason = " ".join(str(error).split()).rstrip(".")
    return f"{file} is cut off or damaged{f' ({reason})' if reason else ''}; copy it again from its source."
