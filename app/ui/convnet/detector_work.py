"""What is done with detectors of the user's own, and what the card of one says.

What lives here: :data:`DETECTORS`, the job that reads a card, and its words. What does not: the files themselves
(``app.learning.detector_store``), Qt. May import: that, jobs, records, ``app.ui.own_work``, ``app.ui.numbers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.jobs import Job, Progress
from app.learning import detector_store
from app.learning.detector_store import RANDOM, DetectorCard
from app.learning.superpoint_network import MINI
from app.records import UserError
from app.text import shortened
from app.ui.numbers import duration, file_size
from app.ui.own_work import FileText, FileWork

MOST_WORDS = 20  # letters of a name or a value: both have to fit the panel of settings
NOBODY = "Nobody trained these weights: they are drawn from the seed."
DETECTORS = FileWork(
    "detector", "detector", detector_store.SUFFIX, "convnet-files",
    detector_store.rename, detector_store.delete, detector_store.import_file,
    "Copy a detector, made by “main.py detector --out FILE”, with its card into the list of weights, and choose it",
    "; the shipped miniature takes its place",
)  # fmt: skip


def described(which: str) -> Job[FileText]:
    """Return what is said of a detector: of one that is gone or damaged, why."""
    yield Progress(0, 1, "Reading the card")
    if which == RANDOM:
        nothing = (("seed", "0"), ("steps", "0"), ("weights", f"{MINI.parameters:,}"))
        return FileText(which, "random", nothing, NOBODY, fixed=detector_store.why_fixed(which))
    name = Path(which).stem
    try:
        path = detector_store.find(which)
    except UserError as error:
        return FileText(which, name, words=str(error), fixed="The file of this detector is no longer there")
    fixed = detector_store.why_fixed(which)
    try:
        card, weights = detector_store.load_detector(path)
        size = path.stat().st_size
    except (UserError, OSError) as error:
        why = str(error).replace(str(path), path.name)
        return FileText(which, path.stem, words=why, fixed=fixed, broken="This file cannot be read")
    rows = _rows(card, sum(value.size for value in weights.values()), size)
    return FileText(which, path.stem, rows, f"Trained on {card.data or 'what its card does not state'}.", fixed)


def _rows(card: DetectorCard, weights: int, size: int) -> tuple[tuple[str, str], ...]:
    """Return what a card and its file say; of numbers that were all judged on the same, this stands in one row."""
    judged, numbers = _judged_on(card.numbers)
    return (
        ("seed", _stated(card.settings, "seed")),
        ("steps", _steps(card.settings)),
        ("trained for", duration(card.seconds) if card.seconds else "not stated"),
        ("weights", f"{weights:,} in {file_size(size)}"),
        *((("judged on", shortened(judged, MOST_WORDS)),) if judged else ()),
        *((shortened(name, MOST_WORDS), f"{value:.4f}") for name, value in numbers.items()),
        ("sha256", f"{card.sha256[:12]}…"),
    )


def _stated(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    return f"{value:,}" if isinstance(value, int | float) else "not stated"


def _steps(settings: Mapping[str, Any]) -> str:
    batch = f", batch {_stated(settings, 'batch')}" if "batch" in settings else ""
    return f"{_stated(settings, 'steps')}{batch}"


def _judged_on(numbers: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
    """Return what all names of numbers begin with up to a comma, empty if they differ, and the numbers without it."""
    starts = {name.partition(", ")[0] for name in numbers if ", " in name}
    if len(starts) != 1 or not all(", " in name for name in numbers):
        return "", numbers
    return starts.pop(), {name.partition(", ")[2]: value for name, value in numbers.items()}
