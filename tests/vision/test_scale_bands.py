"""Levels made in bands: equal to those made whole, and OpenCV's threads as they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from app.vision.scale_bands import LEAST_PIXELS, Bands, one_cv_thread_each
from app.vision.scale_levels import blurred


@pytest.fixture(params=[1, 2, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(request.param)
    yield cv2.getNumThreads()
    cv2.setNumThreads(before)


@pytest.mark.parametrize("sigma", [0.4, 1.2263, 1.9466, 3.09])
@pytest.mark.parametrize("shape", [(1031, 517), (700, 761), (64, 5000), (3, 7)])
def test_that_bands_are_equal_to_the_whole(threads: int, shape: tuple[int, int], sigma: float) -> None:
    values = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    into, difference = np.full_like(values, np.nan), np.full_like(values, np.nan)
    with Bands() as bands:
        bands.next_level(values, sigma, into, difference)
    assert np.array_equal(into, blurred(values, sigma))
    assert np.array_equal(difference, into - values)
    assert cv2.getNumThreads() == threads


def test_that_a_large_level_is_blurred_by_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import app.vision.scale_bands as module

    seen: dict[str, list[int]] = {}

    def spied(values: np.ndarray, sigma: float, into: np.ndarray | None = None) -> np.ndarray:
        seen.setdefault(threading.current_thread().name, []).append(len(values))
        return blurred(values, sigma, into)

    monkeypatch.setattr(module, "blurred", spied)
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    values = np.zeros((1024, LEAST_PIXELS // 1024), np.float32)
    with Bands() as bands:
        bands.next_level(values, 1.0, np.empty_like(values), np.empty_like(values))
    cv2.setNumThreads(before)
    assert len(seen) == 2
    assert sorted(rows for part in seen.values() for rows in part)[-2:] == [512, 512]


def test_that_the_threads_come_back_when_the_last_user_has_left() -> None:
    before = cv2.getNumThreads()

    def fail() -> None:
        with one_cv_thread_each() as count:
            assert count == max(1, before)
            raise ZeroDivisionError

    with one_cv_thread_each() as count:
        assert count == max(1, before)
        with pytest.raises(ZeroDivisionError):
            fail()
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
