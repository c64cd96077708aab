"""SIFT with the ratio test on real truth, against a script of plain OpenCV that shares nothing with the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import matchers, pairs, pipeline
from app.jobs import run_to_end
from app.records import MatchRequest

COUNT, RATIO, THRESHOLD = 2000, 0.8, 3.0


def by_plain_opencv(folder: Path, k: int) -> tuple[float, float]:
    """Precision and recall of pair 1-k: one colour decode, SIFT, brute force, ratio, the sequence's own homography."""
    points, values = [], []
    size = (0, 0)
    for index in (1, k):
        grey = cv2.cvtColor(cv2.imread(str(folder / f"img{index}.png"), cv2.IMREAD_COLOR), cv2.COLOR_BGR2GRAY)
        size = grey.shape[1], grey.shape[0]
        keypoints, descriptors = cv2.SIFT_create(COUNT, enable_precise_upscale=True).detectAndCompute(grey, None)
        points.append(np.array([keypoint.pt for keypoint in keypoints]))
        values.append(descriptors)
    pairs_of_two = cv2.BFMatcher(cv2.NORM_L2).knnMatch(values[0], values[1], k=2)
    kept = [first for first, second in pairs_of_two if first.distance < RATIO * second.distance]
    homography = np.loadtxt(folder / f"H_1_{k}")
    mapped = cv2.perspectiveTransform(points[0][None], homography)[0]
    error = np.array([np.linalg.norm(mapped[m.queryIdx] - points[1][m.trainIdx]) for m in kept])
    right = int((error <= THRESHOLD).sum())
    inside = ((mapped >= -0.5) & (mapped <= np.array(size) - 0.5)).all(axis=1)
    gaps = np.linalg.norm(mapped[:, None] - points[1][None], axis=2).min(axis=1)
    possible = int((inside & (gaps <= THRESHOLD)).sum())
    return right / len(kept), right / possible


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("name", ["graf", "boat", "bikes", "leuven"])
def test_that_precision_and_recall_equal_those_of_plain_opencv(name: str, k: int, shared_data: Path) -> None:
    folder = shared_data / "oxford_affine" / name
    ref = pairs.from_files(folder / "img1.png", folder / f"img{k}.png", homography=folder / f"H_1_{k}")
    settings = matchers.get("sift").defaults()
    settings = replace(
        settings,
        detect=replace(settings.detect, count=COUNT),
        match=replace(settings.match, ratio=RATIO, mutual=False),
        verify=replace(settings.verify, model="none"),
        evaluate=replace(settings.evaluate, threshold=THRESHOLD),
    )
    result = run_to_end(pipeline.run_pair(MatchRequest(ref, "sift", settings)))
    assert result.evaluation is not None
    precision, recall = by_plain_opencv(folder, k)
    assert 0.02 < precision < 1  # the script itself has found something to judge
    assert result.evaluation.precision == pytest.approx(precision, abs=0.01)
    assert result.evaluation.recall == pytest.approx(recall, abs=0.01)
