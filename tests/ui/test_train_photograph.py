"""The photograph behind a point of the embedding: read in the background, marked at the place, linked both ways."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from train_parts import TINY, Lab, noisy_points

from app.jobs import run_to_end
from app.learning.patch_data import WarpSettings
from app.learning.patch_set import PatchSet, split
from app.records import UserError
from app.ui.train import sources
from app.ui.train.embedding_page import EmbeddingPage
from app.ui.train.photograph import LONGEST, key_of, photograph
from app.ui.train.sources import DataPlan, Prepared, prepare
from app.ui.train.state import DATA_KEY, DataState

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs PyTorch, which is not installed here"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two large colourful photographs."""
    made = tmp_path / "photos"
    made.mkdir()
    for row, name in enumerate(("a.png", "b.png")):
        rng = np.random.default_rng(row)
        cv2.imwrite(str(made / name), cv2.resize(rng.integers(0, 255, (30, 50, 3), np.uint8), (1500, 900)))
    return made


def of_folder(folder: Path) -> Prepared:
    """The textures, as if they were cut from both photographs."""
    data = noisy_points()
    scene = (data.point % 2).astype(np.int32)
    places = np.column_stack([20.0 + 30 * data.point, 15.0 + 20 * data.point]).astype(np.float32)
    names = ("photos/a.png", "photos/b.png")
    data = PatchSet("two", data.patches, data.point, scene, names, places=places)
    plan = DataPlan(DataState(source="folder", path=str(folder)), WarpSettings())
    return Prepared(plan, 0, data, split(data, 0.5, 0)[1], (), 3.0)


def test_a_photograph_is_read_reduced_and_keeps_its_size(folder: Path) -> None:
    prepared = of_folder(folder)
    rows = {key_of(prepared, row) for row in range(len(prepared.held_out))}
    assert rows == {(0, ""), (1, "")}
    shown = run_to_end(photograph(prepared, (1, "")))
    assert shown.size == (1500, 900)
    assert max(shown.rgb.shape) == LONGEST
    whole = cv2.imread(str(folder / "b.png"))[:, :, ::-1]
    np.testing.assert_allclose(shown.rgb.mean(axis=(0, 1)), whole.mean(axis=(0, 1)), atol=1.0)


def test_a_photograph_that_is_gone_is_told(folder: Path) -> None:
    prepared = of_folder(folder)
    (folder / "b.png").unlink()
    with pytest.raises(UserError, match=r"photos/b\.png is no longer"):
        run_to_end(photograph(prepared, (1, "")))


def test_the_names_of_scenes_are_those_of_the_files(folder: Path) -> None:
    """What the link rests on, with the patches as they are really cut."""
    plan = DataPlan(DataState(source="folder", path=str(folder)), WarpSettings(views=1, points=20))
    prepared = run_to_end(prepare(plan, 0))
    assert set(prepared.patches.scenes) == {
        f"{file.parent.name}/{file.name}" for file in sources.photograph_files(plan)
    }
    assert run_to_end(photograph(prepared, (0, ""))).size == (1500, 900)


def test_patches_without_a_place_have_no_photograph() -> None:
    data = noisy_points()
    plan = DataPlan(DataState(source="digits"), WarpSettings())
    assert key_of(Prepared(plan, 0, data, data, (), 3.0), 0) is None


def test_the_embedding_shows_the_photograph_and_a_click_there_chooses_the_patch(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = of_folder(folder)

    def at_once(plan: DataPlan, seed: int, kept: Path | None = None):  # type: ignore[no-untyped-def]
        from app.jobs import Progress

        yield Progress(0, None, "Reading")
        return prepared

    monkeypatch.setattr("app.ui.train.trainer.prepare", at_once)
    lab.trainer.prepared = None
    lab.session.set_workspace_state(DATA_KEY, prepared.plan.data)
    lab.workspace._settings.set_training(TINY)
    lab.click(lab.workspace.controls.run)
    lab.until(lambda: lab.trainer.result is not None)
    page = lab.open("embedding")
    assert isinstance(page, EmbeddingPage)
    lab.until(lambda: page.view.projection is not None and page.view.projection.judged is lab.snapshot().judgements[-1])
    assert page.photograph.shown is None
    at = page.view.places()[0]
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=QPoint(round(at[0]), round(at[1])))
    lab.until(lambda: page.photograph.shown is not None)
    held, picture = prepared.held_out, page.photograph
    assert picture.shown is not None
    row = lab.workspace.train_state.patch
    assert picture.shown.key == (held.scene[row], "")
    np.testing.assert_allclose(picture.xy[picture.in_hand], held.place[row])
    # Whole and not stretched, the ring at the patch's place.
    area = picture.area()
    assert area.width() / area.height() == pytest.approx(1500 / 900)
    expected = area.left() + (held.place[row][0] + 0.5) * area.width() / 1500
    assert picture.points()[picture.in_hand][0] == pytest.approx(expected)
    other = next(ring for ring in range(len(picture.xy)) if (picture.xy[ring] != picture.xy[picture.in_hand]).any())
    there = picture.points()[other]
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(round(there[0]), round(there[1])))
    chosen = lab.workspace.train_state.patch
    assert chosen != row
    np.testing.assert_allclose(held.place[chosen], picture.xy[other])
    assert held.scene[chosen] == held.scene[row]
