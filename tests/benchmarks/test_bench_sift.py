"""The explained SIFT against OpenCV's, and the scale space against its bare blurs, side by side in one run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from timing import Table, interleaved, interleaved_on_both_clocks, milliseconds, opencv_threads, series_in_turns, share

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


@pytest.mark.parametrize("size", ["512 × 512", "1080p"])
def test_that_the_explained_sift_takes_at_most_four_times_opencvs(size: str, shared_data: Path, table: Table) -> None:
    grey = camera() if size == "512 × 512" else full_hd(shared_data)
    times = interleaved_on_both_clocks(
        {
            "OpenCV": lambda: extract_sift(grey, SiftDetect(count=0)),
            "explained": lambda: run_to_end(explain(grey, SiftSettings())),
        },
        9 if size == "512 × 512" else 3,
    )
    ours, theirs = times["explained"], times["OpenCV"]
    # By the clock or by processor time: who else wants the cores slows the two down by different shares.
    ratio = min(ours.clock / theirs.clock, ours.processor / theirs.processor)
    table.add(
        f"SIFT (explained) with every candidate's history, {size}", str(ours), f"OpenCV detectAndCompute {theirs}",
        ratio, "≤ 4×", met=ratio <= 4,
    )  # fmt: skip
    assert ratio <= 4


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


def test_that_all_levels_and_differences_cost_little_more_than_the_blurs(shared_data: Path, table: Table) -> None:
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
    times = interleaved_on_both_clocks(programs, 7)
    ours, blurs, peer = times["levels and differences"], times["bare blurs"], interleaved({"scipy": scipy}, 1)["scipy"]
    # By the clock or by processor time, as above: 1.01 to 1.10 and 1.00 to 1.04 on two cores that others use too. The
    # aim for scipy is 7 on two free cores; where other programs want them, 6 was measured.
    ratio, sooner = min(ours.clock / blurs.clock, ours.processor / blurs.processor), peer / ours.clock
    what = "All levels and differences, 1080p doubled"
    table.add(what, str(ours), f"the bare blurs {blurs}", ratio, "≤ 1.1×", met=ratio <= 1.1)
    table.add(
        what, milliseconds(ours.clock), f"scipy {milliseconds(peer)}", f"{sooner:.1f}× faster", "≥ 7×", met=sooner >= 7,
        note="" if sooner >= 7 else "scipy's blurs keep one core, these want all that are free",
    )  # fmt: skip
    report_kept(table, "all levels made", space)
    assert space.kept_bytes <= 150e6
    assert ratio <= 1.1
    assert sooner >= 5


def report_kept(table: Table, when: str, space: ScaleSpace) -> None:
    kept = space.kept_bytes
    table.add(f"Kept of a scale space, 1080p, {when}", f"{kept / 1e6:.0f} MB", "", "", "≤ 150 MB", met=kept <= 150e6)


def test_that_what_is_kept_stays_small_after_looking_at_everything(shared_data: Path, table: Table) -> None:
    space = ScaleSpace(full_hd(shared_data))
    for octave in space.octaves:
        for level in range(space.settings.planes):
            space.dog(octave, level)
            space.view(octave, level)
    report_kept(table, "after every level was looked at", space)
    assert space.kept_bytes <= 150e6


def test_that_the_level_looked_at_costs_a_few_blurs_of_the_picture(shared_data: Path, table: Table) -> None:
    """At 1080p one blur by 1.6 px takes about 4 ms on two free cores, so 12 ms are three of them."""
    grey = full_hd(shared_data)
    space = ScaleSpace(grey)
    values = grey.astype(np.float32)
    looks: dict[str, Callable[[], object]] = {
        f"{kind} {octave}/{level}": lambda o=octave, n=level, k=kind: space.view(o, n, k)  # type: ignore[misc]
        for kind in ("gaussian", "dog")
        for octave, level in ((-1, 0), (-1, 4), (0, 0), (0, 3), (1, 1), (3, 2))
    }
    with opencv_threads(2):  # what is not a blur does not become faster with more of them
        times = interleaved({"one blur": lambda: cv2.GaussianBlur(values, (0, 0), 1.6), **looks}, 9)
    blur = times["one blur"]
    # Two blurs side by side on two cores, one after the other on one.
    slowest = {kind: max(value for name, value in times.items() if kind in name) for kind in ("gaussian", "dog")}
    for what, kind, most in (("Level", "gaussian", 3.5), ("Difference of two levels", "dog", 7.0)):
        table.add(
            f"{what} looked at, 1080p, the slowest of six", milliseconds(slowest[kind]),
            f"one blur of the picture {milliseconds(blur)}", slowest[kind] / blur, f"≤ {most:g}×",
            met=slowest[kind] <= most * blur,
        )  # fmt: skip
    assert slowest["gaussian"] <= 3.5 * blur
    assert slowest["dog"] <= 7 * blur


def test_that_one_keypoint_costs_a_few_milliseconds(shared_data: Path, table: Table) -> None:
    found = run_to_end(explain(full_hd(shared_data), SiftSettings()))
    rows = np.random.default_rng(0).integers(0, len(found.keypoints), 60).tolist()
    space = found.space

    def cube(index: int) -> None:
        octave = int(found.keypoints.octave[rows[index]])
        col, line = space.nearest(octave, *found.keypoints.xy[rows[index]].tolist())
        space.cube(octave, 2, col, line)

    with opencv_threads(2):  # one keypoint needs one, and is held against a blur on two
        parts = series_in_turns(
            {
                "cube": cube,
                "curve": lambda index: response_at(space, *found.keypoints.xy[rows[index]].tolist()),
                "orientation": lambda index: orientation_of(found, rows[index]),
                "descriptor": lambda index: descriptor_of(found, rows[index]),
            },
            len(rows),
        )
        blur = interleaved({"blur": lambda: cv2.GaussianBlur(space.base(0), (0, 0), 1.6)}, 9)["blur"]
    medians = {name: part.median.clock for name, part in parts.items()}
    whole = share(np.sum([part.clock for part in parts.values()], axis=0).tolist(), 95)
    ours = medians["orientation"] + medians["descriptor"]
    table.add(
        "Orientation and descriptor of one keypoint, 1080p, median", milliseconds(ours),
        f"one blur of the picture {milliseconds(blur)}", ours / blur, "≤ 2×", met=ours <= 2 * blur,
        note=f"its cube {milliseconds(medians['cube'])}, its curve {milliseconds(medians['curve'])}; "
        f"all four, p95, {milliseconds(whole)}",
    )  # fmt: skip
    assert ours <= 2 * blur
