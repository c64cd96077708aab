"""Cutting patches in keypoint frames: places, turns, scales, blur, and one rule for training and matching."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.learning.patch_data import reduced_grey
from app.records import Keypoints
from app.vision.detect import SiftDetect, detect_sift
from app.vision.frames import cut_at, cut_frames, flat
from app.vision.images import grey8
from app.vision.photographs import photograph

GREY = grey8(photograph("chelsea"))


def whole_image(grey: np.ndarray, x: float, y: float, step: float, angle: float, side: int = 32) -> np.ndarray:
    """The rule as the data's manifest states it, on the whole image."""
    if step > 1.3:
        grey = cv2.GaussianBlur(grey, (0, 0), step / 2)
    cos, sin = step * np.cos(angle), step * np.sin(angle)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0]])
    matrix[:, 2] = np.array([x, y]) - matrix[:, :2] @ np.full(2, (side - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grey, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)


def test_that_cutting_from_a_part_equals_cutting_from_the_whole_image() -> None:
    rng = np.random.default_rng(0)
    h, w = GREY.shape
    gaps = []
    for _ in range(200):
        x, y, angle = rng.uniform(-5, w + 5), rng.uniform(-5, h + 5), rng.uniform(-4, 4)
        step = float(np.exp2(rng.uniform(-2, 2.5)))
        found = cut_at(GREY, [[x, y]], [step], [angle])[0]
        gaps.append(np.abs(found.astype(int) - whole_image(GREY, x, y, step, angle)))
    # OpenCV rounds the places of samples to 1/32 pixel, and the origin of the part decides which way.
    assert np.max(gaps) <= 8
    assert np.mean(gaps) < 0.05


def test_that_a_patch_of_step_one_at_half_pixels_is_the_image_itself() -> None:
    patch = cut_at(GREY, [[115.5, 95.5]], [1.0], [0.0])[0]
    assert np.array_equal(patch, GREY[80:112, 100:132])


def test_that_a_quarter_turn_turns_the_patch() -> None:
    straight, turned = cut_at(GREY, [[115.5, 95.5]] * 2, [1.0, 1.0], [0.0, np.pi / 2])
    # The patch's x axis points along image y: its first row runs down the image's right-most column.
    assert np.array_equal(turned, np.rot90(straight))


def test_that_training_and_matching_cut_the_same_bytes() -> None:
    keypoints = detect_sift(GREY, SiftDetect(count=200))
    in_matching = cut_frames(GREY, keypoints, side=32, span=3.0)
    xy, size = keypoints.xy.astype(np.float64), keypoints.size.astype(np.float64)
    angle = np.deg2rad(np.nan_to_num(keypoints.angle.astype(np.float64)))
    in_training = cut_at(reduced_grey(GREY), xy, size * 3.0 / 32, angle, side=32)
    assert in_matching.tobytes() == in_training.tobytes()
    assert len(in_matching) == len(keypoints)


def test_that_no_keypoints_far_ones_and_flat_ones_are_handled() -> None:
    assert cut_frames(GREY, Keypoints.empty()).shape == (0, 32, 32)
    assert not cut_at(GREY, [[1e6, -1e6]], [1.0], [0.0]).any()
    wall = np.full((50, 50), 90, np.uint8)
    patches = cut_frames(wall, Keypoints.at([[25, 25]], size=8))
    assert np.array_equal(patches, np.full((1, 32, 32), 90))
    assert flat(patches, least=1.0).tolist() == [True]
    assert flat(patches[:0], least=1.0).shape == (0,)


def test_that_a_corner_drawn_at_a_known_place_lands_in_the_middle() -> None:
    """A quadrant edge through pixel (40.5, 30.5), i.e. between pixels 40|41 and 30|31."""
    picture = np.zeros((64, 80), np.uint8)
    picture[31:, 41:] = 255
    patch = cut_at(picture, [[40.5, 30.5]], [0.5], [0.0])[0].astype(int)
    assert np.abs(patch - patch.T).max() <= 1
    assert patch[15, 15] < 128 <= patch[16, 16] + 128
    assert patch[20, 20] == 255
    assert patch[20, 10] == 0


def test_the_patches_of_the_reference_data(shared_data: object) -> None:
    """A third of the boat's reference patches are cut at frames OpenCV finds today, to the byte."""
    archive = np.load(f"{shared_data}/patches/patches32_homography.npz")
    row = list(archive["seq_names"]).index("boat")
    keep = archive["seq"] == row
    grey = grey8(cv2.cvtColor(cv2.imread(f"{shared_data}/oxford_affine/boat/img1.png"), cv2.COLOR_BGR2RGB))
    found = cv2.SIFT_create().detect(grey, None)  # the data's frames lack precise upscaling
    places = np.array([k.pt for k in found])
    equal = 0
    for xy, patch in list(zip(archive["xy"][keep][:, :2], archive["ref"][keep], strict=True))[:60]:
        for index in np.flatnonzero(np.abs(places - xy).max(axis=1) < 1e-2):
            k = found[index]
            cut = cut_at(grey, [k.pt], [k.size * 3 / 32], [np.deg2rad(k.angle)])[0]
            equal += np.array_equal(cut, patch)
    if not equal:
        pytest.skip("this OpenCV finds other frames than the data was cut at")
    assert equal >= 15
