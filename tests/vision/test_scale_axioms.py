from __future__ import annotations

import numpy as np
import pytest

from app.jobs import Progress, run_to_end
from app.vision import scale_axioms as axioms
from app.vision import scale_regions as regions
from app.vision.images import grey8
from app.vision.photographs import photograph
from app.vision.scale_laws import discrete_gaussian


@pytest.fixture(scope="module")
def tried() -> dict[str, axioms.Axiom]:
    found = run_to_end(axioms.demonstrate(grey8(photograph("coffee")), sigma=2.0, angle=30.0))
    return {axiom.key: axiom for axiom in found}


def test_that_linearity_shift_and_a_quarter_turn_hold_exactly(tried: dict[str, axioms.Axiom]) -> None:
    for key in ("linearity", "shift", "rot90"):
        assert tried[key].holds is True
        assert tried[key].error < 1e-12


def test_that_any_other_rotation_holds_up_to_interpolation(tried: dict[str, axioms.Axiom]) -> None:
    assert tried["rotation"].holds is None
    assert 1e-5 < tried["rotation"].error < 0.03


def test_that_the_sampled_kernel_is_nearly_a_semigroup_and_not_at_small_scales() -> None:
    picture = axioms.prepared(grey8(photograph("camera")))
    fine, coarse = axioms.semigroup(picture, 0.5), axioms.semigroup(picture, 2.0)
    assert coarse.error < 3e-4
    assert fine.error > 100 * coarse.error
    twice = discrete_gaussian(discrete_gaussian(picture, 0.3), 0.4)
    assert np.abs(twice - discrete_gaussian(picture, 0.5)).max() < 1e-12


def test_that_lines_gain_nothing_pictures_gain_maxima_and_regions_are_never_invented(
    tried: dict[str, axioms.Axiom],
) -> None:
    assert tried["line"].holds is True
    assert tried["line"].error == 0
    assert tried["maxima"].holds is False
    assert tried["maxima"].error > 0
    assert tried["causality"].holds is True


def test_that_two_hills_on_a_narrow_ridge_become_two_maxima() -> None:
    hills = regions.two_hills()
    counts = [int(regions.maxima(discrete_gaussian(hills, sigma)).sum()) for sigma in (0.8, 5.0, 40.0)]
    assert counts == [1, 2, 1]
    assert regions.births(discrete_gaussian(hills, 0.8), discrete_gaussian(hills, 5.0)) == (1, 2)


def test_that_a_region_out_of_nothing_would_be_noticed() -> None:
    picture = np.zeros((32, 32))
    picture[8:12, 8:12] = 1
    invented = discrete_gaussian(picture, 1.0).copy()
    invented[24, 24] = 0.9
    levels = (discrete_gaussian(picture, 0.5), invented)
    lost, found = regions.orphans(picture, levels, (0.5, 1.0), 0.5)
    assert (lost, found) == (1, 3)


def test_that_steepest_ascent_reaches_the_maximum_of_its_hill() -> None:
    values = np.add.outer(-np.abs(np.arange(9) - 2.0), -np.abs(np.arange(11) - 7.0))
    assert set(regions.summits(values).tolist()) == {2 * 11 + 7}


def test_that_progress_comes_often_and_carries_what_is_done() -> None:
    texts: list[str] = []

    def note(progress: Progress) -> None:
        texts.append(progress.text)
        assert all(isinstance(axiom, axioms.Axiom) for axiom in progress.payload)

    run_to_end(axioms.demonstrate(grey8(photograph("camera")), sigma=1.6, angle=10.0), note)
    assert len(texts) > 150


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3), (7, 20)])
def test_that_the_smallest_pictures_are_tried_without_a_crash(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(3).integers(0, 255, shape, np.uint8)
    found = run_to_end(axioms.demonstrate(grey, sigma=1.5, angle=30.0))
    assert len(found) == 8
    assert all(axiom.one.size and axiom.other.size for axiom in found)


def test_that_a_constant_picture_keeps_every_axiom() -> None:
    found = run_to_end(axioms.demonstrate(np.full((60, 60), 90, np.uint8), sigma=1.5, angle=30.0))
    assert {axiom.key: axiom.holds for axiom in found if axiom.key not in ("maxima", "rotation")} == dict.fromkeys(
        ("linearity", "shift", "rot90", "semigroup", "line", "causality"), True
    )
