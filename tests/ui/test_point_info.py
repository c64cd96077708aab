"""What is told of a point: of the keypoint that was selected, where several orientations stand at one place."""

from __future__ import annotations

import numpy as np
from sift_parts import small_result

from app.jobs import run_to_end
from app.records import Selection
from app.ui.point_info import ask_point
from app.vision.asked import same_extremum


def test_that_a_match_is_told_of_its_own_orientation_and_marks_its_partner() -> None:
    result = small_result()
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    points, joined = result.left.keypoints, result.matches.pairs
    asked = 0
    for i, j in joined.tolist():
        twins = same_extremum(points, i)
        if i == twins[0] or np.isin(joined[:, 0], twins).sum() > 1:
            continue
        asked += 1
        here, there = ((float(x), float(y)) for x, y in (points.xy[i], result.right.keypoints.xy[j]))
        for selection in (Selection("left", *here, there), Selection("left", *here)):
            told = run_to_end(ask_point(result, selection))
            facts = dict(told.facts)
            assert facts["orientation"] == f"{points.angle[i]:.1f}° clockwise"
            assert facts["orientations here"] == str(len(twins))
            (partner,) = [item for item in told.candidates if item.matched]
            assert (partner.xy, partner.rank) == (there, 1)
    assert asked
