"""The nearest-neighbour strip: items whose nearest neighbour changes under a metric that was learned without them.

What lives here: the job that learns fold by fold and collects changes and errors. What does not: pictures, the
learners' own code. May import: jobs, ``evaluation``, ``learners``, ``neighbours``, ``descriptor_data``, numpy.

Every item is asked once, in the fold that did not learn from it. With places of an image pair, a place is learned from
or asked as a whole: its left descriptor asks, the right descriptors of all places that were not learned from answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from app.jobs import Job, Progress
from app.learning.data_files import DataSet
from app.learning.descriptor_data import Located
from app.learning.evaluation import Comparison, compared, standardised, stratified_folds
from app.learning.learners import Row, with_class_names
from app.learning.neighbours import Labels, Rows, closest_pair, knn_labels, mapped, nearest_rows
from app.records import Bool, Float64, UserError

Kind = Literal["better", "worse", "other", "same"]
KINDS: tuple[Kind, ...] = ("better", "worse", "other", "same")


@dataclass(frozen=True)
class Change:
    """One item whose nearest neighbour changes.

    Attributes:
        row: the item.
        before, after: rows of its nearest neighbours under Euclid and under L.
        kind: ``better`` if it becomes right, ``worse`` if it becomes wrong, ``other`` if it is wrong both times,
            ``same`` if it is right both times.
        euclid: distances to both neighbours under Euclid.
        learned: distances to both under L.
    """

    row: int
    before: int
    after: int
    kind: Kind
    euclid: tuple[float, float]
    learned: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Strip:
    """What the folds found so far.

    Attributes:
        data: the items.
        changes: those that become right first, then those that become wrong, then the others.
        nearest: 1-NN errors of Euclid and L over all items asked, with the significance of their difference.
        voted: the same of k-NN.
        folds: how many were asked, of how many.
        alike: of the faces the two most alike, under Euclid and under an L learned from all; empty for other data.
    """

    data: DataSet
    changes: tuple[Change, ...]
    nearest: Comparison
    voted: Comparison
    folds: tuple[int, int]
    alike: tuple[tuple[int, int], ...] = ()

    def count(self, kind: Kind) -> int:
        """Return how many changes are of a kind."""
        return sum(change.kind == kind for change in self.changes)


@dataclass(frozen=True, eq=False)
class _Fold:
    """Rows that are learned from, that ask, and that answer."""

    learn: Rows
    ask: Rows
    answer: Rows


def _item_folds(y: Labels, folds: int, seed: int) -> Iterator[_Fold]:
    fold = stratified_folds(y, folds, seed=seed)
    for number in range(folds):
        learn = np.flatnonzero(fold != number)
        yield _Fold(learn, np.flatnonzero(fold == number), learn)


def _place_folds(found: Located, folds: int, seed: int) -> Iterator[_Fold]:
    """Return folds of whole places: left rows ask right rows, of places that were not learned from."""
    y = found.data.y
    names = np.unique(y)
    if len(names) < 2 * folds:
        raise UserError(f"{len(names)} places are too few for {folds} folds; raise the number of keypoints.")
    of_place = np.random.default_rng(seed).permutation(len(names)) % folds
    fold = of_place[np.searchsorted(names, y)]
    for number in range(folds):
        held = fold == number
        yield _Fold(
            np.flatnonzero(~held), np.flatnonzero(held & (found.image == 0)), np.flatnonzero(held & (found.image != 0))
        )


def strip(
    source: DataSet | Located,
    row: Row,
    settings: Any,
    *,
    k: int = 3,
    folds: int = 5,
    seed: int = 0,
    standardise: bool = False,
) -> Job[Strip]:
    """Learn without each fold, then ask its items for their nearest neighbours; every payload is a strip so far.

    Args:
        source: labelled items, or the places of an image pair.
        row: of the recipe table, with a learner.
        settings: the learner's.
        k: of the k-NN that is counted besides the nearest neighbour; places are asked with 1.
        folds, seed: of the division.
        standardise: by mean and spread of the items learned from, fold by fold.

    Raises:
        UserError: what the learner raises, with the fold.
    """
    data = source.data if isinstance(source, Located) else source
    places = isinstance(source, Located)
    parts = (
        _place_folds(source, folds, seed) if isinstance(source, Located) else _item_folds(data.y, folds, seed)
    )  # fmt: skip
    changes: list[Change] = []
    wrong: list[tuple[Bool, Bool]] = []
    voted: list[tuple[Bool, Bool]] = []
    shown: Strip | None = None
    for number, fold in enumerate(parts):
        text = f"Learning without fold {number + 1} of {folds}"
        yield Progress(number, folds, text, shown)
        seen = _standardised(data, fold.learn) if standardise else data
        factor = yield from _learned(seen, row, settings, fold.learn, (number, folds, text))
        _ask(seen, fold, factor, changes, wrong)
        voted.append(_vote(seen, fold, factor, 1 if places else k))
        shown = _strip(data, changes, wrong, voted, (number + 1, folds))
        yield Progress(number + 1, folds, text, shown)
    assert shown is not None
    if data.key != "faces":
        return shown
    factor = yield from _learned(data, row, settings, np.arange(len(data.x)), (folds, folds, "Learning from all"))
    first = np.flatnonzero(data.y == 0)
    pairs = tuple(closest_pair(data.x[first], factor=each) for each in (None, factor))
    alike = tuple((int(first[i]), int(first[j])) for i, j, _ in pairs)
    return Strip(data, shown.changes, shown.nearest, shown.voted, shown.folds, alike)


def _standardised(data: DataSet, rows: Rows) -> DataSet:
    """Return the data with mean 0 and spread 1 over some rows."""
    _, x = standardised(data.x[rows], data.x)
    return replace(data, x=x)


def _learned(data: DataSet, row: Row, settings: Any, rows: Rows, at: tuple[int, int, str]) -> Job[Float64]:
    """Run the learner on some rows, reporting the fold instead of its own progress."""
    assert row.learn is not None
    kept, y = np.unique(data.y[rows], return_inverse=True)
    steps = with_class_names(row.learn(data.x[rows], y, settings), [data.classes[label] for label in kept])
    try:
        while True:
            next(steps)
            yield Progress(*at)
    except StopIteration as stop:
        factor: Float64 = stop.value.metric.factor
        return factor
    except UserError as error:
        raise UserError(f"{at[2]}: {error}") from None
    finally:
        steps.close()


def _ask(data: DataSet, fold: _Fold, factor: Float64, changes: list[Change], wrong: list[tuple[Bool, Bool]]) -> None:
    """Find the nearest neighbours of a fold's items both ways, and note what changed."""
    x, y = data.x, data.y
    spaces = [(mapped(x[fold.answer], each), mapped(x[fold.ask], each)) for each in (None, factor)]
    near = [nearest_rows(answer, ask, 1)[:, 0] for answer, ask in spaces]
    before, after = (fold.answer[each] for each in near)
    bad = (y[before] != y[fold.ask], y[after] != y[fold.ask])
    wrong.append(bad)
    for at in np.flatnonzero(before != after):
        code = 2 * int(bad[0][at]) + int(bad[1][at])
        kind: Kind = ("same", "worse", "better", "other")[code]
        apart = [tuple(float(np.linalg.norm(answer[side[at]] - ask[at])) for side in near) for answer, ask in spaces]
        changes.append(
            Change(int(fold.ask[at]), int(before[at]), int(after[at]), kind,
                   (apart[0][0], apart[0][1]), (apart[1][0], apart[1][1]))
        )  # fmt: skip


def _vote(data: DataSet, fold: _Fold, factor: Float64, k: int) -> tuple[Bool, Bool]:
    x, y = data.x, data.y
    base, named, asked = x[fold.answer], y[fold.answer], x[fold.ask]
    truth = y[fold.ask]
    return knn_labels(base, named, asked, k) != truth, knn_labels(base, named, asked, k, factor=factor) != truth


def _strip(
    data: DataSet,
    changes: list[Change],
    wrong: list[tuple[Bool, Bool]],
    voted: list[tuple[Bool, Bool]],
    folds: tuple[int, int],
) -> Strip:
    ordered = tuple(sorted(changes, key=lambda change: (KINDS.index(change.kind), change.row)))
    nearest, by_k = (
        compared(np.concatenate([a for a, _ in each]), np.concatenate([b for _, b in each])) for each in (wrong, voted)
    )
    return Strip(data, ordered, nearest, by_k, folds)
