"""Where SIFT fails: points are followed to the stage that lost them, and the counts add up."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app import failures, matchers
from app.failures import Case, Failures, Row
from app.jobs import run_to_end
from app.pipeline import Cache, run_pair
from app.records import MatchRequest, MatchResult, PairRef, Verdict
from app.vision.follow import LOSSES, follow

CACHE = Cache()


@pytest.fixture(scope="module")
def measured() -> Failures:
    return run_to_end(failures.run(cache=CACHE))


def of(measured: Failures, kind: str) -> Row:
    return next(row for row in measured.rows if row.case.kind == kind)


def test_that_every_change_of_the_lecture_is_measured() -> None:
    kinds = [case.kind for case in failures.CASES]
    assert set(kinds) >= {"illumination", "shadow", "contrast reversal", "non-rigid", "articulated", "semantic"}
    assert [kind for kind in kinds if kind.startswith("tilt")] == [f"tilt {t}°" for t in (40, 50, 60, 70, 80)]


def test_that_lost_and_kept_points_add_up_to_the_visible_ones(measured: Failures) -> None:
    for row in measured.rows:
        assert not row.error
        assert sum(count for _, count in row.lost) + row.kept == row.visible
        assert [name for name, _ in row.lost] == list(LOSSES)
        assert row.sentence.endswith(".")


def test_that_a_negative_is_found_again_but_turned(measured: Failures) -> None:
    """Known of this pair: repeatability 1.00 (0.96 with what the border cuts off), nearest right 0.003."""
    row = of(measured, "contrast reversal")
    assert row.repeatability > 0.95
    assert row.nearest_right < 0.01
    assert row.cause == "orientation"


def test_that_light_costs_the_detector(measured: Failures) -> None:
    assert of(measured, "illumination").cause == "detector"
    assert of(measured, "shadow").cause == "detector"
    assert of(measured, "illumination").precision > 0.85


def test_that_the_detector_names_its_reason(measured: Failures) -> None:
    """Illumination costs the detector its contrast."""
    row = of(measured, "illumination")
    assert row.reasons[0][0] == "contrast"
    assert 0 < sum(count for _, count in row.reasons) <= failures.ASKED
    assert "the contrast is too low" in row.sentence
    for row in measured.rows:
        asked = sum(count for _, count in row.reasons)
        assert (asked > 0) == (dict(row.lost)["detector"] > 0)


def test_that_tilt_lets_everything_fall_as_the_sheet_says(measured: Failures) -> None:
    """Known of tilt 40 / 60 / 70: repeatability 0.65 / 0.45 / 0.38, nearest right 0.50 / 0.18 / 0.06."""
    rows = [of(measured, f"tilt {tilt}°") for tilt in (40, 60, 70)]
    for row, repeatability, right in zip(rows, (0.65, 0.45, 0.38), (0.50, 0.18, 0.06), strict=True):
        assert row.repeatability == pytest.approx(repeatability, abs=0.06)
        assert row.nearest_right == pytest.approx(right, abs=0.03)
    for name in ("repeatability", "nearest_right", "precision"):
        values = [getattr(of(measured, f"tilt {tilt}°"), name) for tilt in (40, 50, 60, 70, 80)]
        assert values == sorted(values, reverse=True)
    assert all(row.chance < row.repeatability for row in rows)


def test_that_bending_and_limbs_fail_at_the_single_model(measured: Failures) -> None:
    assert of(measured, "non-rigid").cause == "verify"
    doll = of(measured, "articulated")
    assert doll.case.moving
    assert dict(doll.lost)["verify"] > 10
    assert doll.kept < doll.visible / 10


def test_that_points_of_a_pair_without_change_are_all_kept() -> None:
    request = MatchRequest(failures.CASES[0].ref, "sift", matchers.get("sift").defaults())
    result = run_to_end(run_pair(request, CACHE))
    assert result.pair is not None
    pair = replace(result.pair, right=result.pair.left, truth=replace(result.pair.truth, homography=np.eye(3)))
    assert result.left is not None
    same = _rematched(replace(result, pair=pair, right=result.left))
    found = follow(same)
    assert found.visible == len(result.left.keypoints)
    assert found.nearest_right > 0.98 * found.visible  # twins of one place may be equal
    assert dict(found.lost)["detector"] == dict(found.lost)["descriptor"] == 0
    assert found.kept + sum(count for _, count in found.lost) == found.visible
    assert found.missed.shape == (0, 2)


def _rematched(result: MatchResult) -> MatchResult:
    spec = matchers.get("sift")
    assert result.left is not None
    assert result.right is not None
    matches = spec.match(result.left, result.right, result.request.settings.match)
    return replace(result, matches=matches, verification=None)


def test_that_a_failing_pair_becomes_a_row_with_its_sentence(tmp_path: object) -> None:
    missing = Case("gone", PairRef("files", "gone", left=f"{tmp_path}/a.png", right=f"{tmp_path}/b.png"))
    table = run_to_end(failures.run([missing, failures.CASES[0]], cache=CACHE))
    assert "a.png" in table.rows[0].error
    assert table.rows[0].sentence == table.rows[0].error
    assert not table.rows[1].error


def test_that_progress_carries_the_rows_so_far_and_cancelling_closes_the_running_pair() -> None:
    job = failures.run(failures.CASES[:2], cache=Cache())
    first = next(job)
    assert isinstance(first.payload, Failures)
    assert (first.payload.rows, first.payload.total) == ((), 2)
    job.close()


def test_that_asift_repairs_tilt() -> None:
    tilt = failures.TILTS[3]
    repaired = run_to_end(failures.run([tilt], "asift", CACHE)).rows[0]
    plain = run_to_end(failures.run([tilt], "sift", CACHE)).rows[0]
    assert repaired.right > 50 * max(1, plain.right)
    assert repaired.precision > plain.precision + 0.4
    assert repaired.lost == ()
    assert math.isnan(repaired.nearest_right)


def test_that_the_counts_are_those_of_the_evaluation(measured: Failures) -> None:
    row = of(measured, "shadow")
    request = MatchRequest(row.case.ref, "sift", matchers.get("sift").defaults())
    result = run_to_end(run_pair(request, CACHE))
    assert result.evaluation is not None
    assert row.right == result.evaluation.count(Verdict.RIGHT)
    assert row.kept <= row.right
