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

from app.records.basics import Array, Bool, Float32, Float64, Int32, Point, Side, UInt8, UserError, read_only
from app.records.features import DescriptorMetric, Descriptors, Features, Keypoints, Metric
from app.records.matches import Evaluation, Matches, Verdict, Verification
from app.records.pictures import Image, ImagePair, PairRef, Pose, Truth, WorkingImage
from app.records.results import MatchRequest, MatchResult, Selection, StageSettings, find_match

__all__ = [
    "Array",
    "Bool",
    "DescriptorMetric",
    "Descriptors",
    "Evaluation",
    "Features",
    "Float32",
    "Float64",
    "Image",
    "ImagePair",
    "Int32",
    "Keypoints",
    "MatchRequest",
    "MatchResult",
    "Matches",
    "Metric",
    "PairRef",
    "Point",
    "Pose",
    "Selection",
    "Side",
    "StageSettings",
    "Truth",
    "UInt8",
    "UserError",
    "Verdict",
    "Verification",
    "WorkingImage",
    "find_match",
    "read_only",
]
