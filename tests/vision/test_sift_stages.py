"""The steps of SIFT against what is known without any implementation: quadratics, edges, ramps, permutations."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.jobs import Progress, run_to_end
from app.records import Keypoints, UInt8
from app.vision.describe import root
from app.vision.scale_space import ScaleSpace
from app.vision.sift_descriptor import descriptor_at, descriptor_of, normalised, squared_differences
from app.vision.sift_extrema import Samples, find_extrema
from app.vision.sift_orientation import find_peaks, orientation_at, orientation_of, smoothed
from app.vision.sift_records import Candidates, SiftExplanation, SiftSettings, Stage
from app.vision.sift_refine import fit, refine
from app.vision.sift_stages import describe, explain
from tests.vision.sift_pictures import blob, camera, disk, explained, ramp

SETTINGS = SiftSettings()


@pytest.fixture(scope="module")
def of_camera() -> SiftExplanation:
    return explained(camera())


# ---------------------------------------------------------------------------------- extrema


@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_that_extrema_are_those_of_26_comparisons(floor: float) -> None:
    stack = np.random.default_rng(0).normal(size=(5, 23, 31)).astype(np.float32)
    stack = np.round(stack, 1)  # ties happen
    expected = []
    for layer in range(1, 4):
        for row in range(1, 22):
            for col in range(1, 30):
                cube, value = stack[layer - 1 : layer + 2, row - 1 : row + 2, col - 1 : col + 2], stack[layer, row, col]
                if abs(value) > np.float32(floor) and (
                    (value > 0 and value >= cube.max()) or (value < 0 and value <= cube.min())
                ):
                    expected.append((layer, row, col))
    found = find_extrema(stack, floor)
    assert list(zip(found.layer.tolist(), found.row.tolist(), found.col.tolist(), strict=True)) == expected


def test_that_flat_and_thin_stacks_have_none() -> None:
    for shape in ((5, 9, 9), (5, 2, 9), (5, 9, 1), (2, 9, 9)):
        assert len(find_extrema(np.zeros(shape, np.float32), 0.0)) == 0


# ------------------------------------------------------------------------------- refinement


def quadratic(centre: tuple[float, float, float], *, scale: float = 1.0, lift: float = 0.0) -> np.ndarray:
    """D = lift + scale * (peak - half a positive form around ``centre`` (x, y, layer)), (5, 21, 21) float32."""
    layer, row, col = np.mgrid[:5, :21, :21].astype(np.float64)
    d = np.stack([col - centre[0], row - centre[1], layer - centre[2]], axis=-1)
    form = np.array([[2.0, 0.3, 0.2], [0.3, 1.5, -0.1], [0.2, -0.1, 1.0]])
    return (lift + scale * (40 - 0.5 * np.einsum("...i,ij,...j", d, form, d))).astype(np.float32)


def refined(stack: np.ndarray, col: int, row: int, layer: int) -> Candidates:
    one = Samples(np.array([layer], np.int32), np.array([row], np.int32), np.array([col], np.int32))
    return refine(stack, one, 0, ScaleSpace(camera()[:64, :64]), SETTINGS)


@pytest.mark.parametrize("centre", [(10.0, 10.0, 2.0), (10.3, 9.8, 2.2), (9.6, 10.45, 1.7), (11.3, 8.9, 2.4)])
def test_that_the_fit_is_exact_for_a_quadratic(centre: tuple[float, float, float]) -> None:
    found = refined(quadratic(centre), 10, 10, 2)
    assert found.stage[0] >= Stage.REFINED
    assert np.allclose(found.xy[0], centre[:2], atol=1e-4)
    assert found.layer[0] + found.offset[0, 2] == pytest.approx(centre[2], abs=1e-4)
    assert found.value[0] * 255 == pytest.approx(40, abs=1e-3)
    assert np.abs(found.offset[0]).max() < 0.5
    assert found.sigma[0] == pytest.approx(1.6 * 2 ** (centre[2] / 3), rel=1e-4)


def test_that_adding_shifts_and_scaling_scales_the_value_alone() -> None:
    base, lifted, scaled = (
        refined(stack, 10, 10, 2)
        for stack in (
            quadratic((10.3, 9.8, 2.2)),
            quadratic((10.3, 9.8, 2.2), lift=5),
            quadratic((10.3, 9.8, 2.2), scale=3),
        )
    )
    for other in (lifted, scaled):
        assert np.allclose(other.offset, base.offset, atol=1e-4)
    assert (lifted.value - base.value)[0] * 255 == pytest.approx(5, abs=1e-3)
    assert scaled.value[0] / base.value[0] == pytest.approx(3, rel=1e-5)


def test_that_a_fit_that_runs_away_or_out_of_the_planes_is_told() -> None:
    far = refined(quadratic((16.2, 10.0, 2.0)), 10, 10, 2)
    assert far.moves[0] >= 1
    out = refined(quadratic((10.0, 10.0, 4.0)), 10, 10, 2)
    assert out.stage[0] == Stage.EXTREMA
    assert out.number[0] > 0.5
    flat = refined(np.zeros((5, 21, 21), np.float32), 10, 10, 2)
    assert np.all(flat.offset == 0)  # singular: it stays
    assert flat.stage[0] == Stage.REFINED
    assert flat.number[0] == 0


def test_that_twins_on_one_sample_count_once() -> None:
    stack = quadratic((10.0, 10.0, 2.0))
    two = Samples(np.array([2, 2], np.int32), np.array([10, 10], np.int32), np.array([10, 11], np.int32))
    found = refine(stack, two, 0, ScaleSpace(camera()[:64, :64]), SETTINGS)
    assert found.twin.tolist() == [-1, 0]
    joined = Candidates.joined([found, found])
    assert joined.twin.tolist() == [-1, 0, -1, 2]


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, 4.0), (10.0, 12.1), (3.0, 16 / 3)])
def test_that_the_edge_ratio_is_4_for_a_blob_and_12_1_at_ten(ratio: float, expected: float) -> None:
    _, row, col = np.mgrid[:5, :21, :21].astype(np.float64)
    stack = (50 - (col - 10) ** 2 - ratio * (row - 10) ** 2).astype(np.float32)
    here = np.array([2]), np.array([10]), np.array([10])
    assert fit(stack, *here).edge_ratio()[0] == pytest.approx(expected, rel=1e-6)
    assert SETTINGS.edge_limit == pytest.approx(12.1)
    # Turned and with another contrast it stays the same.
    turned = (7 * (50 - 0.5 * (1 + ratio) * ((col - 10) ** 2 + (row - 10) ** 2))).astype(np.float32)
    turned -= (7 * (1 - ratio) * (col - 10) * (row - 10)).astype(np.float32)
    assert fit(turned, *here).edge_ratio()[0] == pytest.approx(expected, rel=1e-5)


def test_that_a_saddle_and_a_straight_edge_have_an_infinite_ratio() -> None:
    _, row, col = np.mgrid[:5, :21, :21].astype(np.float64)
    here = np.array([2]), np.array([10]), np.array([10])
    for stack in ((col - 10) ** 2 - (row - 10) ** 2, -((col - 10) ** 2)):
        assert np.isinf(fit(stack.astype(np.float32), *here).edge_ratio()[0])


@pytest.mark.parametrize("radius", [6, 12, 24])
def test_that_a_disk_is_found_at_its_law(radius: int) -> None:
    found = explained(disk(radius), blur=0.0).candidates
    middle = found.take(found.passed(Stage.DESCRIBED) & (np.abs(found.xy - 128).max(axis=1) < 0.5))
    best = int(np.abs(middle.value).argmax())
    assert middle.sigma[best] / radius == pytest.approx(0.6328, rel=0.03)
    assert abs(middle.value[best]) == pytest.approx(0.1685 * 150 / 255, rel=0.02)
    assert middle.sample[best] < 0  # bright blobs are minima
    dark = explained(255 - disk(radius), blur=0.0).candidates
    assert dark.sample[np.abs(dark.xy - 128).max(axis=1) < 0.5].max() > 0


@pytest.mark.parametrize("std", [4, 8])
def test_that_a_gaussian_blob_is_found_at_its_law(std: int) -> None:
    found = explained(blob(std), blur=0.0).candidates
    middle = found.take(found.passed(Stage.DESCRIBED) & (np.abs(found.xy - 128).max(axis=1) < 0.5))
    best = int(np.abs(middle.value).argmax())
    assert middle.sigma[best] / std == pytest.approx(0.8909, rel=0.02)
    assert abs(middle.value[best]) == pytest.approx(0.1150 * 150 / 255, rel=0.02)


# ------------------------------------------------------------------------------- orientation


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 30, 137])
def test_that_a_ramp_points_where_it_grows_brighter(degrees: float) -> None:
    """Every vote goes to the nearest of 36 bins, so a single direction is told to 5 degrees."""
    space = ScaleSpace(ramp(degrees))
    view = orientation_at(space, 0, 1, 64, 64, 3.0, SETTINGS)
    kept = [peak for peak in view.peaks if peak.kept]
    assert len(kept) == 1
    assert abs((kept[0].angle - degrees + 180) % 360 - 180) < (1.0 if degrees % 10 == 0 else 5.0)
    assert kept[0].angle == pytest.approx(10 * kept[0].position % 360, abs=1e-3)
    assert view.smooth.sum() == pytest.approx(view.raw.sum(), rel=1e-5)
    assert view.raw.sum() == pytest.approx(float((view.weight * view.magnitude).sum()), rel=1e-4)


def test_that_two_directions_give_two_peaks_and_the_cap_keeps_the_higher() -> None:
    histogram = np.zeros((1, 36), np.float32)
    histogram[0, [4, 20]] = 1.0, 0.95
    smooth = smoothed(histogram)
    both = find_peaks(smooth, SETTINGS)
    assert both.angle.tolist() == [40.0, 200.0]
    assert find_peaks(smooth, SiftSettings(most_orientations=1)).angle.tolist() == [40.0]
    histogram[0, 20] = 0.79
    assert find_peaks(smoothed(histogram), SETTINGS).angle.tolist() == [40.0]
    assert len(find_peaks(np.zeros((1, 36), np.float32), SETTINGS).angle) == 0
    assert len(find_peaks(np.zeros((0, 36), np.float32), SETTINGS).angle) == 0


def test_that_a_peak_at_the_seam_wraps() -> None:
    histogram = np.zeros((1, 36), np.float32)
    histogram[0, [35, 0]] = 1.0, 0.9
    assert find_peaks(smoothed(histogram), SETTINGS).angle[0] == pytest.approx(355, abs=6)
    histogram = np.zeros((1, 36), np.float32)
    histogram[0, [0, 35]] = 1.0, 0.9
    angle = float(find_peaks(smoothed(histogram), SETTINGS).angle[0])
    assert 0 <= angle < 360
    assert (angle + 180) % 360 - 180 == pytest.approx(-5, abs=6)


def test_that_one_point_alone_gives_what_all_gave(of_camera: SiftExplanation) -> None:
    for keypoint in range(0, len(of_camera.keypoints), 23):
        turn, described = orientation_of(of_camera, keypoint), descriptor_of(of_camera, keypoint)
        assert np.allclose(turn.smooth, of_camera.histograms[keypoint], rtol=1e-4, atol=1e-4 * turn.smooth.max())
        angle = float(of_camera.keypoints.angle[keypoint])
        assert min(abs(peak.angle - angle) for peak in turn.peaks if peak.kept) < 1e-2
        assert np.abs(described.ints - of_camera.descriptors[keypoint]).max() <= 1


# -------------------------------------------------------------------------------- descriptor

ODD = 301  # a side of odd length: quarter turns and mirrors keep the grid of every second pixel


def fixed(grey: UInt8, xy: np.ndarray, angle: float = 0.0) -> np.ndarray:
    """Upright descriptors (K, 4, 4, 8) at places of octave 0, layer 1."""
    n = len(xy)
    points = Keypoints(
        xy=xy,
        size=np.full(n, 2 * 2.2),
        angle=np.full(n, angle),
        response=np.ones(n),
        octave=np.zeros(n),
        layer=np.ones(n),
        sublayer=np.zeros(n),
        packed=np.zeros(n),
    )
    settings = SiftSettings(upsample=False)
    return describe(ScaleSpace(grey, settings), points, settings).reshape(n, 4, 4, 8)


def odd_picture() -> tuple[UInt8, np.ndarray]:
    places = np.random.default_rng(5).integers(60, ODD - 60, (40, 2)).astype(np.float32)
    return np.ascontiguousarray(camera()[100 : 100 + ODD, 60 : 60 + ODD]), places


def test_that_a_quarter_turn_turns_the_cells_and_rolls_the_directions() -> None:
    grey, xy = odd_picture()
    turned = np.ascontiguousarray(np.rot90(grey, k=3))  # clockwise: (x, y) -> (side - 1 - y, x)
    there = np.stack([ODD - 1 - xy[:, 1], xy[:, 0]], axis=1)
    expected = np.roll(np.rot90(fixed(grey, xy), k=3, axes=(1, 2)), -2, axis=3)
    assert np.abs(fixed(turned, there) - expected).max() <= 1


def test_that_a_negative_rolls_the_directions_by_four() -> None:
    grey, xy = odd_picture()
    assert np.abs(fixed(255 - grey, xy) - np.roll(fixed(grey, xy), 4, axis=3)).max() <= 1


def test_that_a_mirror_reverses_columns_and_directions() -> None:
    grey, xy = odd_picture()
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    there = np.stack([ODD - 1 - xy[:, 0], xy[:, 1]], axis=1)
    expected = fixed(grey, xy)[:, :, ::-1][..., (4 - np.arange(8)) % 8]
    assert np.abs(fixed(mirrored, there) - expected).max() <= 1


def test_that_a_negative_with_its_own_orientation_reverses_the_cells(of_camera: SiftExplanation) -> None:
    negative = explained(255 - camera())
    assert len(negative.keypoints) == len(of_camera.keypoints)
    a, b = of_camera.keypoints, negative.keypoints
    cells = of_camera.descriptors.reshape(-1, 4, 4, 8)[:, ::-1, ::-1].reshape(-1, 128)
    matched = 0
    for row in range(len(a)):
        same = np.linalg.norm(b.xy - a.xy[row], axis=1) < 0.01
        turn = np.abs((b.angle - a.angle[row]) % 360 - 180)
        rows = np.flatnonzero(same & (turn < 0.5))
        matched += any(np.linalg.norm(negative.descriptors[r] - cells[row]) < 3 for r in rows)
    assert matched >= 0.99 * len(a)


def test_that_a_shift_by_whole_coarse_pixels_changes_nothing() -> None:
    grey, xy = odd_picture()
    moved = np.ascontiguousarray(grey[16:, 32:])
    assert np.abs(fixed(moved, xy - (32, 16)) - fixed(grey, xy)).max() <= 1


def test_that_the_norm_is_one_and_a_lone_bin_returns_to_one() -> None:
    rng = np.random.default_rng(0)
    raw = np.concatenate([rng.gamma(0.4, 1, (20, 128)), np.eye(128)[:1], np.zeros((1, 128))]).astype(np.float32)
    unit, clipped, final = normalised(raw, 0.2)
    assert np.allclose(np.linalg.norm(unit[:-1], axis=1), 1, atol=1e-6)
    assert clipped.max() <= np.float32(0.2)
    assert np.allclose(np.linalg.norm(final[:-1], axis=1), 1, atol=1e-6)
    assert final[20, 0] == pytest.approx(1.0)
    assert np.all(final[-1] == 0)
    gained = normalised(3.7 * raw, 0.2)[2]
    assert np.allclose(gained, final, atol=1e-6)


def test_that_gain_and_offset_leave_it_alone_and_a_flat_patch_is_zero() -> None:
    grey, xy = odd_picture()
    dim = (grey // 2).astype(np.uint8)  # gain without rounding needs an even picture
    even = (dim * 2).astype(np.uint8)
    assert np.abs(fixed(dim + 20, xy) - fixed(even, xy)).max() <= 1
    assert np.all(fixed(np.full((99, 99), 50, np.uint8), np.array([[50.0, 50.0]])) == 0)


def test_that_rootsift_is_the_hellinger_distance(of_camera: SiftExplanation) -> None:
    values = of_camera.descriptors[:40]
    rooted = root(values).astype(np.float64)
    assert np.allclose(np.linalg.norm(rooted, axis=1), 1, atol=1e-5)
    share = values / values.sum(axis=1, keepdims=True)
    expected = 2 - 2 * np.sqrt(share[:1] * share[1:]).sum(axis=1)
    assert np.allclose(((rooted[:1] - rooted[1:]) ** 2).sum(axis=1), expected, atol=1e-5)


def test_that_the_squared_differences_sum_to_the_distance(of_camera: SiftExplanation) -> None:
    a, b = descriptor_of(of_camera, 3), descriptor_of(of_camera, 90)
    bins, distance = squared_differences(a.ints, b.ints)
    assert bins.shape == (128,)
    assert distance == pytest.approx(float(np.linalg.norm(a.ints - b.ints)))
    assert bins.sum() == pytest.approx(distance**2)


def test_that_the_patch_lies_in_the_keypoints_frame() -> None:
    space = ScaleSpace(ramp(40))
    view = descriptor_at(space, 0, 1, 64.0, 64.0, 3.0, 40.0, SETTINGS)
    assert np.abs(np.diff(view.patch, axis=0)).max() < 0.15  # along the rows it grows brighter, down it stays
    assert np.diff(view.patch, axis=1).min() > 0.3
    assert np.allclose(np.linalg.norm(np.diff(view.corners, axis=0), axis=1), 12 * 3.0)
    assert view.corners.mean(axis=0) == pytest.approx([64, 64])
    assert view.final.reshape(16, 8).argmax(axis=1).tolist() == [0] * 16


# ------------------------------------------------------------------------------------- job


def test_that_the_stages_come_in_order_with_snapshots() -> None:
    seen: list[SiftExplanation] = []

    def keep(progress: Progress) -> None:
        if progress.payload is not None:
            seen.append(progress.payload)

    final = run_to_end(explain(camera()[:200, :200], SETTINGS), keep)
    assert final.complete
    assert not any(part.complete for part in seen)
    assert [part.stage for part in seen] == list(Stage) * len(final.space.octaves)
    assert [part.octave for part in seen[::7]] == list(final.space.octaves)
    first = seen[0]
    assert first.candidates.stage.max(initial=0) == Stage.EXTREMA
    assert np.all(np.isnan(first.candidates.number))
    assert len(seen[4].keypoints) == 0
    assert len(seen[5].keypoints) > 0
    assert np.all(seen[5].descriptors == 0)
    assert seen[6].descriptors.any()
    for part in seen:
        counts = [count for _, count in part.funnel]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] == len(part.candidates)


def test_that_every_candidate_has_one_end_and_its_number(of_camera: SiftExplanation) -> None:
    found = of_camera.candidates
    limits = {
        Stage.REFINED: lambda v: v >= 0.5,
        Stage.CONTRAST: lambda v: v < 0.04,
        Stage.EDGE: lambda v: v >= np.float32(12.1) - 1e-5,
        Stage.BORDER: lambda v: v < 5,
    }
    for stage, wrong in limits.items():
        assert np.all(wrong(found.number[found.died_at(stage)])), stage
    alive = found.passed(Stage.DESCRIBED)
    assert np.all(np.isnan(found.number[alive]))
    assert alive.sum() == len(np.unique(of_camera.candidate))
    assert np.array_equal(found.xy[of_camera.candidate], of_camera.keypoints.xy)
    assert np.all(found.border[alive] >= 5)
    assert np.all(np.abs(found.offset[alive]) < 0.5)


def test_that_it_stops_when_told() -> None:
    job = explain(camera(), SETTINGS)
    next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


# ------------------------------------------------------------------------------- bad pictures

NOISE = np.random.default_rng(2).integers(0, 256, (90, 120), dtype=np.uint8)


@pytest.mark.parametrize("layers", [1, 3, 8])
@pytest.mark.parametrize(
    "grey",
    [
        np.full((1, 1), 9, np.uint8),
        NOISE[:1],
        NOISE[:, :1],
        NOISE[:2, :3],
        NOISE[:8, :8],
        np.full((90, 70), 255, np.uint8),
        np.zeros((64, 64), np.uint8),
        NOISE,
        np.where(NOISE > 128, 255, 0).astype(np.uint8),
    ],
    ids=["pixel", "row", "column", "tiny", "small", "white", "black", "noise", "saturated"],
)
def test_that_bad_pictures_give_empty_or_finite_results(grey: UInt8, layers: int) -> None:
    for upsample in (True, False):
        found = explained(np.ascontiguousarray(grey), layers=layers, upsample=upsample)
        assert found.complete
        assert len(found.keypoints) == len(found.descriptors) == len(found.candidate) == len(found.histograms)
        assert np.all(np.isfinite(found.descriptors))
        assert np.all(np.isfinite(found.keypoints.xy))
        if np.ptp(grey) == 0 or min(grey.shape) < 4:
            assert len(found.keypoints) == 0


def test_that_zero_thresholds_keep_every_candidate() -> None:
    # A checkerboard of small blobs has an extremum at each.
    x, y = np.meshgrid(np.arange(960), np.arange(720))
    noise = np.random.default_rng(0).normal(0, 1, x.shape)
    picture = np.rint(128 + 60 * np.sin(x * 0.9) * np.sin(y * 0.9) + noise).astype(np.uint8)
    steps = 0

    def count(_: Progress) -> None:
        nonlocal steps
        steps += 1

    found = run_to_end(explain(picture, SiftSettings(contrast=0.0, edge=100.0)), count)
    assert len(found.candidates) > 20_000
    assert found.funnel[0][1] == len(found.candidates)
    assert steps >= 7 * len(found.space.octaves)


def test_that_rounding_on_flat_regions_makes_no_candidates_at_zero_threshold() -> None:
    for value in (1, 77, 200, 255):
        assert len(explained(np.full((120, 160), value, np.uint8), contrast=0.0).candidates) == 0


def test_that_another_grey_depth_goes_through_the_one_grey() -> None:
    """Colour and 16 bits are turned into the one 8-bit grey before; here anything else is refused."""
    rgb = cv2.cvtColor(camera(), cv2.COLOR_GRAY2RGB)
    with pytest.raises(ValueError, match="grey"):
        ScaleSpace(rgb)  # type: ignore[arg-type]
