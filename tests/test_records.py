"""The data types: shapes, read-only arrays, the half-pixel rule, verdicts and the numbers made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.records import (
    Descriptors,
    Evaluation,
    Features,
    Image,
    Keypoints,
    Matches,
    MatchRequest,
    MatchResult,
    PairRef,
    Pose,
    Selection,
    StageSettings,
    Truth,
    Verdict,
    Verification,
    WorkingImage,
    find_match,
)

FLOATS = st.floats(-1e4, 1e4, width=32)


def matches(pairs: list[tuple[int, int]], distance: list[float], second: list[float]) -> Matches:
    n = len(pairs)
    return Matches(
        np.array(pairs, np.int32).reshape(n, 2),
        np.float32(distance),
        np.float32(second),
        np.full(n, np.nan, np.float32),
    )


def evaluation(
    error: list[float], *, possible: list[float], epipolar: bool = False, kind: str = "homography"
) -> Evaluation:
    return Evaluation(
        np.array(error, np.float32),
        np.full(len(error), epipolar),
        np.array(possible, np.float32),
        np.zeros(0, np.float32),
        float("nan"),
        3.0,
        kind,
    )


def test_that_arrays_are_read_only_and_shapes_are_checked() -> None:
    points = Keypoints.at([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="read-only"):
        points.xy[0, 0] = 9
    with pytest.raises(ValueError, match=r"Image\.rgb: expected shape nxnx3"):
        Image("i", "grey", np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="2 keypoints but 1 descriptors"):
        Features(points, Descriptors(np.zeros((1, 8), np.float32)))


def test_that_a_record_does_not_lock_the_array_it_was_given() -> None:
    mine = np.zeros((3, 3, 3), np.uint8)
    Image("i", "mine", mine)
    mine[0, 0, 0] = 1


def test_that_nothing_is_an_empty_record() -> None:
    assert len(Keypoints.empty()) == 0
    assert Keypoints.empty().xy.shape == (0, 2)
    assert Matches.empty().ratio.shape == (0,)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(2)), elements=FLOATS), st.floats(1, 8), st.floats(1, 8)
)
def test_that_the_way_to_the_working_image_and_back_is_the_identity(xy: np.ndarray, sx: float, sy: float) -> None:
    work = WorkingImage("i", np.zeros((4, 4), np.uint8), (sx, sy))
    back = work.to_original(work.from_original(Keypoints.at(xy, size=4)))
    assert np.allclose(back.xy, xy, atol=2e-2, rtol=1e-5)
    assert np.allclose(back.size, 4, rtol=1e-4)


def test_that_the_half_pixel_rule_keeps_corners_at_corners() -> None:
    work = WorkingImage("i", np.zeros((10, 20), np.uint8), (4.0, 4.0))
    corner = work.to_original(Keypoints.at([[-0.5, -0.5], [19.5, 9.5]]))
    assert np.allclose(corner.xy, [[-0.5, -0.5], [79.5, 39.5]])


def test_that_duplicates_have_ratio_one() -> None:
    found = matches([(0, 0), (1, 1), (2, 2)], [0, 1, 0], [0, 2, 4])
    assert found.ratio.tolist() == [1.0, 0.5, 0.0]


def test_that_verdicts_follow_error_and_threshold() -> None:
    judged = evaluation([0.0, 3.0, 3.01, np.inf, np.nan], possible=[1, 2, 9, np.nan])
    assert judged.verdict.tolist() == [Verdict.RIGHT, Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG, Verdict.UNDECIDED]
    assert judged.precision == pytest.approx(2 / 4)
    assert judged.possible == 2
    assert judged.recall == pytest.approx(1.0)
    assert judged.at(10).precision == pytest.approx(3 / 4)


def test_that_epipolar_truth_gives_consistent_not_right() -> None:
    judged = evaluation([1.0, 5.0], possible=[], epipolar=True, kind="epipolar")
    assert judged.verdict.tolist() == [Verdict.CONSISTENT, Verdict.WRONG]
    assert judged.precision == 0.0
    assert np.isnan(judged.recall)
    assert np.isnan(judged.mma(3))


def test_that_precision_of_nothing_is_nan_and_mma_of_nothing_zero() -> None:
    judged = evaluation([], possible=[])
    assert np.isnan(judged.precision)
    assert np.isnan(judged.recall)
    assert judged.mma(3) == 0.0


@given(hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(0, 20, width=32)))
def test_that_mma_does_not_fall_with_the_threshold(errors: np.ndarray) -> None:
    judged = evaluation(errors.tolist(), possible=[])
    curve = [judged.mma(t) for t in range(1, 11)]
    assert curve == sorted(curve)


def test_that_a_selection_is_found_again_by_place() -> None:
    ref = PairRef("builtin", "t", recipe="r")
    result = MatchResult(
        MatchRequest(ref, "m", StageSettings(None, None, None, None, None)),
        left=Features(Keypoints.at([[0, 0], [10, 10]])),
        right=Features(Keypoints.at([[5, 5], [20, 20]])),
        matches=matches([(0, 0), (1, 1)], [1, 1], [2, 2]),
    )
    assert find_match(result, Selection("left", 10, 10, (20, 20))) == 1
    assert find_match(result, Selection("right", 5.2, 5, (0, 0.1))) == 0
    assert find_match(result, Selection("left", 10, 10, (5, 5))) is None
    assert find_match(result, Selection("left", 10, 10)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "video", "title": "t"},
        {"kind": "builtin", "title": "t"},
        {"kind": "files", "title": "t", "left": "a"},
        {"kind": "files", "title": "t", "left": "a", "right": "b", "pose": (1.0,)},
    ],
)
def test_that_a_pair_reference_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="PairRef"):
        PairRef(**wrong)  # type: ignore[arg-type]  # wrong on purpose


# ------------------------------------------------------------------------ any arrays at all

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.integers(0, 1),
)
RECORDS: tuple[tuple[type, tuple[str, ...], dict[str, object]], ...] = (
    (Keypoints, ("xy", "size", "angle", "response", "octave", "layer", "sublayer", "packed"), {}),
    (Descriptors, ("values",), {}),
    (Matches, ("pairs", "distance", "second", "confidence"), {}),
    (Truth, ("homography", "forward", "backward", "points", "fundamental"), {}),
    (Pose, ("k_left", "k_right", "rotation", "translation"), {}),
    (Verification, ("inlier", "residual_px"), {"model": "none", "matrix": None, "threshold_px": 3.0, "method": "m"}),
    (Evaluation, ("error_px", "epipolar", "possible_px", "repeatability_px"),
     {"corner_error_px": 0.0, "threshold_px": 3.0, "truth_kind": "homography"}),
    (Image, ("rgb",), {"id": "i", "name": "n"}),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(RECORDS), st.data())
def test_that_any_arrays_make_a_consistent_record_or_an_error_that_names_the_field(
    record: tuple[type, tuple[str, ...], dict[str, object]], data: st.DataObject
) -> None:
    kind, names, others = record
    given = {name: data.draw(ARRAYS, label=name) for name in names}
    made, said = None, ""
    try:
        made = kind(**given, **others)
    except ValueError as error:
        said = str(error)
    if made is None:
        assert said.startswith(f"{kind.__name__}.")
        return
    for name in names:
        held = getattr(made, name)
        assert not held.flags.writeable
        assert np.array_equal(held, given[name].astype(held.dtype))
    if kind in (Keypoints, Matches, Verification):
        assert len({len(getattr(made, name)) for name in names}) == 1
