"""Reading pictures from files, and the reduced grey picture that detectors work on.

What lives here: decoding of everything a user may drop on the window, the one grey, the working image
and thumbnails. What does not: pairs (``app.pairs``) and drawing. May import: records, numpy and cv2; Pillow
only inside the functions that need it.
"""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from app.records import Array, Image, UInt8, UserError, WorkingImage

MAX_PIXELS = 400_000_000
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".gif"}
)
_WORKING_KEPT = 8


def is_image_name(path: Path) -> bool:
    """Return whether a file's name looks like a picture's (nothing is opened)."""
    return path.suffix.lower() in SUFFIXES


def grey8(rgb: UInt8) -> UInt8:
    """Return the one grey of the program: (H, W) uint8 of an (H, W, 3) uint8 RGB picture."""
    return np.asarray(cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)


def make_image(rgb: UInt8, name: str, *, source: str = "", licence: str = "", note: str = "") -> Image:
    """Return an image made in memory; its id is a hash of the pixels."""
    digest = hashlib.blake2b(np.ascontiguousarray(rgb).data, digest_size=16)
    digest.update(repr(rgb.shape).encode())
    return Image(digest.hexdigest(), name, rgb, source=source, licence=licence, note=note)


def read_image(path: str | Path, *, quarter_turns: int = 0) -> Image:
    """Return the picture in a file as 8-bit RGB, EXIF orientation applied.

    16-bit pictures are scaled by 1/257, transparency is laid over white; the image's ``note`` says so.

    Args:
        path: any file that OpenCV decodes (PNG, JPEG, TIFF, WebP, BMP, PPM, GIF, …).
        quarter_turns: ``numpy.rot90`` steps (counter-clockwise) applied after decoding.

    Raises:
        UserError: one sentence if the file is missing, unreadable, empty, no picture, truncated or too large.
    """
    file = Path(path)
    data = _bytes_of(file)
    _check_header(file, data)
    rgb, note = _decoded(file, data)
    if quarter_turns % 4:
        rgb = np.ascontiguousarray(np.rot90(rgb, quarter_turns))
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    turned = f"-r{quarter_turns % 4}" if quarter_turns % 4 else ""
    return Image(digest + turned, file.name, rgb, path=str(file), note=note)


def _bytes_of(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"There is no file {file}; check the name or choose another picture.") from None
    except IsADirectoryError:
        raise UserError(f"{file} is a folder, not a picture; open it as a folder of pictures.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
    if not data:
        raise UserError(f"{file} is empty (0 bytes); copy it again from its source.")
    return data


def _check_header(file: Path, data: bytes) -> None:
    """Refuse what is too large, or is cut off, before OpenCV decodes it.

    OpenCV fills the missing part of a truncated picture with grey or black; Pillow reports it.
    """
    from PIL import Image as Pil
    from PIL import UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit on the size follows
            with Pil.open(io.BytesIO(data)) as picture:
                width, height = picture.size
                _check_size(file, width, height)
                if not _has_its_end(picture.format, data):
                    picture.load()
    except UnidentifiedImageError:
        return  # a format that only OpenCV knows
    except Pil.DecompressionBombError:
        raise UserError(_too_large(file)) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError) as error:
        if "truncated" in str(error).lower() or "eof" in str(error).lower() or "broken" in str(error).lower():
            raise UserError(f"{file} is cut off or damaged ({error}); copy it again from its source.") from None
    except MemoryError:
        raise UserError(_too_large(file)) from None


def _has_its_end(kind: str | None, data: bytes) -> bool:
    """Whether the closing mark of the format stands at the end, so that nothing can have been cut off."""
    if kind == "PNG":
        return b"IEND" in data[-64:]
    if kind == "JPEG":
        return b"\xff\xd9" in data[-4096:]
    return False


def _check_size(file: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UserError(_too_large(file, f" ({width} x {height} pixels)"))


def _too_large(file: Path, size: str = "") -> str:
    return f"{file} is too large{size}; pictures may have up to {MAX_PIXELS // 1_000_000} megapixels: reduce it first."


def _decoded(file: Path, data: bytes) -> tuple[UInt8, str]:
    """Return the RGB picture and a note on what had to be done."""
    raw = np.frombuffer(data, np.uint8)
    # IMREAD_COLOR applies the EXIF orientation and the palette; the others tell about depth and alpha.
    plain = _imdecode(raw, cv2.IMREAD_COLOR)
    if plain is None:
        raise UserError(f"{file} is not a picture that can be read; use PNG, JPEG, TIFF, WebP, BMP or PPM.")
    if data[:2] == b"\xff\xd8":  # JPEG has neither alpha nor 16 bit
        return _rgb(plain), ""
    full = _imdecode(raw, cv2.IMREAD_UNCHANGED)
    if full is None or (full.dtype == np.uint8 and not (full.ndim == 3 and full.shape[2] == 4)):
        return _rgb(plain), ""
    return _from_unchanged(full)


def _imdecode(raw: UInt8, flags: int) -> Array | None:
    try:
        return cv2.imdecode(raw, flags)
    except cv2.error:  # too large for OpenCV's own limits, or a damaged header
        return None


def _rgb(bgr: Array) -> UInt8:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _from_unchanged(full: Array) -> tuple[UInt8, str]:
    notes: list[str] = []
    if full.dtype == np.uint16:
        eight = ((full.astype(np.uint32) + 128) // 257).astype(np.uint8)
        notes.append("16 bit shown as 8 bit")
    elif full.dtype == np.uint8:
        eight = full
    else:
        values = np.nan_to_num(full.astype(np.float32))
        low, high = float(values.min()), float(values.max())
        scale = 255.0 / (high - low) if high > low else 0.0
        eight = np.clip(np.rint((values - low) * scale), 0, 255).astype(np.uint8)
        notes.append(f"values {low:g} to {high:g} stretched to 8 bit")
    if eight.ndim == 2:
        eight = eight[:, :, None]
    channels = eight.shape[2]
    colour = eight[:, :, :3] if channels >= 3 else np.repeat(eight[:, :, :1], 3, axis=2)
    if channels in (2, 4):
        alpha = eight[:, :, -1:].astype(np.float32) / 255
        if float(alpha.min()) < 1:
            notes.append("transparent parts laid over white")
        colour = np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return _rgb(np.ascontiguousarray(colour)), ", ".join(notes)


# --------------------------------------------------------------------------- smaller pictures

_working: OrderedDict[tuple[str, int], WorkingImage] = OrderedDict()
_lock = threading.Lock()


def working_image(image: Image, max_side: int) -> WorkingImage:
    """Return the grey picture to detect on, its longer side at most ``max_side`` pixels (0 = full size).

    The last few are kept, so that detecting and describing share one.
    """
    key = (image.id, max_side)
    with _lock:
        if key in _working:
            _working.move_to_end(key)
            return _working[key]
    made = _make_working(image, max_side)
    with _lock:
        _working[key] = made
        while len(_working) > _WORKING_KEPT:
            _working.popitem(last=False)
    return made


def _make_working(image: Image, max_side: int) -> WorkingImage:
    longer = max(image.size)
    if not max_side or longer <= max_side:
        return WorkingImage(image.id, grey8(image.rgb))
    width, height = (max(1, round(side * max_side / longer)) for side in image.size)
    small = cv2.resize(image.rgb, (width, height), interpolation=cv2.INTER_AREA)
    return WorkingImage(image.id, grey8(np.asarray(small, np.uint8)), (image.width / width, image.height / height))


def thumbnail(image: Image, side: int) -> UInt8:
    """Return (h, w, 3) uint8 with the longer side at most ``side`` pixels; never enlarged."""
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(cv2.resize(image.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
