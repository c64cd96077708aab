"""Nearest-neighbour search against the bare matrix product and against OpenCV, side by side in one run."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from app.records import Descriptors, Features, Keypoints
from app.vision.match import MatchSettings, match_features, nearest
from app.vision.similarity import standardised

pytestmark = pytest.mark.bench
SEED = 7
# The aim is 1.15. Windows that are not whole numbers are measured again in float64 where the float32 product cannot
# rank them, which costs another 8 % of a product as fast as AVX-512's.
LIMIT = {"ssd": 1.25, "zncc": 1.4}


def seconds(function: Callable[[], object], repeats: int = 5) -> float:
    """The fastest of some runs: what the machine can do when nobody disturbs it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def interleaved(functions: dict[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Fastest run of each, taken in turns so that drift of the machine hits all alike."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            best[name] = min(best[name], seconds(function, 1))
    return best


def sift_like(n: int, *, of: np.ndarray | None = None) -> np.ndarray:
    """Integers as SIFT makes them; rows of ``of`` with noise if given, so that matches exist."""
    rng = np.random.default_rng(SEED + (of is not None))
    values = rng.gamma(0.5, 1.0, (n, 128))
    if of is not None:
        values = of[rng.permutation(n)] / 512 + 0.02 * values
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return np.minimum(np.rint(values * 512), 255).astype(np.float32)


def features(values: np.ndarray, metric: str = "l2") -> Features:
    return Features(Keypoints.at(np.zeros((len(values), 2))), Descriptors(values, metric))


def report(name: str, times: dict[str, float], base: str) -> None:
    line = ", ".join(f"{key} {value * 1e3:.1f} ms ({value / times[base]:.2f}x)" for key, value in times.items())
    print(f"\n{name}: {line}")


def test_that_8000_sift_descriptors_match_fast_and_as_opencv_does() -> None:
    a = sift_like(8000)
    b = sift_like(8000, of=a)
    left, right, settings = features(a), features(b), MatchSettings()
    times = interleaved(
        {"product": lambda: np.dot(a, b.T), "ours": lambda: match_features(left, right, settings)}, repeats=7
    )
    knn = cv2.BFMatcher(cv2.NORM_L2).knnMatch(a, b, k=2)
    cross = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(a, b)
    times["knn"] = seconds(lambda: cv2.BFMatcher(cv2.NORM_L2).knnMatch(a, b, k=2), 1)
    times["crossCheck"] = seconds(lambda: cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(a, b), 1)
    report("8000 x 8000 mutual + ratio", times, "product")
    passed = {(m.queryIdx, m.trainIdx) for m, second in knn if m.distance < 0.8 * second.distance}
    expected = passed & {(m.queryIdx, m.trainIdx) for m in cross}
    assert {tuple(pair) for pair in match_features(left, right, settings).pairs.tolist()} == expected
    assert times["ours"] <= 2.2 * times["product"]
    # Where OpenCV itself runs at less than ten times the bare product (AVX-512), no product can be 7 times faster.
    possible = times["knn"] / times["product"] / 10
    assert times["knn"] >= min(1.0, possible) * 7 * times["ours"]
    assert times["crossCheck"] >= min(1.0, possible) * 15 * times["ours"]


def test_that_20000_descriptors_need_less_than_100_mb_more() -> None:
    a, b = sift_like(20000), sift_like(20000)[::-1].copy()
    left, right = features(a), features(b)
    match_features(left, right, MatchSettings())
    tracemalloc.start()
    start = time.perf_counter()
    match_features(left, right, MatchSettings())
    taken = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    report(f"20000 x 20000, peak {peak / 1e6:.0f} MB", {"ours": taken}, "ours")
    assert peak < 100e6


@pytest.mark.parametrize("measure", ["ssd", "zncc"])
def test_that_windows_match_at_the_price_of_the_product(measure: str) -> None:
    rng = np.random.default_rng(SEED)
    smooth = cv2.GaussianBlur(rng.standard_normal((900, 900)).astype(np.float32), (0, 0), 2.0)
    grey = np.clip(128 + 200 * smooth, 0, 255).round().astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(grey, (17, 17))
    y, x = rng.integers(0, 880, (2, 5000))
    a = view[y, x].reshape(5000, -1).copy()
    b = np.clip(a[rng.permutation(5000)] + rng.integers(-4, 5, a.shape), 0, 255).astype(np.float32)
    if measure == "zncc":
        a, b = standardised(a), standardised(b)
    left, right = Descriptors(a), Descriptors(b)
    times = interleaved({"product": lambda: np.dot(a, b.T), "ours": lambda: nearest(left, right)}, repeats=9)
    report(f"5000 x 5000 windows, {measure} + mutual", times, "product")
    assert times["ours"] <= LIMIT[measure] * times["product"]


def test_that_bits_match_faster_than_opencv() -> None:
    rng = np.random.default_rng(SEED)
    a = rng.integers(0, 256, (8000, 32), dtype=np.uint8)
    b = a[rng.permutation(8000)] ^ (rng.random((8000, 32)) < 0.05).astype(np.uint8)
    left, right = Descriptors(a, "hamming"), Descriptors(b, "hamming")
    times = interleaved(
        {
            "BFMatcher knn": lambda: cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(a, b, k=2),
            "ours, mutual too": lambda: nearest(left, right),
        },
        repeats=3,
    )
    report("8000 x 8000 x 256 bits", times, "BFMatcher knn")
    assert times["ours, mutual too"] < times["BFMatcher knn"]
