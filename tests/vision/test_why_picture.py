from __future__ import annotations

import numpy as np
import pytest

from app.jobs import run_to_end
from app.records import Image
from app.vision.detect import SiftDetect
from app.vision.images import make_image
from app.vision.photographs import photograph
from app.vision.sift_matching import detection_at, explanation_of
from app.vision.sift_why import Detection
from app.vision.why_picture import RADIUS, Gauge, gauge_of, look_at

DETECT = SiftDetect(max_side=0)


@pytest.fixture(scope="module")
def image() -> Image:
    return make_image(np.ascontiguousarray(photograph("coffee")[100:330, 150:420]), "cup")


def test_that_the_middle_is_the_sample_the_reason_is_about(image: Image) -> None:
    """Every rejected candidate: the middle of the middle plane is D at its sample, next to its own value."""
    _, explanation = run_to_end(explanation_of(image, DETECT))
    found = explanation.candidates
    looked = 0
    for row in range(0, len(found), 11):
        x, y = found.xy[row].tolist()
        detection = run_to_end(detection_at(image, x, y, DETECT))
        if detection.passed or detection.candidate < 0:
            continue
        picture = run_to_end(look_at(image, detection, (x, y), DETECT))
        assert picture is not None
        i = detection.candidate
        dog = explanation.space.dog(picture.octave, picture.layer)
        value = picture.planes[1, RADIUS, RADIUS]
        assert value == pytest.approx(float(dog[int(found.row[i]), int(found.col[i])]), abs=1e-3)
        assert picture.gauge is not None
        assert not picture.gauge.passed
        looked += 1
    assert looked > 5


def test_that_a_weak_extremum_below_the_noise_floor_is_shown_with_its_contrast(image: Image) -> None:
    for x, y in ((40.0, 40.0), (120.0, 60.0), (200.0, 150.0), (60.0, 150.0), (150.0, 200.0), (90.0, 90.0)):
        detection = run_to_end(detection_at(image, x, y, DETECT))
        if detection.stage == "extremum" and "contrast" in detection.numbers:
            picture = run_to_end(look_at(image, detection, (x, y), DETECT))
            assert picture is not None
            middle = float(picture.planes[1, RADIUS, RADIUS])
            assert middle == pytest.approx(detection.numbers["D"], abs=1e-3)
            assert picture.gauge == Gauge("|D| · s", detection.numbers["contrast"], 0.04, True)
            return
    pytest.fail("none of the places has a weak extremum; choose others")


def test_that_the_asked_place_is_carried_into_samples_of_a_reduced_picture(image: Image) -> None:
    half = SiftDetect(max_side=max(image.size) // 2)
    detection = Detection("", "extremum", False, place=(100.0, 80.0, 4.0))
    picture = run_to_end(look_at(image, detection, (108.0, 80.0), half))
    assert picture is not None
    step = 2.0 ** (picture.octave + 1)  # one sample is 2^octave working pixels, each two original ones
    assert picture.asked[0] == pytest.approx(8 / step, abs=0.6)
    assert picture.asked[1] == pytest.approx(0, abs=0.6)
    assert picture.sigmas[0] < picture.sigmas[1] < picture.sigmas[2]
    assert picture.sigmas[1] == pytest.approx(4.0, rel=0.15)


def test_that_samples_beyond_the_border_are_unknown(image: Image) -> None:
    detection = Detection("", "border", False, numbers={"border px": 1.0, "needed": 5.0}, place=(1.0, 1.0, 1.6))
    picture = run_to_end(look_at(image, detection, (1.0, 1.0), DETECT))
    assert picture is not None
    assert np.isnan(picture.planes[:, 0, 0]).all()
    assert np.isfinite(picture.planes[:, -1, -1]).all()


def test_that_there_is_no_picture_without_a_place(image: Image) -> None:
    assert run_to_end(look_at(image, Detection("", "extremum", False), (5.0, 5.0), DETECT)) is None


@pytest.mark.parametrize(
    ("numbers", "stage", "expected"),
    [
        ({"edge ratio": np.inf, "limit": 12.1}, "edge", Gauge("trace² / det", np.inf, 12.1, False)),
        ({"border px": 3.0, "needed": 5.0}, "border", Gauge("px to the border", 3.0, 5.0, True)),
        ({"offset": -0.8, "moves": 5.0}, "refined", Gauge("samples to move", 0.8, 0.5, False)),
        ({"rank": 2001.0, "count": 2000.0}, "count", Gauge("rank by response", 2001.0, 2001.0, False)),
        ({"distance px": 20.0, "D": 1.0}, "extremum", Gauge("px to an extremum", 20.0, 6.0, False)),
        ({}, "oriented", None),
    ],
)
def test_that_every_reason_has_its_gauge(numbers: dict[str, float], stage: str, expected: Gauge | None) -> None:
    gauge = gauge_of(Detection("", stage, False, numbers=numbers))
    assert gauge == expected
    assert gauge is None or not gauge.passed
