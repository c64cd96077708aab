"""The built-in pairs: their list, and the words, tags, sources and licences of each.

What lives here: :data:`REFS` and :func:`make`. What does not: how a pair is made (``builtin_scenes``). May import:
records and vision. Nothing is read before a pair is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.records import ImagePair, PairRef, UserError
from app.vision import synth
from app.vision.builtin_scenes import (
    Recipe,
    boxes,
    coffee,
    doll,
    drawn,
    relit,
    repeated,
    rotation,
    scale,
    stereo,
    strong_tilt,
    tilted,
    warped,
)
from app.vision.images import make_image
from app.vision.photographs import CREDITS, OURS

_SHADOW = ((0.36, -0.1), (0.8, -0.1), (0.66, 1.1), (0.12, 1.1))


@dataclass(frozen=True)
class _Entry:
    key: str
    title: str
    tags: tuple[str, ...]
    words: str
    make: Recipe


_ENTRIES: tuple[_Entry, ...] = (
    _Entry(
        "coffee",
        "Coffee: viewpoint",
        ("geometric", "viewpoint"),
        (
            "A flat picture seen from the side. A homography says exactly where every point goes; most of "
            "SIFT's matches are right."
        ),
        coffee,
    ),
    _Entry(
        "astronaut",
        "Astronaut: rotation 30°",
        ("geometric", "rotation"),
        (
            "SIFT measures angles from each point's own orientation, so a turned picture costs it little. "
            "Windows compared by SSD or NCC fail."
        ),
        rotation,
    ),
    _Entry(
        "hubble",
        "Deep field: scale 0.5",
        ("geometric", "scale"),
        ("Galaxies at half the size. The detector must find the same blob at half the sigma."),
        scale,
    ),
    _Entry(
        "gravel",
        "Gravel: tilt 60°",
        ("geometric", "viewpoint", "strong tilt"),
        ("Beyond about 60° SIFT's circles no longer cover the same stones. Compare with ASIFT, which simulates tilts."),
        strong_tilt,
    ),
    _Entry(
        "brick",
        "Bricks: repeated structure",
        ("geometric", "repeated structure"),
        (
            "Every brick has a twin next to it. The ratio test rejects true matches because the second "
            "nearest is just as good."
        ),
        repeated,
    ),
    _Entry(
        "boxes",
        "Boxes: out of plane",
        ("geometric", "out of plane", "3-D"),
        (
            "Rendered boxes and a ball from two places. No homography fits; the fundamental matrix does. "
            "Hidden points have no match."
        ),
        boxes,
    ),
    _Entry(
        "motorcycle",
        "Motorcycle: stereo",
        ("geometric", "stereo", "3-D"),
        ("A real rectified stereo pair: every match lies on the same row, and its shift tells the depth."),
        stereo,
    ),
    _Entry(
        "chelsea-warp",
        "Cat: smooth warp",
        ("geometric", "non-rigid"),
        (
            "The picture is bent like rubber. Locally it is nearly a rotation, so many points match, but no "
            "global model fits."
        ),
        warped,
    ),
    _Entry(
        "doll",
        "Paper doll: articulated",
        ("geometric", "articulated", "non-rigid"),
        ("Six rigid parts turn about joints. RANSAC finds one part and calls the others outliers."),
        doll,
    ),
    _Entry(
        "rocket",
        "Rocket: exposure and gamma",
        ("photometric", "exposure", "gamma"),
        (
            "The right picture is darker, gamma 2.2. Few keypoints pass the contrast threshold; those that "
            "do still match."
        ),
        lambda _s: relit("rocket", lambda v: synth.exposure(v, gain=0.9, gamma=2.2), "gain 0.9, gamma 2.2"),
    ),
    _Entry(
        "chelsea-shadow",
        "Cat: cast shadow",
        ("photometric", "shadow"),
        ("A shadow of a quarter of the light lies over the cat. Its border makes keypoints of its own."),
        lambda _s: relit("chelsea", lambda v: synth.shadowed(v, outline=_SHADOW, factor=0.25), "shadow of 25 % light"),
    ),
    _Entry(
        "camera",
        "Cameraman: contrast reversal",
        ("photometric", "contrast reversal"),
        ("A negative. The same points are found, yet every gradient points the other way: no match of SIFT is right."),
        lambda _s: relit("camera", synth.negative, "negative"),
    ),
    _Entry(
        "coins",
        "Coins: blur",
        ("photometric", "blur"),
        ("The right picture is blurred by 2 px: fine keypoints vanish, coarse ones stay."),
        lambda _s: relit("coins", lambda v: synth.blurred(v, sigma=2.0), "blurred, σ = 2 px"),
    ),
    _Entry(
        "coffee-noise",
        "Coffee: noise",
        ("photometric", "noise"),
        ("Noise of 25 grey levels makes keypoints of its own at the finest scale."),
        lambda seed: relit("coffee", lambda v: synth.noisy(v, sigma=25.0, seed=seed), "noise, σ = 25"),
    ),
    _Entry(
        "astronaut-jpeg",
        "Astronaut: JPEG quality 8",
        ("photometric", "JPEG"),
        ("Strong compression draws an 8 × 8 grid whose corners look like keypoints."),
        lambda _s: relit("astronaut", lambda v: synth.jpeg(v, quality=8), "JPEG quality 8"),
    ),
    _Entry(
        "cups",
        "Two cups",
        ("semantic", "drawn"),
        (
            "Rim corresponds to rim and handle to handle, though not a single gradient agrees. Local "
            "descriptors cannot see it."
        ),
        lambda _s: drawn("cup"),
    ),
    _Entry(
        "bicycles",
        "Two bicycles",
        ("semantic", "drawn"),
        ("Two bicycles share parts, not appearance. Named parts are the truth; only points near them are judged."),
        lambda _s: drawn("bicycle"),
    ),
)
# Not in the list of pairs: the page on where SIFT fails opens them.
_TILTS: tuple[_Entry, ...] = tuple(
    _Entry(
        f"tilt-{degrees}",
        f"Cameraman: tilt {degrees}°",
        ("geometric", "viewpoint", "tilt"),
        "The same picture seen from the side by a distant camera: its width shrinks by the cosine of the tilt.",
        tilted(degrees),
    )
    for degrees in (40, 50, 60, 70, 80)
)
_BY_KEY = {entry.key: entry for entry in (*_ENTRIES, *_TILTS)}


def _refs(entries: tuple[_Entry, ...]) -> tuple[PairRef, ...]:
    return tuple(PairRef("builtin", e.title, recipe=e.key, tags=e.tags) for e in entries)


REFS: tuple[PairRef, ...] = _refs(_ENTRIES)
TILT_REFS: tuple[PairRef, ...] = _refs(_TILTS)


def describe(ref: PairRef) -> str:
    """Return what a built-in pair shows and what to look at; empty for other pairs."""
    entry = _BY_KEY.get(ref.recipe)
    return entry.words if entry is not None and ref.kind == "builtin" else ""


def _credits(photos: tuple[str, ...]) -> tuple[str, str]:
    """Return (sources, licences) of the photographs in a picture; with several both name the photographs."""
    if not photos:
        return OURS
    if len(photos) == 1:
        return CREDITS[photos[0]]
    same: dict[str, list[str]] = {}
    for name in photos:
        same.setdefault(CREDITS[name][1], []).append(name)
    sources = "; ".join(f"{name} by {CREDITS[name][0]}" for name in photos)
    return sources, "; ".join(f"{', '.join(names)}: {licence}" for licence, names in same.items())


def make(ref: PairRef) -> ImagePair:
    """Return a built-in pair with its exact truth, the same for the same reference.

    Raises:
        UserError: if there is no such recipe, or the photographs are missing.
    """
    entry = _BY_KEY.get(ref.recipe)
    if entry is None:
        raise UserError(f"There is no built-in pair called {ref.recipe!r}; choose one from the list.")
    views = entry.make(ref.seed)
    source, licence = _credits(views.photos)
    name = ref.title.split(":")[0]
    left = make_image(views.left, name, source=source, licence=licence)
    right = make_image(views.right, f"{name}, {views.right_note}", source=source, licence=licence)
    pair = ImagePair(ref, left, right, views.truth, source=source, licence=licence)
    if views.cameras is not None:
        pair = replace(pair, camera_left=views.cameras[0], camera_right=views.cameras[1])
    return pair
