"""The explained SIFT against OpenCV's, and the scale space against its bare blurs, side by side in one run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.jobs import run_to_end
from app.records import UInt8
from app.vision.describe import extract_sift
from app.vision.detect import SiftDetect
from app.vision.images import grey8, read_image
from app.vision.scale_levels import halved
from app.vision.scale_response import response_at
from app.vision.scale_space import ScaleSpace
from app.vision.sift_descriptor import descriptor_of
from app.vision.sift_orientation import orientation_of
from app.vision.sift_records import SiftSettings
from app.vision.sift_stages import explain
from tests.vision.sift_pictures import camera

pytestmark = pytest.mark.bench


def full_hd(shared_data: Path) -> UInt8:
    """A photograph of 1920 x 1080 pixels: one of 1536 x 1024 enlarged a little and cut."""
    grey = grey8(read_image(shared_data / "epipolar" / "fountain-P11" / "0004.jpg").rgb)
    large = cv2.resize(grey, (1920, 1280), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large[100:1180], np.uint8)


def alternating(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Fastest run of each in seconds, taken in turns so that drift of the machine hits all alike."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def processor_seconds(function: Callable[[], object]) -> float:
    """Least processor time of all threads in three runs."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return min(taken)


def report(title: str, times: dict[str, float], base: str) -> None:
    line = ", ".join(f"{name} {value * 1e3:.1f} ms ({value / times[base]:.2f}x)" for name, value in times.items())
    print(f"\n{title}: {line}")


@pytest.mark.parametrize("size", ["512", "1080p"])
def test_that_the_explained_sift_takes_at_most_four_times_opencvs(size: str, shared_data: Path) -> None:
    grey = camera() if size == "512" else full_hd(shared_data)
    programs: dict[str, Callable[[], object]] = {
        "OpenCV": lambda: extract_sift(grey, SiftDetect(count=0)),
        "explained": lambda: run_to_end(explain(grey, SiftSettings())),
    }
    times = alternating(programs, repeats=9 if size == "512" else 3)
    report(f"SIFT with history, {size}", times, "OpenCV")
    work = {name: processor_seconds(function) for name, function in programs.items()}
    report(f"SIFT with history, {size}, processor time of all threads", work, "OpenCV")
    # By the clock or by processor time: who else wants the cores slows the two down by different shares.
    assert min(times["explained"] / times["OpenCV"], work["explained"] / work["OpenCV"]) <= 4


def bare(first: np.ndarray, increments: tuple[float, ...], layers: int, octaves: int) -> None:
    """The blurs alone, as one writes them."""
    values = first
    for _ in range(octaves):
        base = values
        for level, sigma in enumerate(increments, start=1):
            values = cv2.GaussianBlur(values, (0, 0), sigma)
            if level == layers:
                base = values
        values = halved(base)


def test_that_all_levels_and_differences_cost_little_more_than_the_blurs(shared_data: Path) -> None:
    from scipy.ndimage import gaussian_filter

    space = ScaleSpace(full_hd(shared_data))
    increments, layers = space.settings.increments(), space.settings.layers
    first = np.array(space.base(-1))

    def scipy() -> None:
        values = first
        for _ in range(len(space.octaves)):
            levels = [values]
            for sigma in increments:
                levels.append(gaussian_filter(levels[-1], sigma))
            _ = [high - low for low, high in itertools.pairwise(levels)]
            values = halved(levels[layers])

    programs: dict[str, Callable[[], object]] = {
        "bare blurs": lambda: bare(first, increments, layers, len(space.octaves)),
        "levels and differences": lambda: run_to_end(space.all_levels()),
    }
    times = alternating(programs, repeats=7)
    work = {name: processor_seconds(function) for name, function in programs.items()}
    report("All levels, 1080p doubled, processor time of all threads", work, "bare blurs")
    times |= alternating({"scipy": scipy}, repeats=1)
    report("All levels, 1080p doubled", times, "bare blurs")
    print(f"kept: {space.kept_bytes / 1e6:.0f} MB")
    assert space.kept_bytes <= 150e6
    # By the clock or by processor time, as above: 1.01 to 1.10 and 1.00 to 1.04 on two cores that others use too. The
    # aim for scipy is 7 on two free cores; where other programs want them, 6 was measured.
    ratio = min(both["levels and differences"] / both["bare blurs"] for both in (times, work))
    assert ratio <= 1.1
    assert times["scipy"] >= 5 * times["levels and differences"]


def test_that_what_is_kept_stays_small_after_looking_at_everything(shared_data: Path) -> None:
    space = ScaleSpace(full_hd(shared_data))
    for octave in space.octaves:
        for level in range(space.settings.planes):
            space.dog(octave, level)
            space.view(octave, level)
    print(f"\nkept after all levels were looked at: {space.kept_bytes / 1e6:.0f} MB")
    assert space.kept_bytes <= 150e6


def test_that_the_level_looked_at_costs_a_few_blurs_of_the_picture(shared_data: Path) -> None:
    """At 1080p one blur by 1.6 px takes about 4 ms on two free cores, so 12 ms are three of them."""
    grey = full_hd(shared_data)
    space = ScaleSpace(grey)
    values = grey.astype(np.float32)
    looks = {
        f"{kind} {octave}/{level}": lambda o=octave, n=level, k=kind: space.view(o, n, k)
        for kind in ("gaussian", "dog")
        for octave, level in ((-1, 0), (-1, 4), (0, 0), (0, 3), (1, 1), (3, 2))
    }
    times = alternating({"one blur": lambda: cv2.GaussianBlur(values, (0, 0), 1.6), **looks}, repeats=9)
    report("The level looked at, 1080p", times, "one blur")
    assert max(value for name, value in times.items() if "gaussian" in name) <= 3.5 * times["one blur"]
    # Two blurs side by side on two cores, one after the other on one.
    assert max(value for name, value in times.items() if "dog" in name) <= 7 * times["one blur"]


def test_that_one_keypoint_costs_a_few_milliseconds(shared_data: Path) -> None:
    found = run_to_end(explain(full_hd(shared_data), SiftSettings()))
    rows = np.random.default_rng(0).integers(0, len(found.keypoints), 60).tolist()
    space = found.space
    parts: dict[str, list[float]] = {"cube": [], "curve": [], "orientation": [], "descriptor": []}
    for row in rows:
        x, y = found.keypoints.xy[row].tolist()
        octave = int(found.keypoints.octave[row])
        col, line = space.nearest(octave, x, y)
        for name, call in (
            ("cube", lambda o=octave, c=col, r=line: space.cube(o, 2, c, r)),
            ("curve", lambda x=x, y=y: response_at(space, x, y)),
            ("orientation", lambda row=row: orientation_of(found, row)),
            ("descriptor", lambda row=row: descriptor_of(found, row)),
        ):
            start = time.perf_counter()
            call()
            parts[name].append(time.perf_counter() - start)
    medians = {name: float(np.median(values)) for name, values in parts.items()}
    p95 = float(np.percentile(np.sum(list(parts.values()), axis=0), 95))
    line = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in medians.items())
    print(f"\none keypoint: {line}; all four p95 {p95 * 1e3:.1f} ms")
    blur = alternating({"blur": lambda: cv2.GaussianBlur(space.base(0), (0, 0), 1.6)}, repeats=9)["blur"]
    assert medians["orientation"] + medians["descriptor"] <= 2 * blur
