"""The search equals brute force in float64, ties included, for every metric and block size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app.vision.nearest as search
from app.records import Descriptors
from app.vision.nearest import Stopped, distances_to, dual_softmax, nearest
from app.vision.scores import problem_of

KINDS = (
    "grey",
    "few",
    "float",
    "near-ties",
    "unit",
    "unit ties",
    "unit cluster",
    "hamming",
    "cosine",
    "mahalanobis",
    "uint8",
)


def unit(values: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(length > 0, length, 1)


def table(left: Descriptors, right: Descriptors) -> np.ndarray:
    """Every distance by its definition, in float64."""
    if left.metric == "hamming":
        bits = [np.unpackbits(side.values, axis=1) for side in (left, right)]
        return (bits[0][:, None] != bits[1][None]).sum(axis=2).astype(np.float64)
    a, b = left.values.astype(np.float64), right.values.astype(np.float64)
    if left.metric == "cosine":
        return 1 - np.einsum("ik,jk->ij", unit(a), unit(b))
    if left.factor is not None:
        a, b = a @ left.factor.T, b @ left.factor.T
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))


def pair(kind: str, n: int, m: int, width: int, seed: int) -> tuple[Descriptors, Descriptors]:
    rng = np.random.default_rng(seed)
    sizes = ((n, width), (m, width))
    if kind == "grey":
        return tuple(Descriptors(rng.integers(0, 256, s).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "few":
        return tuple(Descriptors(rng.integers(0, 2, s).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "float":
        return tuple(Descriptors(rng.standard_normal(s).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "near-ties":  # far from the origin, where float32 products lose the differences
        return tuple(Descriptors((rng.integers(0, 3, s) * 0.1 + 500).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "unit":
        return tuple(Descriptors(unit(rng.standard_normal(s)).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "unit ties":  # equal but for the rounding of their lengths, which then decides
        turned = (unit(rng.integers(-1, 2, s) + 1e-6 * rng.integers(-1, 2, s)).astype(np.float32) for s in sizes)
        return tuple(Descriptors(side) for side in turned)  # type: ignore[return-value]
    if kind == "unit cluster":  # as a collapsed network makes them
        return tuple(Descriptors(unit(3 + 1e-3 * rng.standard_normal(s)).astype(np.float32)) for s in sizes)  # type: ignore[return-value]
    if kind == "hamming":
        return tuple(Descriptors(rng.integers(0, 4, s, dtype=np.uint8), "hamming") for s in sizes)  # type: ignore[return-value]
    if kind == "cosine":
        return tuple(Descriptors(rng.integers(-1, 2, s).astype(np.float32), "cosine") for s in sizes)  # type: ignore[return-value]
    if kind == "uint8":
        return tuple(Descriptors(rng.integers(0, 256, s, dtype=np.uint8)) for s in sizes)  # type: ignore[return-value]
    factor = rng.standard_normal((3, width))
    return tuple(Descriptors(rng.integers(0, 3, s).astype(np.float32), "mahalanobis", factor) for s in sizes)  # type: ignore[return-value]


def test_that_vectors_of_one_length_are_multiplied_as_they_are_unless_they_lie_close_together() -> None:
    """The product that the search repeats least, and the one that collapsed descriptors need."""
    widths = {
        kind: problem_of(*pair(kind, 40, 50, 24, 0)).left.shape[1] for kind in ("unit", "unit cluster", "float", "grey")
    }
    assert widths == {"unit": 24, "unit cluster": 26, "float": 26, "grey": 26}


def settled_minimum(distance: np.ndarray, gap: float) -> np.ndarray:
    """Rows whose values near the minimum are all exactly the minimum."""
    best = distance.min(axis=1, keepdims=True)
    return np.all((distance == best) | (distance > best + gap), axis=1)


def assert_exact(left: Descriptors, right: Descriptors) -> None:
    distance, found = table(left, right), nearest(left, right)
    rows = np.arange(len(left))
    expected = distance.argmin(axis=1)
    # Two distances a rounding of float64 apart are equal for any definition: then the chosen one must be among them.
    gap = 1e-12 * (1 + distance.max())
    assert np.all(distance[rows, found.index] <= distance[rows, expected] + gap)
    clear = np.sort(distance, axis=1)
    sure = settled_minimum(distance, gap)
    if left.metric == "cosine":  # equal in theory, the sums differ with their order: only a single minimum is sure
        sure &= (distance <= distance.min(axis=1, keepdims=True) + gap).sum(axis=1) == 1
    assert np.array_equal(found.index[sure], expected[sure])
    assert np.allclose(found.distance, clear[:, 0], rtol=1e-6, atol=1e-6)
    if distance.shape[1] > 1:
        assert np.allclose(found.second, clear[:, 1], rtol=1e-6, atol=1e-6)
    else:
        assert np.all(np.isnan(found.second))
    back = distance.argmin(axis=0)
    settled = settled_minimum(distance.T, gap)
    if left.metric == "cosine":
        settled &= (distance <= distance.min(axis=0, keepdims=True) + gap).sum(axis=0) == 1
    check = sure & settled[found.index]
    assert np.array_equal(found.mutual[check], (back[found.index] == rows)[check])


@pytest.mark.parametrize("kind", KINDS)
@given(n=st.integers(1, 60), m=st.integers(1, 60), width=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_that_nearest_equals_brute_force(kind: str, n: int, m: int, width: int, seed: int) -> None:
    assert_exact(*pair(kind, n, m, width, seed))


@pytest.mark.parametrize("block", [1, 50, 333])
@pytest.mark.parametrize("kind", KINDS)
def test_that_the_block_size_changes_nothing(kind: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "BLOCK", block)
    assert_exact(*pair(kind, 41, 37, 9, 5))


def test_that_duplicates_take_the_lowest_index_and_are_mutual_once() -> None:
    row = np.arange(8, dtype=np.float32)
    found = nearest(Descriptors(np.stack([row, row, row])), Descriptors(np.stack([row + 1, row, row])))
    assert found.index.tolist() == [1, 1, 1]
    assert found.mutual.tolist() == [True, False, False]
    assert found.distance.tolist() == [0, 0, 0]
    assert found.second.tolist() == [0, 0, 0]


def test_that_empty_sides_give_typed_empties() -> None:
    some, none = Descriptors(np.ones((3, 4), np.float32)), Descriptors(np.ones((0, 4), np.float32))
    found = nearest(some, none)
    assert found.index.tolist() == [-1, -1, -1]
    assert np.all(np.isnan(found.distance))
    assert not found.mutual.any()
    assert len(nearest(none, some).index) == 0
    assert len(distances_to(Descriptors(some.values[:1]), none)) == 0


def test_that_metrics_and_lengths_must_agree() -> None:
    a = Descriptors(np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match="cannot be compared"):
        nearest(a, Descriptors(np.ones((1, 5), np.float32)))
    with pytest.raises(ValueError, match="cannot be compared"):
        nearest(a, Descriptors(np.ones((1, 4), np.float32), "cosine"))
    with pytest.raises(ValueError, match="expected 1 descriptor"):
        distances_to(Descriptors(np.ones((2, 4), np.float32)), a)


@pytest.mark.parametrize("kind", KINDS)
def test_that_distances_to_one_are_the_row_of_the_table(kind: str) -> None:
    left, right = pair(kind, 1, 30, 12, 3)
    assert np.allclose(distances_to(left, right), table(left, right)[0], rtol=1e-6, atol=1e-6)


def test_that_the_search_stops_when_told() -> None:
    left, right = pair("grey", 50, 50, 8, 0)
    with pytest.raises(Stopped):
        nearest(left, right, stop=lambda: True)


def test_that_it_agrees_with_opencv() -> None:
    rng = np.random.default_rng(0)
    a, b = (np.rint(rng.gamma(0.5, 60, (300, 128))).clip(0, 255).astype(np.float32) for _ in range(2))
    found = nearest(Descriptors(a), Descriptors(b))
    knn = cv2.BFMatcher(cv2.NORM_L2).knnMatch(a, b, k=2)
    assert found.index.tolist() == [m.trainIdx for m, _ in knn]
    assert np.allclose(found.distance, [m.distance for m, _ in knn], rtol=1e-6)
    assert np.allclose(found.second, [s.distance for _, s in knn], rtol=1e-6)
    cross = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(a, b)
    assert np.flatnonzero(found.mutual).tolist() == sorted(m.queryIdx for m in cross)


@pytest.mark.parametrize("kind", ["grey", "float", "hamming", "cosine"])
def test_that_dual_softmax_is_its_definition_and_sums_to_at_most_one(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BLOCK", 100)
    left, right = pair(kind, 20, 30, 16, 1)
    every = np.stack(np.meshgrid(np.arange(20), np.arange(30), indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int32)
    found = dual_softmax(left, right, every, temperature=0.2).reshape(20, 30)
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(found.sum(axis=0) <= 1 + 1e-5)
    assert np.all(found.sum(axis=1) <= 1 + 1e-5)
    if kind == "cosine":
        similar = (1 - table(left, right)) / 0.2
        row = np.exp(similar) / np.exp(similar).sum(axis=1, keepdims=True)
        column = np.exp(similar) / np.exp(similar).sum(axis=0, keepdims=True)
        assert np.allclose(found, row * column, rtol=1e-4)


def test_that_dual_softmax_of_far_apart_twins_is_certain_and_follows_a_shuffle() -> None:
    rng = np.random.default_rng(2)
    values = 100 * rng.standard_normal((12, 6)).astype(np.float32)
    order = rng.permutation(12)
    left, right = Descriptors(values), Descriptors(values[order])
    pairs = np.stack([order, np.arange(12)], axis=1).astype(np.int32)
    assert np.allclose(dual_softmax(left, right, pairs, temperature=0.01), 1, atol=1e-3)
    assert len(dual_softmax(left, right, pairs[:0], temperature=0.01)) == 0


@pytest.mark.parametrize("kind", ["grey", "float", "hamming", "cosine", "uint8"])
def test_that_the_distance_of_equals_is_plus_zero(kind: str) -> None:
    left, _ = pair(kind, 5, 5, 32, 3)
    found = nearest(left, left)
    assert np.abs(found.distance).max() < 1e-6
    if kind != "cosine":  # whose cosine of a row with itself is rounded
        assert not np.signbit(found.distance).any()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_that_the_number_of_threads_changes_nothing(kind: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SMALL", 0)
    monkeypatch.setattr(search, "WORKERS", workers)
    monkeypatch.setattr(search, "BLOCK", 700)
    assert_exact(*pair(kind, 101, 83, 9, 6))


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_that_the_blocks_of_all_threads_stay_small_together(workers: int) -> None:
    starts, step = search._blocks(20_000, 20_000, workers)
    assert 4 * workers * step * 20_000 < 60e6
    assert starts[-1] < 20_000 <= starts[-1] + step


def test_that_a_stop_between_blocks_reaches_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SMALL", 0)
    monkeypatch.setattr(search, "BLOCK", 100)
    left, right = pair("grey", 200, 50, 8, 0)
    asked: list[int] = []
    with pytest.raises(Stopped):
        nearest(left, right, stop=lambda: asked.append(1) or len(asked) > 3)  # type: ignore[func-returns-value]
