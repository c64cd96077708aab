"""Reading pictures from files, and the reduced grey picture that detectors work on.

What lives here: decoding of everything a user may drop on the window, the one grey, the working image
and thumbnails. What does not: headers and the sentences on bad files (``image_files``), pairs (``app.pairs``)
and drawing. May import: records, image_files, numpy and cv2.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.records import Array, Image, UInt8, UserError, WorkingImage
from app.vision.image_files import MAX_PIXELS, Header, check_size, read_bytes, read_header, why_undecoded

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "decode",
    "grey8",
    "is_image_name",
    "make_image",
    "read_image",
    "read_thumbnail",
    "reduced",
    "thumbnail",
    "working_image",
]

SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".jpe", ".jp2", ".bmp", ".dib", ".tif", ".tiff"),
        *(".webp", ".avif", ".ppm", ".pgm", ".pbm", ".pnm", ".gif"),
    }
)
# EXIF orientation -> quarter turns counter-clockwise, after mirroring left to right.
_TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}
_WORKING_BYTES = 256_000_000
_STRIP = 1 << 22  # pixels converted at a time, so that a 100-megapixel picture needs no second copy in floats


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

    16 bit is divided by 257 and rounded, other depths are stretched from their least to their greatest value,
    transparency is laid over white; the image's ``note`` says so. 8-bit pictures equal ``cv2.imread``.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP, PPM/PGM/PBM, GIF (first frame), JPEG 2000 or AVIF.
        quarter_turns: ``numpy.rot90`` steps (counter-clockwise) applied after decoding.

    Raises:
        UserError: one sentence if the file is missing, a folder, unreadable, empty, no picture, cut off, or has
            more than :data:`MAX_PIXELS`.
    """
    file = Path(path)
    data = read_bytes(file)
    try:
        rgb, note = _decoded(file, data, read_header(file, data))
        if quarter_turns % 4:
            rgb = np.ascontiguousarray(np.rot90(rgb, quarter_turns))
    except MemoryError:
        raise UserError(f"{file} does not fit into memory; reduce the picture first.") from None
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    turned = f"-r{quarter_turns % 4}" if quarter_turns % 4 else ""
    return Image(digest + turned, file.name, rgb, path=str(file), note=note)


def _decoded(file: Path, data: bytes, header: Header) -> tuple[UInt8, str]:
    """Return the RGB picture and a note on what had to be done."""
    # IMREAD_COLOR applies the EXIF orientation and the palette; UNCHANGED tells about depth and alpha instead.
    if not header.plain:
        full = decode(data, cv2.IMREAD_UNCHANGED)
        if full is not None and full.ndim == 3 and full.shape[2] == 4:
            return _over_white(full, header)
        if full is not None and full.dtype != np.uint8:
            if header.kind != "TIFF":  # a TIFF is turned already, and its floats are lost in colour
                full = decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
            if full is not None:
                eight, note = _eight_bit(full)
                return _rgb(eight), note
    plain = decode(data, cv2.IMREAD_COLOR)
    if plain is None:
        raise UserError(why_undecoded(file, data))
    check_size(file, plain.shape[1], plain.shape[0])
    return _rgb(plain), ""


def decode(data: bytes, flags: int) -> Array | None:
    """Return the picture in a file's bytes, read by ``cv2.imdecode`` with its flags; None if it is none.

    Nothing is printed: a file that cannot be decoded is told in one sentence, which OpenCV's lines would repeat.
    """
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # nothing at all, or a damaged header
        return None


def _rgb(bgr: Array) -> UInt8:
    code = cv2.COLOR_GRAY2RGB if bgr.ndim == 2 or bgr.shape[2] == 1 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(bgr, code), np.uint8)


def _by_strips(source: Array, channels: int, convert: Callable[[Array], Array]) -> UInt8:
    """Return ``convert`` of all rows, a few at a time; channels 0 keeps the shape."""
    shape = (*source.shape[:2], channels) if channels else source.shape
    result = np.empty(shape, np.uint8)
    rows = max(1, _STRIP // source.shape[1])
    for top in range(0, source.shape[0], rows):
        result[top : top + rows] = convert(source[top : top + rows])
    return result


def _eight_bit(full: Array) -> tuple[UInt8, str]:
    """Return a picture of any depth as 8 bit, and a note on how."""
    if full.dtype == np.uint8:
        return full, ""
    if full.dtype == np.uint16:
        # 65535 / 257 = 255 exactly, and every 8-bit value repeated in both bytes comes back as itself.
        return _by_strips(full, 0, lambda part: (part.astype(np.uint32) + 128) // 257), "16 bit shown as 8 bit (/257)"
    finite = full[np.isfinite(full)] if full.dtype.kind == "f" else full
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    scale = 255.0 / (high - low) if high > low else 0.0

    def stretched(part: Array) -> Array:
        """Return a strip with its values spread over 0 to 255."""
        values = np.nan_to_num(part.astype(np.float64), nan=low, posinf=high, neginf=low)
        return np.rint((values - low) * scale)

    return _by_strips(full, 0, stretched), f"values {low:g} to {high:g} stretched to 8 bit"


def _over_white(full: Array, header: Header) -> tuple[UInt8, str]:
    """Return a picture with an alpha channel laid over white."""
    # libtiff hands 8-bit colour over already multiplied by alpha.
    multiplied = header.kind == "TIFF" and full.dtype == np.uint8
    eight, note = _eight_bit(full)
    if int(eight[:, :, 3].min()) == 255:
        return _turned(_rgb(eight[:, :, :3]), header), note

    def laid(part: Array) -> Array:
        """Return a strip of colours mixed with white by its alpha."""
        alpha = part[:, :, 3:].astype(np.float32) / 255
        colour = part[:, :, :3] if multiplied else part[:, :, :3] * alpha
        return np.minimum(np.rint(colour + 255 * (1 - alpha)), 255)

    notes = [note, "transparent parts laid over white"]
    return _turned(_rgb(_by_strips(eight, 3, laid)), header), ", ".join(filter(None, notes))


def _turned(rgb: UInt8, header: Header) -> UInt8:
    """Return pixels as stored turned by the EXIF orientation, which OpenCV leaves out with an alpha channel."""
    turns, mirrored = _TURNS[header.orientation]
    source = rgb[:, ::-1] if mirrored else rgb
    return np.ascontiguousarray(np.rot90(source, turns))


# --------------------------------------------------------------------------- smaller pictures

_working: OrderedDict[tuple[str, int], WorkingImage] = OrderedDict()
_lock = threading.Lock()


def working_image(image: Image, max_side: int) -> WorkingImage:
    """Return the grey picture to detect on, its longer side at most ``max_side`` pixels (0 = full size).

    The last few are kept (up to 256 MB, at least two), so that detecting and describing share one.
    """
    key = (image.id, max_side)
    with _lock:
        if key in _working:
            _working.move_to_end(key)
            return _working[key]
    made = _make_working(image, max_side)
    with _lock:
        _working[key] = made
        while len(_working) > 2 and sum(item.grey.nbytes for item in _working.values()) > _WORKING_BYTES:
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
    return reduced(image.rgb, side)


def read_thumbnail(path: str | Path, side: int, *, quarter_turns: int = 0) -> UInt8:
    """Return a file's picture reduced to a longer side of at most ``side`` pixels, as (h, w, 3) uint8.

    A large JPEG is decoded at a fraction of its size. Arguments and errors as for :func:`read_image`.
    """
    file = Path(path)
    data = read_bytes(file)
    header = read_header(file, data)
    part = next((f for f in (8, 4, 2) if max(header.width, header.height) >= f * side), 1)
    if header.kind in ("JPEG", "MPO") and part > 1:
        flag = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}[part]
        small = decode(data, flag)
        if small is None:
            raise UserError(why_undecoded(file, data))
        rgb = _rgb(small)
    else:
        rgb, _ = _decoded(file, data, header)
    return np.ascontiguousarray(np.rot90(reduced(rgb, side), quarter_turns % 4))


def reduced(rgb: UInt8, side: int) -> UInt8:
    """Return an (H, W, 3) picture with its longer side at most ``side`` pixels; never enlarged."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
