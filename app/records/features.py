"""Records of what is found in one picture: keypoints, descriptors, and the metric that compares these.

What lives here: :class:`Keypoints`, :class:`Descriptors`, :class:`Features`, :class:`Metric`. What does not: finding,
comparing or learning. May import: ``basics``, numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from app.records.basics import Array, Float32, Float64, Int32, read_only, rows_of, set_field

if TYPE_CHECKING:
    import numpy.typing as npt


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
        n = rows_of(self.xy)
        set_field(self, "xy", read_only(self.xy, np.float32, (n, 2), "Keypoints.xy"))
        for name in ("size", "angle", "response", "sublayer"):
            set_field(self, name, read_only(getattr(self, name), np.float32, (n,), f"Keypoints.{name}"))
        for name in ("octave", "layer", "packed"):
            set_field(self, name, read_only(getattr(self, name), np.int32, (n,), f"Keypoints.{name}"))

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
        set_field(self, "values", read_only(self.values, dtype, (None, None), "Descriptors.values"))
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
        set_field(self, "factor", read_only(self.factor, np.float64, (None, None), "Metric.factor"))
        if 0 in self.factor.shape or not np.isfinite(self.factor).all():
            raise ValueError("Metric.factor: at least one row and column of finite numbers are needed")
        set_field(self, "trained_on", tuple(self.trained_on))
        set_field(self, "details", MappingProxyType(dict(self.details)))

    @property
    def matrix(self) -> Float64:
        """(d, d) float64, the M = L^T L."""
        result: Float64 = self.factor.T @ self.factor
        return result
