"""Response against scale at one point: DoG and scale-normalised Laplacian on a fine grid of sigmas, and its peaks.

What lives here: the curves, and the closed forms for disks and Gaussian blobs. What does not: the levels themselves
(``scale_space``), how well one kernel stands for the other (``scale_laws``). May import: records, vision, cv2.

Source: Lindeberg, IJCV 30(2), 1998; Lowe, IJCV 60(2), 2004, section 3. A difference of Gaussians is labelled by its
*lower* sigma.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from app.records import Array, Float32, Float64, Int32, read_only
from app.vision.scale_space import ScaleSpace

STEPS_PER_OCTAVE = 16  # about: a multiple of the layers, so that k sigma is another step's sigma
LEAST_SIGMA, MOST_SIGMA = 0.8, 64.0  # below 0.8 px a sampled Gaussian's own width is wrong
REACH = 5.0  # of the kernels, in sigmas: what is cut off changes the curves by less than 0.1 %
FINE_SAMPLES = 51  # what reaches farther than this is measured on a reduced image
REDUCING_BLUR = 1.6  # before every second pixel is taken
PAD_STEP, PAD_SLACK = 64, 256  # the reduced images reach beyond the kernels by what their own blurs see


@dataclass(frozen=True)
class Peak:
    """Where a response is strongest: sigma in pixels between the grid's steps, and the signed value there."""

    sigma: float
    value: float


@dataclass(frozen=True, eq=False)
class ScaleResponse:
    """Response at one image point over scale.

    Attributes:
        x, y: image pixels.
        k: ratio of the two blurs of the difference.
        sigmas: (S,) float64 pixels, rising, evenly spaced in the logarithm.
        dog: (S,) float32, L(k sigma) - L(sigma), grey levels.
        log: (S,) float32, sigma**2 times the Laplacian of L(sigma), grey levels.
        peak_dog, peak_log: the strongest local extremum, None if the curve has none inside the grid.
    """

    x: float
    y: float
    k: float
    sigmas: Float64
    dog: Float32
    log: Float32
    peak_dog: Peak | None
    peak_log: Peak | None


@dataclass(frozen=True)
class BlobLaws:
    """Closed forms for a blob of unit size (radius or standard deviation) and unit contrast, absolute values."""

    dog_sigma: float
    dog_value: float
    log_sigma: float
    log_value: float


def disk_laws(k: float) -> BlobLaws:
    """Return where a disk of radius 1 and contrast 1 responds most, and how much.

    LoG: sigma = 1 / sqrt 2, 2 / e. DoG: sigma = sqrt((1 - k**-2) / (4 ln k)), exp(-1 / (2 k**2 sigma**2)) less
    exp(-1 / (2 sigma**2)): 0.6328 and 0.1685 at k = 2**(1/3).
    """
    sigma = float(np.sqrt((1 - k**-2) / (4 * np.log(k))))
    value = float(np.exp(-1 / (2 * (k * sigma) ** 2)) - np.exp(-1 / (2 * sigma**2)))
    return BlobLaws(sigma, value, float(np.sqrt(0.5)), float(2 / np.e))


def gaussian_laws(k: float) -> BlobLaws:
    """Return where a Gaussian blob of standard deviation 1 and height 1 responds most, and how much.

    LoG: sigma = 1, 1 / 2. DoG: sigma = 1 / sqrt k, (k - 1) / (k + 1).
    """
    return BlobLaws(float(1 / np.sqrt(k)), (k - 1) / (k + 1), 1.0, 0.5)


def radius_from_dog(sigma: float, k: float) -> float:
    """Return the radius of the disk whose difference of Gaussians peaks at this lower sigma."""
    return sigma / disk_laws(k).dog_sigma


def radius_from_log(sigma: float) -> float:
    """Return the radius of the disk whose Laplacian peaks at this sigma: sqrt 2 sigma."""
    return sigma * float(np.sqrt(2))


def sigma_grid(space: ScaleSpace) -> Float64:
    """Return the usual sigmas for an image: from 0.8 px to a quarter of its shorter side, at most 64.

    About 16 per octave, a multiple of the layers: so every L(k sigma) of a difference is the L(sigma) of another one.
    """
    top = float(np.clip(min(space.grey.shape) / 4, 2 * LEAST_SIGMA, MOST_SIGMA))
    layers = space.settings.layers
    steps = layers * max(1, round(STEPS_PER_OCTAVE / layers))
    count = int(steps * np.log2(top / LEAST_SIGMA) + 1e-9) + 1
    return np.asarray(top * 2.0 ** (np.arange(1 - count, 1) / steps), np.float64)


def response_at(space: ScaleSpace, x: float, y: float, sigmas: Float64 | None = None) -> ScaleResponse:
    """Return the responses of DoG and scale-normalised LoG at one image point against sigma.

    Every value is a product of the pixels with a sampled kernel centred exactly on (x, y); beyond the border the image
    is mirrored. The first call for a space reduces its image; each takes a millisecond or two from then on.

    Args:
        space: its image, assumed blur and k are used.
        x, y: image pixels.
        sigmas: rising and more than the assumed blur; by default :func:`sigma_grid`.
    """
    chosen = sigma_grid(space) if sigmas is None else np.asarray(sigmas, np.float64)
    k = space.settings.k
    parts = [_measured(space, x, y, groups) for groups in _batches(tuple(chosen.tolist()), k, space.settings.blur)]
    dog = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.float32)
    log = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.float32)
    return ScaleResponse(
        x=x,
        y=y,
        k=k,
        sigmas=read_only(chosen, np.float64, (None,), "sigmas"),
        dog=read_only(dog, np.float32, (None,), "dog"),
        log=read_only(log, np.float32, (None,), "log"),
        peak_dog=strongest_peak(chosen, dog),
        peak_log=strongest_peak(chosen, log),
    )


@dataclass(frozen=True, eq=False)
class _Group:
    """Sigmas that are measured on the image reduced by ``step``, both ends of a difference on the same.

    Attributes:
        step: image pixels per pixel there.
        sigmas: (G,) the lower sigmas, image pixels.
        own: (G + H,) blurs that are missing there, in its pixels: those of ``sigmas``, then of the k sigma not among
            them.
        upper: (G,) place in ``own`` of every k sigma.
        near: how far the kernels reach, in its pixels.
        reach: how far those of all groups reach, in image pixels.
    """

    step: int
    sigmas: Float64
    own: Float64
    upper: Int32
    near: int
    reach: float


def _groups(sigmas: tuple[float, ...], k: float, blur: float) -> tuple[_Group, ...]:
    """Return all groups: kernels that reach too far on the image's own pixels are applied to a reduced one.

    The upper sigma of a difference chooses how far, for both its ends: the difference is small beside them.
    """
    todo = np.array(sigmas)
    reach = REACH * k * float(todo.max(initial=0.0))
    step, have, samples = 1, blur, FINE_SAMPLES / 2  # half the finest have kernels of half the size
    groups = []
    while len(todo):
        fine = k * todo * REACH <= samples * step
        low, todo = todo[fine], todo[~fine]
        if len(low):
            high = k * low
            place = np.searchsorted(low, high * (1 - 1e-9))
            there = place < len(low)
            there[there] = np.isclose(low[place[there]], high[there], rtol=1e-9, atol=0)
            place[~there] = len(low) + np.arange(np.count_nonzero(~there))
            wanted = np.concatenate([low, high[~there]])
            own = np.sqrt(np.maximum(wanted**2 - have**2, 0.01)) / step
            near = int(np.ceil(REACH * float(own.max()))) + 1
            groups.append(_Group(step, low, own, place.astype(np.int32), near, reach))
        if samples < FINE_SAMPLES:
            samples = FINE_SAMPLES
            continue
        have, step = float(np.hypot(have, REDUCING_BLUR * step)), 2 * step
    return tuple(groups)


@lru_cache(maxsize=16)
def _batches(sigmas: tuple[float, ...], k: float, blur: float) -> tuple[tuple[_Group, ...], ...]:
    """Return the groups in batches of equal shape, which are measured together: as fast as one, nearly."""
    batches = [tuple(same) for _, same in groupby(_groups(sigmas, k, blur), lambda g: (len(g.sigmas), len(g.own)))]
    near = [max(group.near for group in batch) for batch in batches]
    return tuple(tuple(replace(g, near=most) for g in batch) for batch, most in zip(batches, near, strict=True))


def _measured(space: ScaleSpace, x: float, y: float, groups: tuple[_Group, ...]) -> tuple[Float32, Float32]:
    """Return (DoG, scale-normalised LoG) at a point of the image for the sigmas of groups of equal shape."""
    cut = [_cut(space, x, y, group) for group in groups]
    own = np.stack([group.own for group in groups])
    count = len(groups[0].sigmas)
    smooth, laplacian = _products(np.stack([c[0] for c in cut]), np.array([c[1] for c in cut]), own, count)
    upper = np.take_along_axis(smooth, np.stack([group.upper for group in groups]), axis=1)
    dog = upper - smooth[:, :count]
    log = np.stack([group.sigmas / group.step for group in groups]) ** 2 * laplacian
    return dog.astype(np.float32).reshape(-1), log.astype(np.float32).reshape(-1)


def _cut(space: ScaleSpace, x: float, y: float, group: _Group) -> tuple[Float32, tuple[float, float]]:
    """Return the square of pixels around a point that a group's kernels see, and the point's place in it."""
    step, near = group.step, group.near
    if step == 1:
        window, left, top = _window(space.grey, x, y, near)
        return window, (x - left, y - top)
    pad, levels = _reductions(space, group.reach)
    level = levels[step.bit_length() - 2]
    left, top = round((x + pad) / step) - near, round((y + pad) / step) - near
    window = level[top : top + 2 * near + 1, left : left + 2 * near + 1]
    return window, (x / step - (left - pad // step), y / step - (top - pad // step))


_reduced: WeakKeyDictionary[ScaleSpace, tuple[int, list[Float32]]] = WeakKeyDictionary()


def _reductions(space: ScaleSpace, reach: float) -> tuple[int, list[Float32]]:
    """Return (pad, levels): the image mirrored ``pad`` pixels beyond its borders, reduced by 2, 4, ...; kept.

    Pixel c of levels[j] lies at image pixel c * 2**(j+1) - pad. No octave of the scale space would do: those drop an
    odd last row or column, which moves the mirror.
    """
    kept = _reduced.get(space)
    if kept is not None and kept[0] >= reach + PAD_SLACK and FINE_SAMPLES * 2 ** len(kept[1]) >= reach:
        return kept
    pad = PAD_STEP * int(np.ceil((reach + PAD_SLACK) / PAD_STEP))
    height, width = space.grey.shape
    rows, cols = (_mirrored(np.arange(-pad, size + pad), size) for size in (height, width))
    values, step = np.asarray(space.grey[np.ix_(rows, cols)], np.float32), 1
    levels = []
    while FINE_SAMPLES * step < reach:
        values = np.ascontiguousarray(cv2.GaussianBlur(values, (0, 0), REDUCING_BLUR)[::2, ::2], np.float32)
        levels.append(values)
        step *= 2
    _reduced[space] = pad, levels
    return pad, levels


def _window(grey: Array, x: float, y: float, reach: int) -> tuple[Float32, int, int]:
    """Return the pixels around a point, mirrored beyond the border, and the place of the first."""
    height, width = grey.shape
    left, top, size = round(x) - reach, round(y) - reach, 2 * reach + 1
    if min(left, top) >= 0 and left + size <= width and top + size <= height:
        return np.asarray(grey[top : top + size, left : left + size], np.float32), left, top
    cols, rows = (
        _mirrored(np.arange(left, left + size), width),
        _mirrored(np.arange(top, top + size), height),
    )
    return np.asarray(grey[np.ix_(rows, cols)], np.float32), left, top


def _mirrored(index: Array, size: int) -> Array:
    """Return indices mirrored about the first and the last pixel, which are not repeated."""
    if size == 1:
        return np.zeros_like(index)
    period = 2 * (size - 1)
    folded = np.abs(index) % period
    return np.asarray(np.minimum(folded, period - folded))


def _products(windows: Float32, at: Float64, sigmas: Float64, curved: int) -> tuple[Float64, Float64]:
    """Return L for all sigmas, laplacian of L for the first ``curved``, at a point of each of W square windows.

    Args:
        windows: (W, n, n) float32.
        at: (W, 2) x, y in each.
        sigmas: (W, S).
    """
    g, second = _kernels(windows.shape[1], at, sigmas, curved)
    turned = windows.transpose(0, 2, 1)
    # Products so small that BLAS does each on one thread: on a busy machine several would wait for one another a
    # hundred times longer than this takes.
    rows, bent = g[:, 0] @ turned, second[:, 0] @ turned
    smooth = np.einsum("wsm,wsm->ws", g[:, 1], rows)
    laplacian = np.einsum("wsm,wsm->ws", second[:, 1], rows[:, :curved])
    laplacian += np.einsum("wsm,wsm->ws", g[:, 1, :curved], bent)
    return smooth.astype(np.float64), laplacian.astype(np.float64)


def _kernels(size: int, centres: Float64, sigmas: Float64, curved: int) -> tuple[Float32, Float32]:
    """Return (W, 2, S, size) Gaussians of sum 1 and, of the first, second derivatives of sum 0 and second moment 2.

    In float32, to half the digits of which the products with grey values are exact anyway.
    """
    squared = np.square(np.arange(size) - centres[:, :, None]).astype(np.float32)[:, :, None]
    g = np.exp(squared * (-0.5 / sigmas**2).astype(np.float32)[:, None, :, None])
    g /= g.sum(axis=3, keepdims=True)
    first, across = g[:, :, :curved], squared.transpose(0, 1, 3, 2)
    # The derivative is g times a parabola; sum 0 and second moment 2 give its two coefficients.
    moment, fourth = first @ across, first @ np.square(across)
    second = squared - moment
    second *= first
    second *= 2 / (fourth - np.square(moment))
    return g, second


def strongest_peak(sigmas: Float64, values: Float32) -> Peak | None:
    """Return the strongest local extremum of abs(values), by a parabola in ln sigma; None if there is none inside."""
    strength = np.abs(values.astype(np.float64))
    inner = (strength[1:-1] >= strength[:-2]) & (strength[1:-1] >= strength[2:]) & (strength[1:-1] > 0)
    places = np.flatnonzero(inner) + 1
    if not len(places):
        return None
    i = int(places[strength[places].argmax()])
    before, here, after = strength[i - 1 : i + 2]
    bend = before - 2 * here + after
    shift = 0.0 if bend == 0 else 0.5 * (before - after) / bend
    step = np.log(sigmas[i + 1] / sigmas[i - 1]) / 2
    value = here - 0.25 * (before - after) * shift
    return Peak(float(sigmas[i] * np.exp(shift * step)), float(np.copysign(value, values[i])))
