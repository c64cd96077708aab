"""A metric learned from descriptors of image pairs, kept as what the matcher "learned metric" compares with.

What lives here: :func:`learn_matcher`, a job. What does not: learning, files (``app.learning``), Qt. May import: those,
pairs, matchers, jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from app import matchers, pairs
from app.jobs import Job, Progress, native
from app.learning import metric_store
from app.learning.descriptor_data import DescriptorSettings, located
from app.learning.neighbours import leave_one_out_error
from app.records import ImagePair, PairRef, UserError
from app.ui.metric.neighbour_state import NeighbourState

KEYPOINTS = 1200  # of the left pictures of all pairs together
FEWEST = 50  # of each
MOST_PAIRS = 40


def chosen_pairs(state: NeighbourState, open_pair: PairRef, listed: Sequence[PairRef]) -> tuple[PairRef, ...]:
    """Return the pairs to learn from.

    Raises:
        UserError: if only the open pair is in the list, and the others are asked for.
    """
    if state.source == "open":
        return (open_pair,)
    others = tuple(ref for ref in listed if ref != open_pair)[:MOST_PAIRS]
    if not others:
        raise UserError("There is no other pair in the list at the left: open several, or learn from the open pair.")
    return others


def learn_matcher(state: NeighbourState, refs: Sequence[PairRef]) -> Job[str]:
    """Learn L from the descriptors of pairs, keep it with the ids of their pictures, and return its name.

    Args:
        state: learner and its settings.
        refs: the pairs; those whose truth names no places are left out.

    Raises:
        UserError: if none can be read, none has such a truth, or the learner cannot learn from them.
    """
    loaded: list[ImagePair] = []
    for at, ref in enumerate(refs):
        progress = Progress(at, len(refs), f"Reading {ref.title}")
        yield progress
        loaded += yield from native(partial(pairs.load, ref), progress=progress)
    count = max(FEWEST, KEYPOINTS // len(refs))
    found = yield from located(loaded, DescriptorSettings(count=count))
    row = state.row
    assert row.learn is not None
    name = f"{state.learner}-{refs[0].title if len(refs) == 1 else f'{len(refs)} pairs'}"
    learned = yield from row.learn(
        found.data.x, found.data.y, state.learner_settings(), trained_on=found.ids, name=name.replace(" ", "-")
    )
    factor = learned.metric.factor
    errors = {
        f"training_error_{when}": leave_one_out_error(found.data.x, found.data.y, 1, factor=each)
        for when, each in (("before", None), ("after", factor))
    }
    details = {**learned.metric.details, "descriptor": "sift", "k": 1, "places": len(found.data.classes), **errors}
    kept = metric_store.keep(replace(learned.metric, details=details))
    matchers.refresh()
    return kept
