"""The four lamps: every violation of the table is found, none is invented; formulas are read, never evaluated."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from samples import done

from app.learning.axiom_patches import broken_triangle
from app.learning.axioms import search
from app.learning.formulas import compiled
from app.learning.measures import MEASURES, Measure, measure, typed
from app.locate import photographs
from app.records import UserError


@pytest.mark.parametrize("item", MEASURES, ids=lambda item: item.key)
def test_that_the_search_agrees_with_the_table(item: Measure) -> None:
    verdict = done(search(item, triples=100_000))
    assert tuple(lamp.state for lamp in verdict.lamps) == item.known
    for lamp in verdict.lamps:
        if lamp.state not in ("fails", "half"):
            continue
        points = lamp.points
        assert points is not None
        f = item.function
        pair = [points[at : at + 1] for at in range(len(points))]
        if lamp.axiom == "T":
            x, y, z = pair
            assert f(x, z)[0] > f(x, y)[0] + f(y, z)[0]
            assert lamp.values == pytest.approx((f(x, z)[0], f(x, y)[0], f(y, z)[0]))
        elif lamp.axiom == "S":
            assert f(pair[0], pair[1])[0] != f(pair[1], pair[0])[0]
        elif lamp.state == "half":
            assert f(pair[0], pair[1])[0] == pytest.approx(0, abs=1e-9)
            assert np.linalg.norm(points[0] - points[1]) > 1e-3


def test_the_lectures_witnesses() -> None:
    lamps = {lamp.axiom: lamp for lamp in done(search(measure("lecture"))).lamps}
    assert lamps["I"].sentence == "f(1, 1) = 1, not 0."
    assert lamps["T"].values == (1, 0, 0)
    ssd = {lamp.axiom: lamp for lamp in done(search(measure("ssd"))).lamps}
    assert ssd["T"].values == pytest.approx((4, 1, 1))
    x2y2 = measure("lecture").function
    assert x2y2(np.array([[0.0]]), np.array([[1.0]]))[0] == 0
    cosine = measure("cosine").function
    turn = np.radians([0, 45, 90])
    a, b, c = (np.array([[np.cos(t), np.sin(t)]]) for t in turn)
    assert cosine(a, b)[0] == pytest.approx(0.2929, abs=1e-4)
    assert cosine(a, b)[0] + cosine(b, c)[0] < cosine(a, c)[0] == pytest.approx(1)


def test_that_one_minus_ncc_is_half_the_squared_distance_of_standardised_patches() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 255, (2, 20, 9))
    want = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(measure("ncc").function(x, y), want, atol=1e-12)
    np.testing.assert_allclose(measure("ncc-root").function(x, y), np.sqrt(2 * np.array(want)), atol=1e-12)
    twin = 3 * x + 40
    np.testing.assert_allclose(measure("ncc-root").function(x, twin), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "badge", "failing"),
    [
        ("norm(x - y)", "metric", ""),
        ("sum(abs(x - y))", "metric", ""),
        ("max(abs(x-y))", "metric", ""),
        ("norm(x-y) / (1 + norm(x-y))", "metric", ""),
        ("abs(x1 - y1)", "pseudometric", ""),
        ("x1**2 * y1**2", "not a metric", "T"),
        ("sum((x - y)^2)", "not a metric", "T"),
        ("abs(x1 - 2*y1)", "not a metric", "S"),
        ("x1 - y1", "not a metric", "NS"),
        ("sqrt(x1 - y1)", "not a metric", "N"),
        ("9**9**9", "not a metric", "N"),
        ("0", "pseudometric", ""),
        ("norm(x - y) != 0", "metric", ""),
    ],
)
def test_that_a_typed_formula_gets_its_badge(formula: str, badge: str, failing: str) -> None:
    verdict = done(search(typed(formula), triples=20_000))
    assert verdict.badge == badge
    states = {lamp.axiom: lamp.state for lamp in verdict.lamps}
    assert all(states[axiom] == "fails" for axiom in failing)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Type a formula"),
        ("(", "not a formula"),
        ("x", "gives 2 numbers"),
        ("x3", "does not exist"),
        ("x[0]", "does not exist"),
        ("x[y]", "counted from 1"),
        ("z", "not known"),
        ("foo(x)", "no function 'foo'"),
        ("norm(x, y, x)", "3 arguments"),
        ("norm(v=x)", "plain arguments"),
        ("__import__('os').system('true')", "no function"),
        ("x.__class__", "cannot be used"),
        ("(lambda: 1)()", "no function"),
        ("[1 for i in x]", "cannot be used"),
        ("'a'", "not a number"),
        ("True", "not a number"),
        ("1" + "0" * 400, "characters"),
        ("1" + "0" * 150 + "**2 + norm(x)", ""),
        ("+".join(["x1"] * 60), "more than"),
        ("x if 1 else y", "cannot be used"),
        ("x = 1", "not a formula"),
    ],
)
def test_that_formulas_are_read_and_everything_else_is_refused_in_one_sentence(text: str, words: str) -> None:
    if not words:
        compiled(text, 2)  # large but finite
        return
    with pytest.raises(UserError, match=words):
        compiled(text, 2)


def test_that_formulas_compute_what_they_say() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50, 3))
    cases = {
        "sqrt(sum((x - y)**2))": np.linalg.norm(x - y, axis=1),
        "dot(x, y) / (norm(x) * norm(y))": np.vecdot(x, y) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1),
        "max(abs(x - y))": np.abs(x - y).max(axis=1),
        "min(norm(x - y), 1)": np.minimum(np.linalg.norm(x - y, axis=1), 1),
        "-x1 + y[3] * 2 - pi": -x[:, 0] + 2 * y[:, 2] - np.pi,
        "sum((x - y)²)": ((x - y) ** 2).sum(axis=1),
        "mean(x < y)": (x < y).mean(axis=1),
    }
    for text, want in cases.items():
        np.testing.assert_allclose(compiled(text, 3)(x, y), want, atol=1e-12)
    assert np.isnan(compiled("log(x1 - x1)", 3)(x, y)).all()


def test_that_real_patches_break_the_inequality_for_one_minus_ncc() -> None:
    grey = cv2.imread(str(photographs() / "camera.png"), cv2.IMREAD_GRAYSCALE)
    found = broken_triangle(grey)
    assert found.direct > sum(found.legs)
    assert found.excess > 0.1
    rows = found.patches.reshape(3, -1).astype(np.float64)
    x, y, z = (row[None] for row in rows)
    f = measure("ncc").function
    assert found.direct == pytest.approx(f(x, z)[0])
    assert found.legs == pytest.approx((f(x, y)[0], f(y, z)[0]))
    direct, first, second = found.roots
    assert direct <= first + second + 1e-12
    for (column, row), patch in zip(found.centres.astype(int), found.patches, strict=True):
        assert (grey[row - 8 : row + 9, column - 8 : column + 9] == patch).all()
    assert (broken_triangle(grey).centres == found.centres).all()


def test_that_flat_and_tiny_pictures_are_refused() -> None:
    with pytest.raises(UserError, match="flat"):
        broken_triangle(np.full((60, 60), 7, np.uint8))
    with pytest.raises(UserError, match="at least 25"):
        broken_triangle(np.zeros((20, 90), np.uint8))


def test_that_equal_patches_are_no_witness_and_no_nan() -> None:
    """Of a square wave's shifts the distances are proportional to the shift: only rounding could break there."""
    column = np.where(np.arange(120) % 12 < 6, 40, 200).astype(np.uint8)
    with pytest.raises(UserError, match="No three patches"):
        broken_triangle(np.tile(column, (90, 1)))
    tile = np.random.default_rng(0).integers(0, 255, (9, 9)).astype(np.uint8)
    smooth = cv2.resize(np.tile(tile, (3, 3)), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    found = broken_triangle(np.tile(smooth, (1, 2)))  # every patch comes several times
    assert min(found.direct, *found.legs) >= 0
    assert np.isfinite(found.roots).all()
    assert found.excess > 0.01
