"""Every data type that travels through the program, and the conventions they share.

What lives here: frozen dataclasses and ``UserError``. What does not: any computation beyond
validation and what can be read off the fields. May import: numpy only.

Conventions
-----------
- A point is (x, y) in pixels of the **original** image, x right, y down, the centre of the
  top-left pixel being (0, 0) (OpenCV's rule). A stage that works on a reduced image maps back
  with the half-pixel rule (:class:`WorkingImage`) before it returns.
- An angle is in degrees from +x towards +y (clockwise on screen), NaN if there is none.
- ``size`` is a diameter in pixels (2 sigma for SIFT, as in OpenCV).
- ``left`` and ``right`` name the two images everywhere; a homography maps left to right.
- There is one grey: ``cv2.cvtColor(rgb, COLOR_RGB2GRAY)`` of the one colour decode.
- ``distance``: smaller is more alike. ``confidence``: learned, in [0, 1]. Nothing is a "score".
- Arrays inside records are read-only. Records that hold arrays compare by identity.
- A result of nothing is an empty, correctly shaped record, never ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
Side = Literal["left", "right"]
Point = tuple[float, float]


class UserError(Exception):
    """An error whose text is shown to the user as it is: what, where, and what to do."""


def read_only(array: npt.ArrayLike, dtype: npt.DTypeLike, shape: tuple[int | None, ...], name: str) -> Array:
    """Return ``array`` as a read-only, C-contiguous array of ``dtype`` after checking its shape.

    Args:
        array: anything ``numpy.asarray`` takes. It is copied only where dtype or layout differ or
            where the given array is writable through a base that others may hold.
        dtype: the dtype to store.
        shape: one entry per axis, ``None`` for any length.
        name: the field's name for the message.

    Raises:
        ValueError: if the number of axes or a fixed axis length differs.
    """
    result = np.asarray(array, dtype=dtype, order="C")
    if result.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(result.shape, shape, strict=True)
    ):
        expected = "x".join("n" if want is None else str(want) for want in shape)
        raise ValueError(f"{name}: expected shape {expected}, found {result.shape}")
    if result.flags.writeable:
        result = result.view()
        result.flags.writeable = False
    return result


def _rows(array: npt.ArrayLike) -> int:
    """Return the length of an array; 0 for a number, whose shape is then complained of."""
    shape = np.shape(array)
    return int(shape[0]) if shape else 0


def _set(record: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass inside ``__post_init__``."""
    object.__setattr__(record, name, value)


# ---------------------------------------------------------------------------------- pairs


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
        _set(self, "tags", tuple(self.tags))
        _set(self, "pose", tuple(float(v) for v in self.pose))
        _set(self, "rotations", (int(self.rotations[0]) % 4, int(self.rotations[1]) % 4))


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
        _set(self, "rgb", read_only(self.rgb, np.uint8, (None, None, 3), "Image.rgb"))
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
        _set(self, "grey", read_only(self.grey, np.uint8, (None, None), "WorkingImage.grey"))

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
            _set(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"Pose.{name}"))
        _set(self, "translation", read_only(self.translation, np.float64, (3,), "Pose.translation"))


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
                _set(self, name, read_only(value, dtype, shape, f"Truth.{name}"))
        _set(self, "names", tuple(self.names))

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
                _set(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"ImagePair.{name}"))


# ------------------------------------------------------------------------------- features


@dataclass(frozen=True, eq=False)
class Keypoints:
    """N keypoints as a structure of arrays.

    Attributes:
        xy: (N, 2) float32.
        size: (N,) float32 diameter.
        angle: (N,) float32 degrees, NaN = none.
        response: (N,) float32, the detector's own strength.
        octave, layer: (N,) int32 decoded (OpenCV packs them into one number).
        sublayer: (N,) float32 offset within the layer, NaN where the detector has none.
        packed: (N,) int32 the detector's raw octave field (OpenCV's ``KeyPoint.octave``), so that a
            descriptor can be computed at exactly the detector's level.
    """

    xy: Float32
    size: Float32
    angle: Float32
    response: Float32
    octave: Int32
    layer: Int32
    sublayer: Float32
    packed: Int32

    def __post_init__(self) -> None:
        n = _rows(self.xy)
        _set(self, "xy", read_only(self.xy, np.float32, (n, 2), "Keypoints.xy"))
        for name in ("size", "angle", "response", "sublayer"):
            _set(self, name, read_only(getattr(self, name), np.float32, (n,), f"Keypoints.{name}"))
        for name in ("octave", "layer", "packed"):
            _set(self, name, read_only(getattr(self, name), np.int32, (n,), f"Keypoints.{name}"))

    def __len__(self) -> int:
        return int(self.xy.shape[0])

    @classmethod
    def at(cls, xy: npt.ArrayLike, *, size: float = 1.0) -> Keypoints:
        """Return upright keypoints of one size at ``xy`` ((N, 2), may be empty)."""
        points = np.asarray(xy, np.float32).reshape(-1, 2)
        n = len(points)
        zeros = np.zeros(n, np.int32)
        return cls(
            xy=points,
            size=np.full(n, size, np.float32),
            angle=np.full(n, np.nan, np.float32),
            response=np.zeros(n, np.float32),
            octave=zeros,
            layer=zeros,
            sublayer=np.full(n, np.nan, np.float32),
            packed=zeros,
        )

    @classmethod
    def empty(cls) -> Keypoints:
        """Return zero keypoints."""
        return cls.at(np.zeros((0, 2), np.float32))

    def take(self, index: npt.ArrayLike) -> Keypoints:
        """Return the keypoints at ``index`` (integers or a boolean mask)."""
        rows = np.asarray(index)
        return Keypoints(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


DescriptorMetric = Literal["l2", "hamming", "cosine", "mahalanobis"]


@dataclass(frozen=True, eq=False)
class Descriptors:
    """N descriptors and how to compare them.

    Attributes:
        values: (N, D) float32 or uint8. ``hamming`` rows are packed bits.
        metric: ``l2``, ``hamming``, ``cosine`` (1 - cos of the angle) or ``mahalanobis``.
        factor: (d', D) float64, the L of a Mahalanobis metric, else None.
    """

    values: Array
    metric: DescriptorMetric = "l2"
    factor: Float64 | None = None

    def __post_init__(self) -> None:
        dtype = np.uint8 if np.asarray(self.values).dtype == np.uint8 else np.float32
        _set(self, "values", read_only(self.values, dtype, (None, None), "Descriptors.values"))
        if (self.metric == "mahalanobis") != (self.factor is not None):
            raise ValueError("Descriptors.factor: given exactly for a Mahalanobis metric")

    def __len__(self) -> int:
        return int(self.values.shape[0])


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints of one image with their descriptors (None for detector-free matchers)."""

    keypoints: Keypoints
    descriptors: Descriptors | None = None

    def __post_init__(self) -> None:
        if self.descriptors is not None and len(self.descriptors) != len(self.keypoints):
            raise ValueError(f"Features: {len(self.keypoints)} keypoints but {len(self.descriptors)} descriptors")


# -------------------------------------------------------------------------------- matches


@dataclass(frozen=True, eq=False)
class Matches:
    """M matches between left and right keypoints.

    Attributes:
        pairs: (M, 2) int32, left and right keypoint index.
        distance: (M,) float32 in the metric's own unit.
        second: (M,) float32 distance to the second nearest right descriptor, NaN if unknown.
        confidence: (M,) float32 in [0, 1], NaN if unknown.
        funnel: (name, count) of every step from nearest neighbours to these matches, in order.
    """

    pairs: Int32
    distance: Float32
    second: Float32
    confidence: Float32
    funnel: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        n = _rows(self.pairs)
        _set(self, "pairs", read_only(self.pairs, np.int32, (n, 2), "Matches.pairs"))
        for name in ("distance", "second", "confidence"):
            _set(self, name, read_only(getattr(self, name), np.float32, (n,), f"Matches.{name}"))

    def __len__(self) -> int:
        return int(self.pairs.shape[0])

    @classmethod
    def empty(cls, funnel: tuple[tuple[str, int], ...] = ()) -> Matches:
        """Return zero matches."""
        none = np.zeros(0, np.float32)
        return cls(np.zeros((0, 2), np.int32), none, none, none, funnel)

    def take(self, index: npt.ArrayLike) -> Matches:
        """Return the matches at ``index`` (integers or a boolean mask), the funnel unchanged."""
        rows = np.asarray(index)
        return Matches(self.pairs[rows], self.distance[rows], self.second[rows], self.confidence[rows], self.funnel)

    @property
    def ratio(self) -> Float32:
        """(M,) distance / second; 0/0 counts as 1 (duplicates are ambiguous), NaN if unknown."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = self.distance / self.second
        both_zero = (self.distance == 0) & (self.second == 0)
        return np.where(both_zero, np.float32(1), ratio).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Verification:
    """A geometric model fitted to the matches.

    Attributes:
        model: none, homography, affine, fundamental or essential.
        matrix: (3, 3) float64 left to right (an affine map in homogeneous form; for ``essential`` the
            fundamental matrix is in ``fundamental`` as well), None if no model was found.
        inlier: (M,) bool.
        residual_px: (M,) float32, transfer error or symmetric epipolar distance, NaN without a model.
        threshold_px, method: as used.
        note: one sentence if no model could be fitted (``"3 matches, a homography needs 4"``).
    """

    model: str
    matrix: Float64 | None
    inlier: Bool
    residual_px: Float32
    threshold_px: float
    method: str
    fundamental: Float64 | None = None
    note: str = ""

    def __post_init__(self) -> None:
        n = _rows(self.inlier)
        _set(self, "inlier", read_only(self.inlier, np.bool_, (n,), "Verification.inlier"))
        _set(self, "residual_px", read_only(self.residual_px, np.float32, (n,), "Verification.residual_px"))
        for name in ("matrix", "fundamental"):
            if getattr(self, name) is not None:
                _set(self, name, read_only(getattr(self, name), np.float64, (3, 3), f"Verification.{name}"))


class Verdict(IntEnum):
    """What the truth says about one match."""

    RIGHT = 0
    WRONG = 1
    CONSISTENT = 2
    UNDECIDED = 3


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Matches judged against the truth, at a threshold that can be changed without new work.

    Attributes:
        error_px: (M,) float32: distance of the right point from its true place; ``inf`` if the true
            place lies outside the right image; distance to the true epipolar line where only
            epipolar truth exists; NaN where the truth says nothing.
        epipolar: (M,) bool: ``error_px`` is a distance to a line only.
        possible_px: (N_left,) float32: distance from the true place of every left keypoint to the
            nearest right keypoint; NaN where it has no true place inside the right image or where
            only epipolar truth exists.
        repeatability_px: (K,) float32: for every keypoint of either image whose true place is known
            and inside the other image, the distance to the nearest keypoint there (``inf`` if none).
        corner_error_px: mean distance of the four image corners under the fitted homography from
            their true places; NaN without a true homography, ``inf`` if no homography was found.
        threshold_px: the t of the verdicts.
        truth_kind: as ``Truth.kind``.
    """

    error_px: Float32
    epipolar: Bool
    possible_px: Float32
    repeatability_px: Float32
    corner_error_px: float
    threshold_px: float
    truth_kind: str

    def __post_init__(self) -> None:
        n = _rows(self.error_px)
        _set(self, "error_px", read_only(self.error_px, np.float32, (n,), "Evaluation.error_px"))
        _set(self, "epipolar", read_only(self.epipolar, np.bool_, (n,), "Evaluation.epipolar"))
        for name in ("possible_px", "repeatability_px"):
            _set(self, name, read_only(getattr(self, name), np.float32, (None,), f"Evaluation.{name}"))

    def at(self, threshold_px: float) -> Evaluation:
        """Return the same evaluation at another threshold in pixels."""
        return replace(self, threshold_px=float(threshold_px))

    @property
    def verdict(self) -> npt.NDArray[np.int8]:
        """(M,) int8 of :class:`Verdict`."""
        close = self.error_px <= self.threshold_px
        verdict = np.where(close, np.int8(Verdict.RIGHT), np.int8(Verdict.WRONG)).astype(np.int8)
        verdict[close & self.epipolar] = Verdict.CONSISTENT
        verdict[np.isnan(self.error_px)] = Verdict.UNDECIDED
        return verdict

    def count(self, verdict: Verdict) -> int:
        """Return how many matches have this verdict."""
        return int(np.count_nonzero(self.verdict == verdict))

    @property
    def possible(self) -> int:
        """Left keypoints that have a right keypoint within the threshold of their true place."""
        return int(np.count_nonzero(self.possible_px <= self.threshold_px))

    @property
    def precision(self) -> float:
        """right / (right + wrong); NaN of nothing."""
        right, wrong = self.count(Verdict.RIGHT), self.count(Verdict.WRONG)
        return right / (right + wrong) if right + wrong else float("nan")

    @property
    def recall(self) -> float:
        """right / possible; NaN of nothing."""
        return self.count(Verdict.RIGHT) / self.possible if self.possible else float("nan")

    @property
    def repeatability(self) -> float:
        """Share of the keypoints seen by both images that recur within the threshold; NaN of nothing."""
        n = len(self.repeatability_px)
        return float(np.count_nonzero(self.repeatability_px <= self.threshold_px)) / n if n else float("nan")

    def mma(self, threshold_px: float) -> float:
        """Return the share of decided matches with an error <= ``threshold_px``.

        Mean matching accuracy of one pair (Dusmanu et al., D2-Net, CVPR 2019); with no decided match
        it is 0 by that protocol. NaN where only epipolar truth, or none, exists.
        """
        if self.truth_kind in ("none", "epipolar"):
            return float("nan")
        decided = ~np.isnan(self.error_px) & ~self.epipolar
        n = int(np.count_nonzero(decided))
        return float(np.count_nonzero(self.error_px[decided] <= threshold_px)) / n if n else 0.0


# ---------------------------------------------------------------------------------- metric


@dataclass(frozen=True, eq=False)
class Metric:
    """A learned Mahalanobis metric: the distance of x and y is ``|L x - L y|``, and M is ``L^T L``.

    Attributes:
        factor: (r, d) float64, the L; r < d makes it a pseudometric by construction.
        name: what to call it on screen and in file names.
        learned_by: learner and settings in words, e.g. ``"LMNN, k 3, push 0.5"``.
        trained_on: ids of the data (a data set's name, image ids), so that overlap with a test can be told.
        details: further JSON-able values: settings, seconds, errors before and after.
    """

    factor: Float64
    name: str = "metric"
    learned_by: str = ""
    trained_on: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _set(self, "factor", read_only(self.factor, np.float64, (None, None), "Metric.factor"))
        if 0 in self.factor.shape or not np.isfinite(self.factor).all():
            raise ValueError("Metric.factor: at least one row and column of finite numbers are needed")
        _set(self, "trained_on", tuple(self.trained_on))
        _set(self, "details", MappingProxyType(dict(self.details)))

    @property
    def matrix(self) -> Float64:
        """(d, d) float64, the M = L^T L."""
        result: Float64 = self.factor.T @ self.factor
        return result


# ------------------------------------------------------------------------ request, result


@dataclass(frozen=True)
class StageSettings:
    """The settings of one run: a frozen settings dataclass (``app.settings``) per stage.

    The types of the first three depend on the matcher; the last two are shared by all matchers.
    """

    detect: Any
    describe: Any
    match: Any
    verify: Any
    evaluate: Any


@dataclass(frozen=True)
class MatchRequest:
    """What to compute; hashable, and it travels with the result."""

    ref: PairRef
    matcher: str
    settings: StageSettings


@dataclass(frozen=True, eq=False)
class MatchResult:
    """What has been computed so far; later fields are None while it is a partial result.

    Attributes:
        request: what was asked for.
        pair: the decoded images and their truth.
        left, right: features in original pixels.
        matches, verification, evaluation: None until computed.
        seconds: wall time of every stage that ran, in order; a stage taken from the cache has 0.0.
        working_size: (left, right) working sizes as (width, height), where detection ran.
        notes: sentences the user should read.
        learned_from: one of them, if what compares was learned from pictures of this very pair; else empty.
    """

    request: MatchRequest
    pair: ImagePair | None = None
    left: Features | None = None
    right: Features | None = None
    matches: Matches | None = None
    verification: Verification | None = None
    evaluation: Evaluation | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    working_size: tuple[tuple[int, int], tuple[int, int]] | None = None
    notes: tuple[str, ...] = ()
    learned_from: str = ""

    def __post_init__(self) -> None:
        _set(self, "seconds", MappingProxyType(dict(self.seconds)))
        _set(self, "notes", tuple(self.notes))

    @property
    def funnel(self) -> tuple[tuple[str, int], ...]:
        """(name, count) from keypoints to inliers, as far as computed."""
        steps: list[tuple[str, int]] = []
        if self.left is not None:
            steps.append(("left keypoints", len(self.left.keypoints)))
        if self.right is not None:
            steps.append(("right keypoints", len(self.right.keypoints)))
        if self.matches is not None:
            steps.extend(self.matches.funnel or (("matches", len(self.matches)),))
        if self.verification is not None and self.verification.model != "none":
            steps.append(("inliers", int(np.count_nonzero(self.verification.inlier))))
        return tuple(steps)


@dataclass(frozen=True)
class Selection:
    """What the user points at: a place, never an index, so that it survives a change of matcher.

    Attributes:
        side: the picture that was clicked.
        x, y: pixels of that picture.
        partner: the (x, y) in the other picture if a match is selected, else None.
    """

    side: Side
    x: float
    y: float
    partner: tuple[float, float] | None = None


def find_match(result: MatchResult, selection: Selection | None, *, tolerance_px: float = 0.5) -> int | None:
    """Return the index of the match the selection means, or None.

    A selection with a partner is found again by both positions within ``tolerance_px``.
    """
    if selection is None or selection.partner is None:
        return None
    if result.matches is None or result.left is None or result.right is None or not len(result.matches):
        return None
    here, there = (selection.x, selection.y), selection.partner
    left, right = (here, there) if selection.side == "left" else (there, here)
    gap = np.maximum(
        np.linalg.norm(result.left.keypoints.xy[result.matches.pairs[:, 0]] - np.asarray(left, np.float32), axis=1),
        np.linalg.norm(result.right.keypoints.xy[result.matches.pairs[:, 1]] - np.asarray(right, np.float32), axis=1),
    )
    best = int(np.argmin(gap))
    return best if gap[best] <= tolerance_px else None


def one_of(value: str, options: Sequence[str], name: str) -> str:
    """Return ``value`` if it is among ``options``; raise ValueError naming field, found and expected."""
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, found {value!r}")
    return value
