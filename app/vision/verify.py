"""Geometric verification: one model fitted to the matches, and which of them agree with it.

What lives here: the settings of the stage and :func:`verify`. What does not: the truth (``evaluate``). May
import: records, settings, geometry, numpy and cv2.

Every robust fit goes through OpenCV's USAC with ``UsacParams``: only its random state makes a run
repeatable (``cv2.setRNGSeed`` has no effect on it).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.records import Bool, Float32, Float64, Keypoints, Matches, Verification
from app.settings import Settings, choice, number
from app.vision.geometry import symmetric_epipolar_distance, transform

MODELS = {
    "none": "none",
    "homography": "homography",
    "affine": "affine map",
    "fundamental": "fundamental matrix",
    "essential": "essential matrix",
}
METHODS = {"magsac": "MAGSAC++", "ransac": "RANSAC", "lmeds": "least median of squares"}
NEEDED = {"homography": 4, "affine": 3, "fundamental": 8, "essential": 6}
# Matches that agree with any model a robust method has found: those it was drawn through. Distances to epipolar lines
# are measured otherwise here than while searching, so that only one is asked for.
LEAST_INLIERS = {"homography": 4, "affine": 3, "fundamental": 1, "essential": 1}


@dataclass(frozen=True)
class VerifySettings(Settings):
    """Which geometry the matches must share."""

    model: str = choice(
        "homography",
        MODELS,
        label="Model",
        help=(
            "A homography fits planes and a turning camera, an affine map small or distant parts. "
            "Scenes with depth need the fundamental matrix, or the essential one where the camera is known."
        ),
    )
    method: str = choice(
        "magsac",
        METHODS,
        label="Method",
        help=(
            "RANSAC counts the matches within the threshold; MAGSAC++ weighs them over a range of thresholds. "
            "Least median of squares needs no threshold to fit, but fails with more than half wrong."
        ),
    )
    threshold: float = number(
        3.0,
        0.1,
        50.0,
        0.1,
        unit="px",
        label="Threshold",
        help=(
            "A match is an inlier if it misses the model by at most this. "
            "Larger forgives imprecise keypoints, and wrong matches."
        ),
    )
    confidence: float = number(
        0.999,
        0.5,
        0.99999,
        0.001,
        label="Confidence",
        help="The search stops once the best model was found with this probability. Nearer 1 takes more samples.",
    )
    iterations: int = number(
        5000,
        10,
        200_000,
        100,
        log_scale=True,
        label="Most samples",
        help="The search gives up after so many random samples, found or not.",
    )
    seed: int = number(
        0,
        0,
        1_000_000,
        1,
        label="Seed",
        help="Start of the random samples: the same seed gives the same inliers. Change it to see how stable they are.",
    )
    focal: float = number(
        0.0,
        0.0,
        100_000.0,
        10.0,
        unit="px",
        zero_means="from pair",
        label="Focal length",
        help=(
            "For the essential matrix where the pair brings no camera: focal length in pixels of both pictures, "
            "the principal point being the centre."
        ),
    )


def verify(
    matches: Matches,
    left: Keypoints,
    right: Keypoints,
    settings: VerifySettings,
    *,
    k_left: Float64 | None = None,
    k_right: Float64 | None = None,
) -> Verification:
    """Return the model that fits most matches, with its inliers and everybody's residual.

    Args:
        matches: may be empty.
        left, right: the keypoints the matches point to, in original pixels.
        settings: model, method, threshold in pixels.
        k_left, k_right: (3, 3) intrinsics, needed for the essential matrix.

    Returns:
        A verification; without a model ``matrix`` is None, no match is an inlier, residuals are NaN and
        ``note`` says why. The model ``none`` has no inliers and no note.
    """
    n = len(matches)
    if settings.model == "none":
        return _without(settings, n, "")
    needed = NEEDED[settings.model]
    if n < needed:
        count = "1 match" if n == 1 else f"{n} matches"
        return _without(settings, n, f"{count}; {MODELS[settings.model]} needs at least {needed}.")
    a = left.xy[matches.pairs[:, 0]].astype(np.float64)
    b = right.xy[matches.pairs[:, 1]].astype(np.float64)
    if settings.model == "essential":
        return _essential(a, b, settings, k_left, k_right)
    matrix = _fit(a, b, settings)
    if matrix is None:
        return _without(settings, n, f"No {MODELS[settings.model]} fits these {n} matches.")
    return _judged(matrix, a, b, settings, fundamental=matrix if settings.model == "fundamental" else None)


def _without(settings: VerifySettings, n: int, note: str) -> Verification:
    nothing = np.full(n, np.nan, np.float32)
    return Verification(
        settings.model, None, np.zeros(n, np.bool_), nothing, settings.threshold, settings.method, note=note
    )


def _params(settings: VerifySettings, threshold: float) -> cv2.UsacParams:
    """Return USAC parameters; parallel search is off because it would not be repeatable."""
    params = cv2.UsacParams()
    params.threshold = threshold
    params.confidence = settings.confidence
    params.maxIterations = settings.iterations
    params.randomGeneratorState = settings.seed
    params.isParallel = False
    magsac = settings.method == "magsac"
    params.score = cv2.SCORE_METHOD_MAGSAC if magsac else cv2.SCORE_METHOD_RANSAC
    params.loMethod = cv2.LOCAL_OPTIM_SIGMA if magsac else cv2.LOCAL_OPTIM_INNER_LO
    params.loIterations = 10
    params.loSampleSize = 50 if magsac else 14
    params.sampler = cv2.SAMPLING_UNIFORM
    params.final_polisher = cv2.MAGSAC if magsac else cv2.LSQ_POLISHER
    params.final_polisher_iterations = 3
    return params


def _fit(a: Float64, b: Float64, settings: VerifySettings) -> Float64 | None:
    """Return the (3, 3) model of the matches, or None."""
    lmeds = settings.method == "lmeds"
    try:
        if settings.model == "homography":
            found = (
                cv2.findHomography(a, b, cv2.LMEDS)
                if lmeds
                else cv2.findHomography(a, b, _params(settings, settings.threshold))
            )
        elif settings.model == "fundamental":
            found = (
                cv2.findFundamentalMat(a, b, cv2.FM_LMEDS)
                if lmeds
                else cv2.findFundamentalMat(a, b, _params(settings, settings.threshold))
            )
        else:
            found = (
                cv2.estimateAffine2D(a, b, method=cv2.LMEDS)
                if lmeds
                else cv2.estimateAffine2D(a, b, _params(settings, settings.threshold))
            )
    except cv2.error:  # degenerate sets (all points equal) make some solvers throw
        return None
    return _as_matrix(found[0])


def _as_matrix(found: object) -> Float64 | None:
    """Return OpenCV's answer as one finite (3, 3) matrix: it may be None, 2x3, or several stacked."""
    if found is None:
        return None
    matrix = np.asarray(found, np.float64)
    if matrix.shape == (2, 3):
        matrix = np.vstack([matrix, [0, 0, 1]])
    if matrix.ndim != 2 or matrix.shape[0] < 3 or matrix.shape[1] != 3 or not np.isfinite(matrix).all():
        return None
    matrix = matrix[:3]
    return matrix if np.any(matrix) else None


def _judged(
    matrix: Float64, a: Float64, b: Float64, settings: VerifySettings, *, fundamental: Float64 | None
) -> Verification:
    """Return the verification of a fitted model: residuals and inliers by our own measure.

    Least median of squares fits without a threshold, so that its model may have no inliers.
    """
    if fundamental is None:
        residual = np.linalg.norm(transform(matrix, a) - b, axis=1)
    else:
        residual = symmetric_epipolar_distance(fundamental, a, b)
    with np.errstate(invalid="ignore"):
        inlier: Bool = residual <= settings.threshold
    agree = int(inlier.sum())
    if agree < LEAST_INLIERS[settings.model] and settings.method != "lmeds":
        # Of matches that share no model OpenCV's search may return an almost singular one, hundreds of pixels off.
        best = f"the best found agrees with {agree} of them within {settings.threshold:g} px"
        return _without(settings, len(a), f"No {MODELS[settings.model]} fits these {len(a)} matches: {best}.")
    shown: Float32 = residual.astype(np.float32)
    return Verification(settings.model, matrix, inlier, shown, settings.threshold, settings.method, fundamental)


def _essential(
    a: Float64, b: Float64, settings: VerifySettings, k_left: Float64 | None, k_right: Float64 | None
) -> Verification:
    """Fit the essential matrix on normalised points; the threshold is divided by the mean focal length."""
    if k_left is None or k_right is None:
        note = "The essential matrix needs the camera: type in a focal length, or choose the fundamental matrix."
        return _without(settings, len(a), note)
    rays_a, rays_b = (_normalised(points, k) for points, k in ((a, k_left), (b, k_right)))
    threshold = settings.threshold / float(np.mean([k_left[0, 0], k_left[1, 1], k_right[0, 0], k_right[1, 1]]))
    try:
        if settings.method == "lmeds":
            found = cv2.findEssentialMat(rays_a, rays_b, np.eye(3), method=cv2.LMEDS, prob=settings.confidence)[0]
        else:
            none, params = np.zeros(5), _params(settings, threshold)
            found = cv2.findEssentialMat(rays_a, rays_b, np.eye(3), np.eye(3), none, none, params)[0]
        matrix = _as_matrix(found)
    except cv2.error:  # degenerate sets make the solver throw
        matrix = None
    if matrix is None:
        return _without(settings, len(a), f"No essential matrix fits these {len(a)} matches.")
    fundamental = np.linalg.inv(k_right).T @ matrix @ np.linalg.inv(k_left)
    return _judged(matrix, a, b, settings, fundamental=fundamental)


def _normalised(points: Float64, k: Float64) -> Float64:
    rays = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(k).T
    result: Float64 = np.ascontiguousarray(rays[:, :2] / rays[:, 2:])
    return result


def camera(size: tuple[int, int], focal: float) -> Float64:
    """Return (3, 3) intrinsics with this focal length in pixels and the principal point in the centre."""
    return np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]], np.float64)
