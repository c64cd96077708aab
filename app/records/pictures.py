"""Records of pictures: by reference, decoded, reduced, in pairs, and what is true of a pair.

What lives here: :class:`PairRef`, :class:`Image`, :class:`WorkingImage`, :class:`Pose`, :class:`Truth`,
:class:`ImagePair`. What does not: reading or making any. May import: ``basics``, ``features``, numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from app.records.basics import Float32, Float64, UInt8, read_only, set_field
from app.records.features import Keypoints


@dataclass(frozen=True)
class PairRef:
    """A pair of images by reference: hashable and JSON-able; lists, requests and sessions hold it.

    Attributes:
        kind: ``"builtin"`` (made by ``recipe``) or ``"files"`` (two paths).
        title: the line shown in the pair list.
        left, right: file paths, empty for a built-in pair.
        recipe: key of the built-in recipe, empty for files.
        seed: seed of the recipe.
        tags: what the pair shows, e.g. ``("geometric", "rotation")``.
        homography_path: text file with a 3x3 left-to-right homography, or empty.
        rotations: quarter turns (``np.rot90`` steps) applied to each file on load (SuperGlue lists).
        pose: 34 numbers (K_left 9, K_right 9, T_left_to_right 16, row-major) or empty.
    """

    kind: Literal["builtin", "files"]
    title: str
    left: str = ""
    right: str = ""
    recipe: str = ""
    seed: int = 0
    tags: tuple[str, ...] = ()
    homography_path: str = ""
    rotations: tuple[int, int] = (0, 0)
    pose: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("builtin", "files"):
            raise ValueError(f"PairRef.kind: expected builtin or files, found {self.kind!r}")
        if self.kind == "builtin" and not self.recipe:
            raise ValueError("PairRef.recipe: a built-in pair needs one")
        if self.kind == "files" and not (self.left and self.right):
            raise ValueError("PairRef.left, right: a pair of files needs both paths")
        if len(self.pose) not in (0, 34):
            raise ValueError(f"PairRef.pose: expected 0 or 34 numbers, found {len(self.pose)}")
        set_field(self, "tags", tuple(self.tags))
        set_field(self, "pose", tuple(float(v) for v in self.pose))
        set_field(self, "rotations", (int(self.rotations[0]) % 4, int(self.rotations[1]) % 4))


@dataclass(frozen=True, eq=False)
class Image:
    """A decoded image.

    Attributes:
        id: hash of the file's bytes (or of the pixels for a made image); caches key on it.
        name: what to call it on screen.
        rgb: (H, W, 3) uint8, RGB, EXIF orientation applied.
        path: where it came from, empty if it was made.
        source, licence: as stated for the photograph; empty if unknown.
        note: what reading had to do (``"16 bit shown as 8 bit"``), empty if nothing.
    """

    id: str
    name: str
    rgb: UInt8
    path: str = ""
    source: str = ""
    licence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        set_field(self, "rgb", read_only(self.rgb, np.uint8, (None, None, 3), "Image.rgb"))
        if 0 in self.rgb.shape:
            raise ValueError("Image.rgb: an image has at least one pixel")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.rgb.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """The image a detector works on: grey, perhaps reduced, with the way back to the original.

    The half-pixel rule: ``original = (working + 0.5) * scale - 0.5`` per axis.

    Attributes:
        image_id: id of the original.
        grey: (h, w) uint8.
        scale: (sx, sy), original size / working size, >= 1.
    """

    image_id: str
    grey: UInt8
    scale: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        set_field(self, "grey", read_only(self.grey, np.uint8, (None, None), "WorkingImage.grey"))

    def to_original(self, keypoints: Keypoints) -> Keypoints:
        """Return keypoints found here in pixels of the original image."""
        return self._mapped(keypoints, self.scale)

    def from_original(self, keypoints: Keypoints) -> Keypoints:
        """Return keypoints of the original image in pixels of this one."""
        return self._mapped(keypoints, (1.0 / self.scale[0], 1.0 / self.scale[1]))

    @staticmethod
    def _mapped(keypoints: Keypoints, scale: tuple[float, float]) -> Keypoints:
        if scale == (1.0, 1.0):
            return keypoints
        factor = np.asarray(scale, np.float64)
        xy = (keypoints.xy.astype(np.float64) + 0.5) * factor - 0.5
        return replace(keypoints, xy=xy.astype(np.float32), size=keypoints.size * float(np.sqrt(factor.prod())))


@dataclass(frozen=True, eq=False)
class Pose:
    """Relative pose: ``x_right = R x_left + t`` in camera coordinates, K the intrinsics (3x3)."""

    k_left: Float64
    k_right: Float64
    rotation: Float64
    translation: Float64

    def __post_init__(self) -> None:
        for name in ("k_left", "k_right", "rotation"):
            set_field(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"Pose.{name}"))
        set_field(self, "translation", read_only(self.translation, np.float64, (3,), "Pose.translation"))


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known to be right. Each stage uses the strongest part present.

    Strength: ``forward`` map, ``homography``, ``points``, then ``fundamental``/``pose`` (epipolar only).

    Attributes:
        homography: (3, 3) float64, left to right.
        forward: (H, W, 2) float32 over the left image: the (x, y) in the right one, NaN = not visible.
        backward: (H', W', 2) float32 over the right image, likewise.
        points: (N, 4) float64 rows x_left, y_left, x_right, y_right.
        names: a name for every row of ``points`` (semantic parts), or empty.
        fundamental: (3, 3) float64 with ``x_right^T F x_left = 0``.
        pose: relative pose with intrinsics.
    """

    homography: Float64 | None = None
    forward: Float32 | None = None
    backward: Float32 | None = None
    points: Float64 | None = None
    names: tuple[str, ...] = ()
    fundamental: Float64 | None = None
    pose: Pose | None = None

    def __post_init__(self) -> None:
        for name, dtype, shape in (
            ("homography", np.float64, (3, 3)),
            ("forward", np.float32, (None, None, 2)),
            ("backward", np.float32, (None, None, 2)),
            ("points", np.float64, (None, 4)),
            ("fundamental", np.float64, (3, 3)),
        ):
            value = getattr(self, name)
            if value is not None:
                set_field(self, name, read_only(value, dtype, shape, f"Truth.{name}"))
        set_field(self, "names", tuple(self.names))

    @property
    def kind(self) -> str:
        """The strongest truth present: dense map, homography, points, epipolar or none."""
        if self.forward is not None:
            return "dense map"
        if self.homography is not None:
            return "homography"
        if self.points is not None:
            return "points"
        if self.fundamental is not None or self.pose is not None:
            return "epipolar"
        return "none"


@dataclass(frozen=True, eq=False)
class ImagePair:
    """Two decoded images with what is known about them."""

    ref: PairRef
    left: Image
    right: Image
    truth: Truth = field(default_factory=Truth)
    camera_left: Float64 | None = None
    camera_right: Float64 | None = None
    source: str = ""
    licence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("camera_left", "camera_right"):
            if getattr(self, name) is not None:
                set_field(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"ImagePair.{name}"))
