"""Gaussian scale space: octaves of levels made only when they are looked at.

What lives here: :class:`ScaleSpace`, its levels, differences of Gaussians, exact windows of them, and the map between
pixels of the image and of an octave. What does not: the filters (``scale_levels``), what is measured in it
(``scale_response``, ``scale_laws``) and keypoints (``sift_stages``). May import: records, jobs, vision, numpy and cv2.

Source: Lowe, IJCV 60(2), 2004, section 3; Lindeberg, IJCV 30(2), 1998.

Octave o has its pixels 2**o image pixels apart and pixel (0, 0) of every octave is centred on pixel (0, 0) of the
image, so image = octave pixel * 2**o exactly. Level l of octave o has the blur sigma0 * 2**(o + l / layers), in image
pixels. Grey values are those of the 8-bit image, 0 to 255, as float32.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from app.jobs import Job, Progress
from app.records import Float32, Float64, UInt8, read_only
from app.vision.scale_bands import Bands
from app.vision.scale_levels import (
    LEAST_BLUR,
    Kind,
    LevelView,
    ScaleSpaceSettings,
    Window,
    blurred,
    doubled,
    first_level,
    halved,
    kernel_radius,
    octave_count,
)

__all__ = ["KEPT_BYTES", "Kind", "LevelView", "ScaleSpace", "ScaleSpaceSettings", "Window"]

KEPT_BYTES = 100_000_000  # of levels besides the bases of the octaves
VIEW_PIXELS = 2_200_000  # a view of a level has at most about this many, a little more than 1080p
SHRUNK_BLUR = 0.8  # of a picture shrunk for views, in its own pixels
VIEW_SIGMA = 1.0  # a view has the coarsest pixels that still are this much finer than its blur
VIEW_LEAST = 16  # pixels that the shorter side of a view keeps


class ScaleSpace:
    """A lazy Gaussian scale space over one 8-bit grey image.

    Octaves are numbered as signed exponents (-1 is the doubled image), levels 0 ... layers + 2, differences of
    Gaussians 0 ... layers + 1; difference l is level l + 1 minus level l, so bright blobs are *minima* (it approximates
    the Laplacian). The first level of every octave reached is kept, other levels up to about 100 MB, most recent first.
    Safe to ask from several threads. All arrays returned are read-only.

    Args:
        grey: (h, w) uint8, at least 1 x 1.
        settings: how it is sampled.
    """

    def __init__(self, grey: UInt8, settings: ScaleSpaceSettings | None = None) -> None:
        self.grey: UInt8 = read_only(grey, np.uint8, (None, None), "ScaleSpace.grey")
        if 0 in self.grey.shape:
            raise ValueError("ScaleSpace.grey: an image has at least one pixel")
        self.settings = settings or ScaleSpaceSettings()
        height, width = self.grey.shape
        first = self.settings.first_octave
        count = octave_count(width, height, self.settings)
        self.octaves = range(first, first + count)
        self._bases: dict[int, Float32] = {}
        self._kept: OrderedDict[tuple[int, int], Float32] = OrderedDict()
        self._shrunk: list[tuple[Float32, float]] = []
        self._lock = threading.RLock()

    # ------------------------------------------------------------------ geometry

    def size(self, octave: int) -> tuple[int, int]:
        """Return (width, height) of an octave in its own pixels."""
        self._check(octave)
        height, width = self.grey.shape
        if self.settings.upsample:
            width, height = 2 * width, 2 * height
        halvings = octave - self.settings.first_octave
        return width >> halvings, height >> halvings

    def sigma(self, octave: int, level: float) -> float:
        """Return the blur of a (fractional) level in image pixels, sigma0 * 2**(octave + level / layers)."""
        return float(self.settings.sigma0 * 2.0 ** (octave + level / self.settings.layers))

    def sigma_in_octave(self, level: float) -> float:
        """Return the blur of a (fractional) level in the octave's own pixels."""
        return self.sigma(0, level)

    def to_image(self, octave: int, points: npt.ArrayLike) -> Float64:
        """Return image pixels of octave pixels ((..., 2) col, row -> x, y); exact, the factor is a power of two."""
        return np.asarray(points, np.float64) * 2.0**octave

    def to_octave(self, octave: int, points: npt.ArrayLike) -> Float64:
        """Return octave pixels (fractional) of image pixels ((..., 2) x, y -> col, row)."""
        return np.asarray(points, np.float64) * 2.0**-octave

    def nearest(self, octave: int, x: float, y: float) -> tuple[int, int]:
        """Return (col, row) of the octave pixel nearest to an image point, inside the octave."""
        width, height = self.size(octave)
        scale = 2.0**-octave
        return min(max(round(x * scale), 0), width - 1), min(max(round(y * scale), 0), height - 1)

    def locate(self, sigma: float) -> tuple[int, float]:
        """Return (octave, fractional level in [0.5, layers + 0.5)) whose blur is ``sigma`` image pixels, clipped."""
        layers = self.settings.layers
        steps = layers * float(np.log2(max(sigma, 1e-6) / self.settings.sigma0))
        octave = int(np.clip(np.floor((steps - 0.5) / layers), self.octaves[0], self.octaves[-1]))
        return octave, float(np.clip(steps - octave * layers, 0.0, layers + 2.0))

    # -------------------------------------------------------------------- levels

    def base(self, octave: int) -> Float32:
        """Return level 0 of an octave; the octaves before it are gone through once and their bases kept."""
        self._check(octave)
        with self._lock:
            if octave not in self._bases:
                if octave == self.octaves[0]:
                    self._bases[octave] = _frozen(first_level(self.grey, self.settings))
                else:
                    self._bases[octave] = _frozen(halved(self.gaussian(octave - 1, self.settings.layers)))
            return self._bases[octave]

    def gaussian(self, octave: int, level: int) -> Float32:
        """Return a Gaussian level, (height, width) float32, made incrementally from the nearest level kept."""
        self._check(octave, level, self.settings.levels)
        if level == 0:
            return self.base(octave)
        with self._lock:
            kept = self._kept.get((octave, level))
            if kept is not None:
                self._kept.move_to_end((octave, level))
                return kept
            start = level
            while start > 0 and (octave, start) not in self._kept:
                start -= 1
            values = self._kept[octave, start] if start else self.base(octave)
            increments = self.settings.increments()
            for sigma in increments[start:level]:
                values = blurred(values, sigma)
            return self._keep(octave, level, _frozen(values))

    def dog(self, octave: int, level: int) -> Float32:
        """Return the difference level + 1 minus level, (height, width) float32."""
        self._check(octave, level, self.settings.planes)
        lower = self.gaussian(octave, level)
        return _frozen(np.asarray(cv2.subtract(self.gaussian(octave, level + 1), lower), np.float32))

    def stack(self, octave: int, buffer: Float32 | None = None) -> tuple[list[Float32], Float32]:
        """Return all Gaussians and all differences of one octave; nothing but its base and the next one's is kept.

        Args:
            buffer: memory for the result, see :meth:`buffer`, which is overwritten; new memory without.

        Returns:
            Gaussians: levels arrays (height, width) float32. Differences: (planes, height, width) float32.
        """
        settings = self.settings
        width, height = self.size(octave)
        if buffer is None:
            buffer = self.buffer(octave)
        made = settings.levels - 1
        planes = buffer[: (made + settings.planes) * height * width].reshape(-1, height, width)
        differences = planes[made:]
        gaussians = [self.base(octave)]
        with Bands() as bands:
            for level, sigma in enumerate(settings.increments()):
                bands.next_level(gaussians[-1], sigma, planes[level], differences[level])
                gaussians.append(planes[level])
        self._next_base(octave, gaussians[settings.layers])
        return gaussians, differences

    def buffer(self, octave: int | None = None) -> Float32:
        """Return memory for :meth:`stack` of this octave (by default the first) and those after it."""
        width, height = self.size(self.octaves[0] if octave is None else octave)
        return np.empty((self.settings.levels - 1 + self.settings.planes) * width * height, np.float32)

    def all_levels(self) -> Job[None]:
        """Make every level and difference once, keeping only the first level of each octave.

        Yields :class:`Progress` whose payload is (octave, level, Gaussian, difference to the next level), the last of
        an octave without difference (None). Both arrays are overwritten by the next steps: copy what must stay. Two
        levels and one difference of the first octave are all the memory it takes.
        """
        increments, total = self.settings.increments(), len(self.octaves) * self.settings.levels
        width, height = self.size(self.octaves[0])
        memory = [np.empty(width * height, np.float32) for _ in range(3)]
        done = 0
        with Bands() as bands:
            for octave in self.octaves:
                width, height = self.size(octave)
                *levels, difference = (part[: width * height].reshape(height, width) for part in memory)
                text, low = f"Blurring octave {octave}", self.base(octave)
                for level, sigma in enumerate(increments):
                    high = levels[level % 2]
                    bands.next_level(low, sigma, high, difference)
                    if level + 1 == self.settings.layers:
                        self._next_base(octave, high)
                    done += 1
                    yield Progress(done, total, text, (octave, level, low, difference))
                    low = high
                done += 1
                yield Progress(done, total, text, (octave, len(increments), low, None))

    def _next_base(self, octave: int, level: Float32) -> None:
        """Keep the first level of the octave after this one."""
        with self._lock:
            if octave + 1 in self.octaves and octave + 1 not in self._bases:
                self._bases[octave + 1] = _frozen(halved(level))

    def prepare(self) -> Job[None]:
        """Make the first level of every octave, so that windows, cubes and curves answer at once."""
        for done, octave in enumerate(self.octaves):
            yield Progress(done, len(self.octaves), f"Blurring octave {octave}")
            self.base(octave)

    # ------------------------------------------------------------------- windows

    def window(self, octave: int, level: int, col: int, row: int, radius: int, kind: Kind = "gaussian") -> Window:
        """Return the pixels within ``radius`` of (col, row), equal to those of the whole level.

        Only a margin around them is blurred, from the octave's first level.
        """
        levels = self.windows(octave, (level,) if kind == "gaussian" else (level, level + 1), col, row, radius)
        if kind == "gaussian":
            return levels[0]
        low, high = levels
        return Window(high.values - low.values, low.left, low.top, octave, level)

    def windows(self, octave: int, levels: tuple[int, ...], col: int, row: int, radius: int) -> tuple[Window, ...]:
        """Return the windows of several levels (increasing) around one place in one pass."""
        for level in levels:
            self._check(octave, level, self.settings.levels)
        base = self.base(octave)
        height, width = base.shape
        increments = self.settings.increments()[: max(levels)]
        margin = radius + sum(kernel_radius(sigma) for sigma in increments)
        x0, y0 = max(0, col - margin), max(0, row - margin)
        values = np.ascontiguousarray(base[y0 : row + margin + 1, x0 : col + margin + 1])
        left, top = max(0, col - radius), max(0, row - radius)
        right, bottom = min(width, col + radius + 1), min(height, row + radius + 1)
        found = []
        for level in range(max(levels) + 1):
            if level:
                values = blurred(values, increments[level - 1])
            if level in levels:
                part = values[top - y0 : bottom - y0, left - x0 : right - x0]
                found.append(Window(part.copy(), left, top, octave, level))
        return tuple(found)

    def cube(self, octave: int, layer: int, col: int, row: int) -> Float32:
        """Return the 3 x 3 x 3 differences [layer, row, col] around a sample; NaN outside the octave.

        Args:
            octave, layer: the plane in the middle, 1 ... layers.
            col, row: the sample.
        """
        self._check(octave, layer + 1, self.settings.planes)
        self._check(octave, layer - 1, self.settings.planes)
        result = np.full((3, 3, 3), np.nan, np.float32)
        windows = self.windows(octave, (layer - 1, layer, layer + 1, layer + 2), col, row, 1)
        for plane in range(3):
            low, high = windows[plane], windows[plane + 1]
            y, x = low.top - row + 1, low.left - col + 1
            h, w = low.values.shape
            result[plane, y : y + h, x : x + w] = high.values - low.values
        return read_only(result, np.float32, (3, 3, 3), "cube")

    def view(self, octave: int, level: int, kind: Kind = "gaussian", most: int = VIEW_PIXELS) -> LevelView:
        """Return a whole level for the eye with one or two blurs of the image, without any other level.

        It has at most ``most`` pixels, and no finer ones than its blur needs. One blur instead of a chain: it differs
        from the exact level by a grey level or so, more at the border and at sharp edges, so take numbers from
        :meth:`window`.
        """
        self._check(octave, level, self.settings.levels if kind == "gaussian" else self.settings.planes)
        return _view(self, octave, level, kind, most)

    # --------------------------------------------------------------------- inner

    def shrunk(self, halvings: int) -> tuple[Float32, float, float]:
        """Return (picture, its blur, its step) for views: halved this many times, -1 doubled; blur in image pixels.

        From the first halving on it has a blur of 0.8 of its own pixels. Kept: a third more than the image.
        """
        with self._lock:
            while len(self._shrunk) <= halvings:
                if not self._shrunk:
                    self._shrunk.append((_frozen(self.grey.astype(np.float32)), self.settings.blur))
                    continue
                values, have = self._shrunk[-1]
                step = 2.0 ** (len(self._shrunk) - 1)
                if min(values.shape) < 2:
                    break
                more = float(np.sqrt(max((SHRUNK_BLUR * 2 * step) ** 2 - have**2, 0.0)))
                self._shrunk.append((_frozen(halved(blurred(values, more / step))), float(np.hypot(have, more))))
            if halvings < 0:
                return doubled(self.grey.astype(np.float32)), self.settings.blur, 0.5
            last = min(halvings, len(self._shrunk) - 1)
            return *self._shrunk[last], 2.0**last

    def _keep(self, octave: int, level: int, values: Float32) -> Float32:
        self._kept[octave, level] = values
        total = sum(item.nbytes for item in self._kept.values())
        while total > KEPT_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.nbytes
        return values

    @property
    def kept_bytes(self) -> int:
        """Bytes held by levels that were made."""
        with self._lock:
            return sum(v.nbytes for v in (*self._bases.values(), *self._kept.values(), *(v for v, _ in self._shrunk)))

    def _check(self, octave: int, level: int = 0, levels: int = 1) -> None:
        if octave not in self.octaves:
            raise IndexError(f"octave {octave}: expected {self.octaves[0]} to {self.octaves[-1]}")
        if not 0 <= level < levels:
            raise IndexError(f"level {level}: expected 0 to {levels - 1}")


def _frozen(values: Float32) -> Float32:
    values = values.view()
    values.flags.writeable = False
    return values


def _view(space: ScaleSpace, octave: int, level: int, kind: Kind, most: int) -> LevelView:
    sigma = space.sigma(octave, level)
    height, width = space.grey.shape
    # A blur of this many pixels hides that only every so many are shown; a coarser picture would have more blur itself.
    halvings = max(int(np.floor(np.log2(sigma / VIEW_SIGMA))), space.settings.first_octave)
    halvings = min(halvings, max(0, int(np.floor(np.log2(min(height, width) / VIEW_LEAST)))))
    if halvings < 0 and height * width * 4 > most:
        halvings = 0
    values, have, step = space.shrunk(halvings)

    def at(wanted: float) -> Float32:
        """Return the level of this blur, made from what is there already."""
        return blurred(values, float(np.sqrt(max(wanted**2 - have**2, (LEAST_BLUR * step) ** 2))) / step)

    if kind == "gaussian":
        return _thinned(LevelView(at(sigma), step, octave, level, kind, sigma), most)
    with ThreadPoolExecutor(1, "view") as second:
        high = second.submit(at, sigma * space.settings.k)
        low = at(sigma)
        difference = np.asarray(cv2.subtract(high.result(), low), np.float32)
    return _thinned(LevelView(difference, step, octave, level, kind, sigma), most)


def _thinned(view: LevelView, most: int) -> LevelView:
    """Return every second pixel until there are few enough."""
    values, step = view.values, view.step
    while values.size > most and min(values.shape) > 1:
        values, step = halved(values), 2 * step
    return LevelView(values, step, view.octave, view.level, view.kind, view.sigma)
